#!/usr/bin/env bash
# Run the tests that need real servers. As root on Debian 12: installs what is missing, starts what
# does not run, ends what it started. Fails, and never skips, when a part is missing.
# With arguments (of pytest) it runs only what they name. With AIOPS_TEST_BUILT=1 it runs what needs
# parts that are built from source or fetched for it (Jaeger, Helm, a small language model), our
# image, and only that.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-.venv/bin/python}
cache=${XDG_CACHE_HOME:-${HOME:-/var}/.cache}/aiops-test
image=local.test/python:3.11
label=aiops-agent.test
chroma_version=1.5.9
limit=${AIOPS_TEST_SECONDS:-1800}
postgres_bin=/usr/lib/postgresql/15/bin
work=$(mktemp -d)
dockerd_pid='' postgres_pid='' tests_pid=''

say() { printf 'test-real: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

end() { # PID: ask a process that we started to end, and wait for it
  [ -n "$1" ] || return 0
  kill -TERM "$1" 2>/dev/null || true
  for _ in $(seq 100); do kill -0 "$1" 2>/dev/null || return 0; sleep 0.1; done
  kill -KILL "$1" 2>/dev/null || true
}

cleanup() {
  local code=$?
  trap - EXIT
  # The tests lead a group of their own, so that their servers end even when they were killed.
  if [ -n "$tests_pid" ]; then
    kill -KILL -- "-$tests_pid" 2>/dev/null || true
    wait "$tests_pid" 2>/dev/null || true
  fi
  if docker info >/dev/null 2>&1; then
    docker ps -aq --filter "label=$label" | xargs -r docker rm -f >/dev/null || true
    docker network ls -q --filter "label=$label" | xargs -r docker network rm >/dev/null || true
  fi
  end "$postgres_pid"
  end "$dockerd_pid"
  rm -rf "$work"
  exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

install_parts() {
  local wanted=() pair
  for pair in dockerd:docker.io iptables:iptables prometheus:prometheus debootstrap:debootstrap \
    prometheus-alertmanager:prometheus-alertmanager "$postgres_bin/postgres:postgresql" \
    redis-server:redis-server prometheus-redis-exporter:prometheus-redis-exporter; do
    command -v "${pair%%:*}" >/dev/null || wanted+=("${pair##*:}")
  done
  [ ${#wanted[@]} -gt 0 ] || return 0
  say "installing ${wanted[*]}"
  # Level 1 keeps the packages from starting servers of their own.
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  { apt-get update && apt-get install -y --no-install-recommends "${wanted[@]}"; } \
    >"$work/apt.log" 2>&1 || { tail -n 20 "$work/apt.log" >&2; fail "apt-get could not install ${wanted[*]}"; }
}

start_docker() {
  if docker info >/dev/null 2>&1; then return 0; fi
  say "starting dockerd"
  dockerd >"$work/dockerd.log" 2>&1 9>&- &
  dockerd_pid=$!
  for _ in $(seq 150); do
    docker info >/dev/null 2>&1 && return 0
    kill -0 "$dockerd_pid" 2>/dev/null || break
    sleep 0.2
  done
  tail -n 20 "$work/dockerd.log" >&2
  fail "dockerd does not answer"
}

make_image() {
  docker image inspect "$image" >/dev/null 2>&1 && return 0
  local tar=$cache/python-3.11-bookworm.tar
  if [ ! -s "$tar" ]; then
    say "making the base image (once; about a minute)"
    mkdir -p "$cache"
    debootstrap --variant=minbase --include=python3,ca-certificates bookworm "$work/base" \
      >"$work/debootstrap.log" 2>&1 || { tail -n 20 "$work/debootstrap.log" >&2; fail "debootstrap failed"; }
    rm -rf "$work/base/var/cache/apt" "$work/base/var/lib/apt/lists"
    tar -C "$work/base" -cf "$tar.part" . && mv "$tar.part" "$tar"
    rm -rf "$work/base"
  fi
  docker import "$tar" "$image" >/dev/null
}

make_jaeger() { # once, 2 min: its Go module cannot be installed as it is, see go_part.sh
  export AIOPS_TEST_JAEGER=$cache/bin/jaeger
  [ ! -x "$AIOPS_TEST_JAEGER" ] || return 0
  need_go
  say "building Jaeger (once; some minutes)"
  GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-mod=mod tests/real/go_part.sh \
    github.com/jaegertracing/jaeger github.com/jaegertracing/jaeger/cmd/all-in-one v1.76.0 \
    "$AIOPS_TEST_JAEGER" >"$work/jaeger.log" 2>&1 \
    || { tail -n 20 "$work/jaeger.log" >&2; fail "Jaeger could not be built"; }
}

make_helm() { # once, a minute and a half
  export AIOPS_TEST_HELM=$cache/bin/helm
  [ ! -x "$AIOPS_TEST_HELM" ] || return 0
  need_go
  say "building Helm (once; some minutes)"
  GOBIN=$cache/bin GOTOOLCHAIN=local CGO_ENABLED=0 go install -ldflags '-s -w' \
    helm.sh/helm/v3/cmd/helm@v3.19.0 >"$work/helm.log" 2>&1 \
    || { tail -n 20 "$work/helm.log" >&2; fail "Helm could not be built"; }
}

make_chroma() { # once: the server is a library of the package, and needs none of its 84 others
  export AIOPS_TEST_CHROMA=$cache/chroma-$chroma_version
  [ ! -d "$AIOPS_TEST_CHROMA" ] || return 0
  say "fetching Chroma (once)"
  rm -rf "$AIOPS_TEST_CHROMA.part"
  "$python" -m pip install -q --no-deps --no-compile --only-binary :all: \
    --target "$AIOPS_TEST_CHROMA.part" "chromadb==$chroma_version" >"$work/chroma.log" 2>&1 \
    || { tail -n 20 "$work/chroma.log" >&2; fail "chromadb $chroma_version could not be fetched"; }
  mv "$AIOPS_TEST_CHROMA.part" "$AIOPS_TEST_CHROMA"
}

start_postgres() {
  local port
  port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  chmod 755 "$work"
  install -d -o postgres "$work/postgres"
  as_postgres "$postgres_bin/initdb" -A trust -U postgres -D "$work/postgres/data" >"$work/initdb.log" \
    || fail "initdb failed"
  # No shell in between: the process id is that of the server itself.
  setpriv --reuid=postgres --regid=postgres --init-groups \
    "$postgres_bin/postgres" -D "$work/postgres/data" -k "$work/postgres" -h 127.0.0.1 -p "$port" \
    -c fsync=off -c full_page_writes=off \
    >"$work/postgres.log" 2>&1 9>&- &
  postgres_pid=$!
  for _ in $(seq 100); do
    "$postgres_bin/pg_isready" -q -h 127.0.0.1 -p "$port" && break
    kill -0 "$postgres_pid" 2>/dev/null || { tail "$work/postgres.log" >&2; fail "PostgreSQL ended"; }
    sleep 0.1
  done
  export AIOPS_TEST_POSTGRES="postgresql://postgres@127.0.0.1:$port/postgres"
}

# shellcheck source=strangers.sh
. tests/real/strangers.sh

as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }

[ "$(id -u)" = 0 ] || fail "needs root, to install and start Docker, Prometheus, Alertmanager and PostgreSQL"
[ -x "$python" ] || fail "$python is missing; run 'make setup' first"
# One run at a time: at its end each takes away what bears the label, whoever made it.
mkdir -p "$cache"
exec 9>"$cache/lock" # closed for what it starts, which may outlive it
flock -n 9 || { say "waiting for another run on this machine"; flock 9; }
SECONDS=0
install_parts
start_docker
make_image
[ -n "${AIOPS_TEST_BUILT:-}" ] || { make_strangers; make_chroma; }
[ -z "${AIOPS_TEST_BUILT:-}" ] || { make_jaeger; make_helm; }
start_postgres
say "parts are up after $SECONDS s"

run_tests() { # ARGUMENTS of pytest: run it within what is left of the time
  setsid timeout --kill-after=10 $((limit - SECONDS + installed)) \
    "$python" -m pytest -m "$marked" --timeout=400 -p no:cacheprovider --durations=5 "$@" 9>&- &
  tests_pid=$!
  wait "$tests_pid"
  tests_pid=''
}

installed=$SECONDS
marked='(real or slow) and not built and not long and not cluster'
[ -z "${AIOPS_TEST_BUILT:-}" ] || marked=built
if [ $# -gt 0 ]; then
  run_tests "$@"
elif [ -n "${AIOPS_TEST_BUILT:-}" ]; then
  run_tests tests/real
else
  # The scenarios mostly wait for real servers, so some run side by side; what burns CPU comes after.
  run_tests tests/real -n 4 --dist worksteal --ignore=tests/real/test_faults.py
  # Four systems at a time: they would slow the others, and be slowed. AIOPS_TEST_FAULTS=0 leaves
  # them out, where there is no time for four minutes more.
  [ "${AIOPS_TEST_FAULTS:-1}" = 0 ] || run_tests tests/real/test_faults.py
  run_tests tests --ignore=tests/real -n 3 --dist worksteal
fi
say "done after $SECONDS s"
