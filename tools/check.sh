#!/bin/sh
# Format, lint, strict types, floors and house limits; all are run, any failure fails.
set -u
cd "$(dirname "$0")/.." || exit 1
bin=.venv/bin
failed=''

run() {
    title=$1; shift
    echo "== $title"
    "$@" || failed="$failed $title,"
}

run format "$bin/ruff" format --check --quiet .
run lint "$bin/ruff" check --quiet .
run types "$bin/mypy" --strict
run floors "$bin/lint-imports" --no-cache --no-logo
run limits "$bin/python" tools/house.py
[ -z "$failed" ] || { echo "check: failed:${failed%,}" >&2; exit 1; }
echo "check: all passed"
