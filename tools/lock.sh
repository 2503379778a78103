#!/bin/sh
# Write requirements.lock, with the hashes of all files of each release, and constraints.txt.
# What is pinned stays so unless it is named: tools/lock.sh [--upgrade | --upgrade-package NAME]
# It holds for every platform and Python from 3.11 on. Read the difference before you commit it.
set -eu
cd "$(dirname "$0")/.."
locker=uv==0.13.9
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

.venv/bin/python -m venv "$work/venv"
pip="$work/venv/bin/python -m pip --disable-pip-version-check"
$pip install --quiet --only-binary :all: "$locker" </dev/null
# It asks the registry that pip asks, and names none in what it writes.
index=${PIP_INDEX_URL:-$($pip config get global.index-url 2>/dev/null || true)}
[ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
[ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="$PIP_CERT"

[ ! -f requirements.lock ] || cp requirements.lock "$work/found"
.venv/bin/python -c '
import tomllib
print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' |
    "$work/venv/bin/uv" pip compile --quiet --no-config --universal --python-version 3.11 \
        --generate-hashes --all-extras --annotation-style line --no-header "$@" \
        pyproject.toml - --output-file "$work/found" >/dev/null
{
    echo "# What \`make setup\` and \`make wheel\` install, and nothing else; written by tools/lock.sh."
    sed 's/via -r -$/via the build back-end/' "$work/found"
} >"$work/lock"
{
    echo "# The versions that the tests passed with, for \`pip install aiops-agent -c constraints.txt\`;"
    echo "# written by tools/lock.sh beside requirements.lock, which has their hashes."
    sed -n 's/^\([A-Za-z0-9].*[^ ]\) *\\$/\1/p' "$work/found"
} >"$work/constraints"
cp "$work/lock" requirements.lock
cp "$work/constraints" constraints.txt
