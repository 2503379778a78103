#!/usr/bin/env bash
# Run the tests marked `cluster`: on the cluster whose kubeconfig AIOPS_TEST_CLUSTER names, else on a
# real Kubernetes of their own (cluster.sh), which is built once (some minutes), started for them and
# ended after them. As root on Debian 12: installs what is missing. Arguments are those of pytest.
set -euo pipefail
cd "$(dirname "$0")/../../.."

python=${PYTHON:-.venv/bin/python}
cache=${XDG_CACHE_HOME:-${HOME:-/var}/.cache}/aiops-test
export CLUSTER_DIR=$cache/cluster PYTHON=$python

work=$(mktemp -d)
say() { printf 'test-cluster: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# shellcheck source=../strangers.sh
. tests/real/strangers.sh # for Go, and for a service with metrics

install_parts() {
  local wanted=() pair
  for pair in etcd:etcd-server containerd:containerd runc:runc iptables:iptables ip:iproute2 /usr/bin/python3:python3 \
    busybox:busybox-static curl:curl openssl:openssl prometheus:prometheus /usr/lib/cni/bridge:containernetworking-plugins; do
    command -v "${pair%%:*}" >/dev/null || wanted+=("${pair##*:}")
  done
  [ ${#wanted[@]} -gt 0 ] || return 0
  say "installing ${wanted[*]}"
  # Level 1 keeps the packages from starting servers of their own.
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  { apt-get update && apt-get install -y --no-install-recommends "${wanted[@]}"; } >/dev/null \
    || fail "apt-get could not install ${wanted[*]}"
}

[ -x "$python" ] || fail "$python is missing; run 'make setup' first"
if [ -z "${AIOPS_TEST_CLUSTER:-}" ]; then
  [ "$(id -u)" = 0 ] || fail "needs root to start a node, or a cluster of yours in AIOPS_TEST_CLUSTER"
  mkdir -p "$cache"
  exec 8>"$cache/cluster.lock"
  flock -n 8 || { say "waiting for another run on this machine"; flock 8; }
  install_parts
  need_go
  build_podinfo
  say "building Kubernetes, if it is not built yet (once; some minutes)"
  tests/real/cluster/cluster.sh build
  trap 'tests/real/cluster/cluster.sh down 8>&-; rm -rf "$work"' EXIT
  AIOPS_TEST_CLUSTER=$(tests/real/cluster/cluster.sh up 8>&-)
  export AIOPS_TEST_CLUSTER AIOPS_TEST_AUDIT=$CLUSTER_DIR/run/audit.log AIOPS_TEST_NODE=$CLUSTER_DIR/run/ctd/containerd.sock
  PATH=$CLUSTER_DIR/bin:$PATH # kubectl
fi
[ $# -gt 0 ] || set -- tests/real
"$python" -m pytest -m cluster --timeout=600 -p no:cacheprovider --durations=5 "$@" 8>&-
