# To be sourced. A Postgres cluster of its own in a temporary folder for a measurement; all of it goes when the script ends.
# Sets $folder (temporary) and, after start_postgres SETTING..., $port; the database is `bench`, its user too.

bin=${TURNSTONE_POSTGRES_BIN:-$(dirname "$(command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1)")}
export PATH="$bin:$PATH"
folder=$(mktemp -d "${TMPDIR:-/tmp}/turnstone-bench.XXXXXX")
# Postgres refuses to run as root.
as=()
if [[ $(id -u) == 0 ]]; then
    owner=$(getent passwd postgres nobody | head -n 1 | cut -d: -f1)
    as=(setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups)
    chmod 711 "$folder"
fi
mkdir "$folder/postgres"
[[ ${#as[@]} == 0 ]] || chown "$owner" "$folder/postgres"

stop_postgres() {
    "${as[@]}" "$bin/pg_ctl" -D "$folder/postgres/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap stop_postgres EXIT

start_postgres() {
    cd "$folder/postgres"
    "${as[@]}" "$bin/initdb" -D data -U bench -A trust >/dev/null
    local _
    for _ in 1 2 3 4 5; do
        port=$((20000 + RANDOM % 20000))
        "${as[@]}" "$bin/pg_ctl" -D data -w -l log -o "-p $port -k $folder/postgres -c listen_addresses=127.0.0.1 $*" start >/dev/null && break
    done
    psql -X -q -h 127.0.0.1 -p "$port" -U bench -c "CREATE DATABASE bench" postgres
}
