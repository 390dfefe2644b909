#!/usr/bin/env bash
# Makes sure that the tests find Postgres' programs (initdb, postgres): in PATH or in /usr/lib/postgresql/*/bin.
# On Debian and its kin it installs them when it may; elsewhere it says what is missing. It starts nothing.
set -euo pipefail

has_postgres() {
    # A folder that was named is the only one to look into, as the tests do it.
    if [[ -n ${TURNSTONE_POSTGRES_BIN:-} ]]; then
        [[ -x $TURNSTONE_POSTGRES_BIN/initdb && -x $TURNSTONE_POSTGRES_BIN/postgres ]] && return 0
        echo "error: TURNSTONE_POSTGRES_BIN=$TURNSTONE_POSTGRES_BIN does not hold the programs initdb and postgres" >&2
        exit 1
    fi
    command -v initdb >/dev/null && command -v postgres >/dev/null && return 0
    local folder
    for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
        [[ -x $folder/initdb && -x $folder/postgres ]] && return 0
    done
    return 1
}

has_postgres && exit 0
if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    echo "installing postgresql for the tests" >&2
    # The package would create and start a server of its own; the tests want the programs only.
    if [[ ! -e /etc/postgresql-common/createcluster.conf ]]; then
        mkdir -p /etc/postgresql-common
        echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q >&2
    apt-get install -q -y --no-install-recommends postgresql >&2
    has_postgres && exit 0
fi
cat >&2 <<'MESSAGE'
error: the tests need Postgres' programs initdb and postgres, which are neither in PATH nor in /usr/lib/postgresql/*/bin.
Install them (Debian: apt-get install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql),
or set TURNSTONE_POSTGRES_BIN to the folder that holds them.
No server has to run: the tests start their own in a temporary folder.
MESSAGE
exit 1
