#!/usr/bin/env bash
# Runs `turnstone bench store` on a throw-away SQLite file and a throw-away Postgres cluster; removes both at the end.
# Usage: tools/bench-store.sh PROGRAM [ROWS]
set -euo pipefail
program=$(realpath "$1")
rows=${2:-200000}

source "$(dirname "${BASH_SOURCE[0]}")/throwaway-postgres.sh"

"$program" bench store --db "sqlite://$folder/bench.db" --rows "$rows"

start_postgres
echo
"$program" bench store --db "postgres://bench@127.0.0.1:$port/bench" --rows "$rows"
