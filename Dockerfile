# syntax=docker/dockerfile:1
# The gateway as one static program in an empty image, in two editions (docs/decisions/0042-deployments.md):
#   docker build -t tidegate:light --target light .              a file, memory, or libSQL over HTTP
#   docker build -t tidegate:enterprise --target enterprise .    PostgreSQL, MySQL, MariaDB and Redis as well
# Light is what is built when nothing is said:
#   docker build -t tidegate .
#   docker run -p 8080:8080 -v tidegate:/data tidegate

FROM node:22-bookworm-slim AS pages
WORKDIR /src/dashboard
COPY dashboard/package.json dashboard/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY core/data/openapi.json /src/core/data/
COPY dashboard ./
RUN npm run types && npm run build

FROM rust:1.95-slim-bookworm AS sources
# The embedded database is C, so a C compiler for musl is needed beside the target. Security updates of the base image
# matter more here than a pinned compiler.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends musl-tools \
    && rm -rf /var/lib/apt/lists/* \
    && rustup target add "$(uname -m)-unknown-linux-musl" \
    && mkdir -p /out/folders/data /out/program
WORKDIR /src
COPY . .
COPY --from=pages /src/dashboard/dist dashboard/dist

FROM sources AS build-light
RUN cargo build --release --locked --package tidegate --target "$(uname -m)-unknown-linux-musl" \
    && cp "target/$(uname -m)-unknown-linux-musl/release/tidegate" /out/program/

FROM sources AS build-enterprise
RUN cargo build --release --locked --package tidegate --features enterprise --target "$(uname -m)-unknown-linux-musl" \
    && cp "target/$(uname -m)-unknown-linux-musl/release/tidegate" /out/program/

FROM scratch AS empty
# A named volume takes over the owner of /data. A folder of the host's keeps its own: when that is root, start with
# `--user 0`, and the program takes the folder over and gives root up for TIDEGATE_USER before it does anything else.
COPY --from=sources --chown=65532:65532 /out/folders/ /
# Nothing but /data can be written to, so what the database sorts on disk goes there as well.
ENV TIDEGATE_LISTEN=0.0.0.0:8080 \
    TIDEGATE_DATA=/data \
    TIDEGATE_USER=65532:65532 \
    SQLITE_TMPDIR=/data
USER 65532:65532
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/tidegate"]
CMD ["serve"]

FROM empty AS enterprise
COPY --from=build-enterprise /out/program/ /

FROM empty AS light
COPY --from=build-light /out/program/ /
