#!/bin/sh
# Make .venv with the package (editable) and its tools; say in one sentence what is missing.
# usage: tools/setup.sh [VENV]      PYTHON=/path/to/python names the interpreter
set -u
cd "$(dirname "$0")/.." || exit 1
venv=${1:-.venv}
needs_mb=900

stop() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Only what decides about packages counts: a changed lint rule installs nothing.
wanted() { { sed '/^\[tool\./,$d' pyproject.toml; cat requirements.lock; } | cksum; }

works() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
has_venv() { "$1" -c 'import venv, ensurepip' >/dev/null 2>&1; }

find_python() {
    found_old='' ; found_bare='' ; python=''
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        version=$("$candidate" -c 'import platform; print(platform.python_version())' 2>/dev/null) || continue
        if ! works "$candidate"; then found_old="$candidate is $version"
        elif ! has_venv "$candidate"; then found_bare=$candidate
        else python=$candidate; return
        fi
    done
    [ -z "$found_bare" ] || stop "$found_bare has no working venv module: install it (Debian, Ubuntu: apt-get install python3-venv) and run make again."
    [ -z "$found_old" ] || stop "Python 3.11 or newer is needed and $found_old: install a newer one, or name it with make PYTHON=/path/to/python3.11."
    stop "no Python was found${PYTHON:+ under the name $PYTHON}: install Python 3.11 or newer, or name it with make PYTHON=/path/to/python3.11."
}

check_disk() {
    free_mb=$(df -Pk . 2>/dev/null | awk 'NR==2 {print int($4 / 1024)}')
    [ "${free_mb:-$needs_mb}" -ge "$needs_mb" ] ||
        stop "the disk has $free_mb MB free and $venv needs $needs_mb MB: make room and run make again."
}

# Read the installer's own words and say the cause in one sentence.
explain() {
    if grep -qiE 'No space left on device|Errno 28' "$log"; then
        stop "the disk became full while $venv was made: make room ($needs_mb MB) and run make again."
    elif grep -qE 'from versions: none|Max retries exceeded|Retrying \(|Connection refused|timed out|name resolution|Network is unreachable' "$log"; then
        stop "the Python package registry did not answer: check the network, proxy or pip's index setting, and run make again."
    fi
    tail -n 15 "$log" >&2
    stop "installing the packages failed, for the reason above."
}

# Nothing that the lock does not hash: no source is built, as what builds it would come unpinned,
# and the package itself is built by the back-end that was just installed.
install() {
    with_pip --require-hashes --only-binary :all: -r requirements.lock || explain
    with_pip --no-index --no-deps --no-build-isolation -e . || explain
}

with_pip() {
    "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off \
        --retries 2 "$@" </dev/null >"$log" 2>&1
}

if [ -f "$venv/.ready" ] && [ "$(cat "$venv/.ready")" = "$(wanted)" ] && works "$venv/bin/python"; then
    touch "$venv/.ready"
    exit 0
fi
find_python
check_disk
log=$(mktemp) || stop "the folder for temporary files cannot be written: make room and run make again."
trap 'rm -f "$log"' EXIT
if works "$venv/bin/python"; then echo "setup: bringing $venv up to date" >&2
else echo "setup: making $venv with $("$python" --version 2>&1), once; this takes about a minute" >&2
fi
works "$venv/bin/python" || "$python" -m venv --clear "$venv" </dev/null >"$log" 2>&1 || explain
install
wanted >"$venv/.ready"
