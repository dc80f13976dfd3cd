#!/usr/bin/env bash
# Brings a server from one commit to the next: pull, build, check, drain, start, wait for /ready, else roll back.
#
#   deploy/deploy.sh            the newest commit of the branch
#   deploy/deploy.sh REVISION   that one
#
# Run it in a clone, as a user who may write TIDEGATE_HOME and control the service. What differs between machines:
#
#   TIDEGATE_HOME     releases, and `current`, which the unit starts     /opt/tidegate
#   TIDEGATE_DATA     the data folder                                    /var/lib/tidegate
#   TIDEGATE_CONFIG_FILE                                                 /etc/tidegate/tidegate.toml
#   TIDEGATE_ENVIRONMENT  the environment of the service, NAME=value     /etc/tidegate/environment
#   TIDEGATE_URL      where the server answers                           http://127.0.0.1:8080
#   SERVICE           called with `stop` (returns when the process has drained and is gone) and `start`; systemd unless set
#   BUILD             called with the release folder; leaves the program `tidegate` there; cargo unless set
#   READY_WAIT        seconds until /ready must answer                   60
#   RELEASES_KEPT     how many releases stay                             5
set -euo pipefail

home=${TIDEGATE_HOME:-/opt/tidegate}
export TIDEGATE_DATA=${TIDEGATE_DATA:-/var/lib/tidegate}
export TIDEGATE_CONFIG_FILE=${TIDEGATE_CONFIG_FILE:-/etc/tidegate/tidegate.toml}
environment=${TIDEGATE_ENVIRONMENT:-/etc/tidegate/environment}
url=${TIDEGATE_URL:-http://127.0.0.1:8080}
ready_wait=${READY_WAIT:-60}
releases_kept=${RELEASES_KEPT:-5}

main() {
    local revision release previous
    cd "$(git rev-parse --show-toplevel)"
    mkdir -p "$home/releases"
    # Two deployments at once would take each other's release for the one to go back to.
    exec 9>"$home/deploying"
    flock --nonblock 9 || fail "another deployment is under way"

    say "pull"
    pull "${1:-}"
    revision=$(git rev-parse HEAD)
    release=$home/releases/$revision
    say "build $revision"
    build "$release"
    say "check"
    check "$release/tidegate" || fail "the configuration does not fit this release; nothing was changed"

    previous=$(readlink "$home/current" || true)
    say "drain"
    service stop
    keep_data
    switch_to "$release"
    say "start"
    if service start && wait_ready; then
        say "ready: $revision"
        forget_old_releases
        return
    fi
    roll_back "$previous"
}

pull() {
    git fetch --quiet --tags origin
    if [ -n "$1" ]; then
        git checkout --quiet --detach "$1"
    else
        git merge --quiet --ff-only '@{upstream}'
    fi
}

# A release that is complete has its program; one that broke off is built again.
build() {
    [ -x "$1/tidegate" ] && return
    rm -rf "$1" "$1.part"
    mkdir "$1.part"
    if [ -n "${BUILD:-}" ]; then
        "$BUILD" "$1.part"
    else
        cargo build --release --locked --package tidegate
        install "${CARGO_TARGET_DIR:-target}/release/tidegate" "$1.part/tidegate"
    fi
    mv "$1.part" "$1"
}

# The configuration may name variables that only the service has. They are read as systemd reads them: nothing in them
# is carried out, and they reach nobody but the program.
check() (
    if [ -e "$environment" ]; then
        [ -r "$environment" ] || fail "$environment cannot be read, so the configuration cannot be checked; deploy as root"
        while IFS= read -r line || [ -n "$line" ]; do
            case $line in '' | [#\;]* | [!A-Za-z_]*) continue ;; esac
            value=${line#*=}
            case $value in
                \"*\") value=${value#\"} value=${value%\"} ;;
                \'*\') value=${value#\'} value=${value%\'} ;;
            esac
            export "${line%%=*}=$value"
        done <"$environment"
    fi
    "$1" check
)

service() {
    if [ -n "${SERVICE:-}" ]; then
        "$SERVICE" "$1"
    else
        systemctl "$1" tidegate
    fi
}

# The next release may migrate the database, and the one before cannot read what is newer than itself.
keep_data() {
    rm -rf "$home/data-before"
    [ -e "$TIDEGATE_DATA/tidegate.db" ] || return 0
    mkdir -m 700 "$home/data-before"
    cp --preserve --reflink=auto "$TIDEGATE_DATA"/tidegate.db* "$home/data-before/"
}

restore_data() {
    [ -d "$home/data-before" ] || return 0
    rm -f "$TIDEGATE_DATA"/tidegate.db*
    cp --preserve --reflink=auto "$home/data-before"/tidegate.db* "$TIDEGATE_DATA/"
}

# A rename is atomic: whoever starts the service meanwhile finds one release or the other.
switch_to() {
    ln -sfn "$1" "$home/current.next"
    mv -T "$home/current.next" "$home/current"
}

wait_ready() {
    local deadline=$((SECONDS + ready_wait))
    until curl --silent --fail --max-time 2 --output /dev/null "$url/ready"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

roll_back() {
    say "not ready within $ready_wait s: rolling back"
    service stop || true
    [ -n "$1" ] || fail "there is no release to go back to; the service is stopped"
    restore_data
    switch_to "$1"
    if service start && wait_ready; then
        fail "rolled back to $(basename "$1")"
    fi
    fail "rolled back to $(basename "$1"), which is not ready either"
}

forget_old_releases() {
    local old
    # Every name is a commit's, so there is nothing in it that `ls` could garble.
    # shellcheck disable=SC2012
    ls -1t "$home/releases" | tail -n "+$((releases_kept + 1))" | while read -r old; do
        [ "$home/releases/$old" = "$(readlink "$home/current")" ] || rm -rf "${home:?}/releases/$old"
    done
}

say() { echo "deploy: $*"; }

fail() {
    echo "deploy: $*" >&2
    exit 1
}

main "$@"
