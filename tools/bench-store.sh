#!/usr/bin/env bash
# Runs `turnstone bench store` on a throw-away SQLite file and a throw-away Postgres cluster; removes both at the end.
# Usage: tools/bench-store.sh PROGRAM [ROWS]
set -euo pipefail
program=$(realpath "$1")
rows=${2:-200000}

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

stop() {
    "${as[@]}" "$bin/pg_ctl" -D "$folder/postgres/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap stop EXIT

"$program" bench store --db "sqlite://$folder/bench.db" --rows "$rows"

cd "$folder/postgres"
"${as[@]}" "$bin/initdb" -D data -U bench -A trust >/dev/null
for _ in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 20000))
    "${as[@]}" "$bin/pg_ctl" -D data -w -l log -o "-p $port -k $folder/postgres -c listen_addresses=127.0.0.1" start >/dev/null && break
done
psql -X -q -h 127.0.0.1 -p "$port" -U bench -c "CREATE DATABASE bench" postgres
echo
"$program" bench store --db "postgres://bench@127.0.0.1:$port/bench" --rows "$rows"
