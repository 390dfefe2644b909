#!/usr/bin/env bash
# Runs `turnstone bench query` on a throw-away SQLite file (1 million entries) and a throw-away Postgres cluster (10 million); removes
# both at the end. Takes about half an hour and 15 GB of disk on two cores; SCALE=0.1 makes both a tenth of that.
# Usage: tools/bench-query.sh PROGRAM [further flags of `bench query`]
set -euo pipefail
program=$(realpath "$1")
shift
scale=${SCALE:-1}
# Lines of each database, SQLite's first; 0 leaves one out.
read -r sqlite_entries postgres_entries < <(awk -v s="$scale" 'BEGIN { printf "%d %d\n", 1e6 * s, 1e7 * s }')
sqlite_entries=${SQLITE_ENTRIES:-$sqlite_entries}
postgres_entries=${POSTGRES_ENTRIES:-$postgres_entries}

source "$(dirname "${BASH_SOURCE[0]}")/throwaway-postgres.sh"

measure() {
    "$program" bench query --db "$1" --entries "$2" --detections "$(($2 / 10))" "${@:3}"
    "$program" bench query --db "$1" --no-fill --explain | tail -n 1
    echo
}

if [[ $sqlite_entries != 0 ]]; then
    measure "sqlite://$folder/bench.db" "$sqlite_entries" "$@"
fi
if [[ $postgres_entries == 0 ]]; then
    exit 0
fi

# As a server of its own for such a log would have it, and no more: a quarter of 8 GB for its cache.
start_postgres -c shared_buffers=2GB -c effective_cache_size=6GB -c max_wal_size=4GB -c maintenance_work_mem=256MB
measure "postgres://bench@127.0.0.1:$port/bench" "$postgres_entries" "$@"
