#!/usr/bin/env bash
# Gives this machine a Rust standard library for wasm32-unknown-unknown. `cargo xtask wasm` runs it when there is none.
#
# Where rustup can add the target, that is all it does. Where it cannot, because the network is closed, it takes Debian's
# compiler and library source (rustc-web, cargo-web, rust-web-src), builds the library once, puts it beside that compiler
# and makes both known to rustup as the toolchain `wasm`. That needs root. It is safe to run again.
set -euo pipefail

target=wasm32-unknown-unknown
compiler=/usr/lib/rustlib
library=$compiler/$target/lib

if timeout 120 rustup target add "$target"; then
  exit 0
fi

build_library() {
  local seed
  seed=$(mktemp -d)
  trap 'rm -rf "$seed"' RETURN
  mkdir "$seed/src"
  printf '[package]\nname = "seed"\nversion = "0.0.0"\nedition = "2021"\n' >"$seed/Cargo.toml"
  : >"$seed/src/lib.rs"
  # With the bitcode in it, a build with link-time optimisation can read the library.
  (
    cd "$seed"
    env -u RUSTUP_TOOLCHAIN -u CARGO_TARGET_DIR RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
      RUSTFLAGS=-Cembed-bitcode=yes \
      /usr/bin/cargo build --quiet --release --target "$target" -Zbuild-std=std,panic_abort
  )
  mkdir -p "$library"
  rm -f "$seed/target/$target/release/deps"/libseed*
  cp "$seed/target/$target/release/deps"/*.rlib "$library/"
}

if ! ls "$library"/libstd-*.rlib >/dev/null 2>&1; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    rustc-web cargo-web rust-web-src >/dev/null
  build_library
fi

# Debian's compiler looks for its own linker here; that of the rustup toolchain is new enough for it.
host=$(rustc -vV | sed -n 's/^host: //p')
mkdir -p "$compiler/$host/bin"
ln -sfn "$(rustc --print sysroot)/lib/rustlib/$host/bin/rust-lld" "$compiler/$host/bin/rust-lld"
rustup toolchain link wasm /usr
