#!/usr/bin/env bash
# A real Kubernetes 1.34 on this machine, for the tests marked `cluster`: API server, controllers,
# scheduler, kubelet on containerd, kube-proxy; one node, no DNS. One program built from the Go module
# k8s.io/kubernetes (main.go), the rest Debian's: etcd-server containerd runc
# containernetworking-plugins iptables iproute2 busybox-static. Needs root and Go 1.24 or newer.
# usage: cluster.sh build | up | load IMAGE.tar | down
# Its program and its state are in CLUSTER_DIR; all addresses are this machine's own:
#   CLUSTER_NODE 10.243.0.1, CLUSTER_PORT 26443, CLUSTER_ETCD_PORT 23790 (and 10 more), pods 10.244.0.0/24,
#   services 10.96.0.0/16. CLUSTER_PARTS=control leaves the node out: a second cluster beside the
#   first, with CLUSTER_RUN, CLUSTER_NODE, CLUSTER_BRIDGE and CLUSTER_ETCD_PORT of its own.
# Every request is noted in $CLUSTER_RUN/audit.log, what service accounts write with its body.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${CLUSTER_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/aiops-test/cluster}
program=$dir/bin/cluster-$(cat "$here/go.mod" "$here/main.go" | sha256sum | cut -c1-12)
run=${CLUSTER_RUN:-$dir/run} node=${CLUSTER_NODE:-10.243.0.1} port=${CLUSTER_PORT:-26443}
etcd_port=${CLUSTER_ETCD_PORT:-23790} bridge=${CLUSTER_BRIDGE:-aiops-node} parts=${CLUSTER_PARTS:-all}
pods=10.244.0.0/24 services=10.96.0.0/16 pod_bridge=cni-aiops0
python=${PYTHON:-python3} api=https://$node:$port token=admintoken
# In the order in which they end: who restarts pods first, who keeps the state last.
names=(kubelet scheduler manager proxy apiserver etcd containerd)

say() { printf 'cluster: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
alive() { # NAME: whether the process that we started under this name runs, and is still that one
  local pid
  pid=$(cat "$run/$1.pid" 2>/dev/null) && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$run/"
}
start() { local name=$1; shift; setsid "$@" >"$run/$name.log" 2>&1 </dev/null 9>&- & echo $! >"$run/$name.pid"; }
ask() { curl -fsk -H "Authorization: Bearer $token" "$api$1"; }
containers() { ctr -a "$run/ctd/containerd.sock" -n k8s.io "$@"; }
ready() { # NAME COMMAND...: until the command succeeds, as long as that process lives
  local name=$1; shift
  for _ in $(seq 1 "${CLUSTER_PATIENCE:-240}"); do
    "$@" >/dev/null 2>&1 && return
    alive "$name" || { tail -n 5 "$run/$name.log" >&2; fail "$name ended"; }
    sleep .5
  done
  fail "$name is not ready: $*"
}

build() { # five minutes on two cores, once
  if [ ! -x "$program" ]; then
    mkdir -p "$dir/bin"
    (cd "$here" && GOTOOLCHAIN=local go build -ldflags '-s -w' -o "$program.part" .)
    mv "$program.part" "$program"
  fi
  printf '#!/bin/sh\nexec %s kubectl "$@"\n' "$program" >"$dir/bin/kubectl"
  chmod +x "$dir/bin/kubectl"
}

configure() {
  mkdir -p "$run/certs" "$run/cni" "$run/ctd"
  (cd "$run/certs" && {
    openssl genrsa -out sa.key 2048 && openssl rsa -in sa.key -pubout -out sa.pub
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/O=system:masters/CN=kube-apiserver" \
      -addext extendedKeyUsage=clientAuth -keyout kubelet-client.key -out kubelet-client.crt
  } 2>/dev/null)
  echo "$token,admin,1,\"system:masters\"" >"$run/certs/tokens.csv"
  cat >"$run/kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "$api", certificate-authority: "$run/certs/apiserver.crt"}}]
users: [{name: admin, user: {token: $token}}]
contexts: [{name: test, context: {cluster: test, user: admin}}]
current-context: test
YAML
  cat >"$run/audit.yaml" <<YAML
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {level: Request, userGroups: ["system:serviceaccounts"], verbs: [create, update, patch, delete], resources: [{group: apps}]}
  - {level: Metadata}
YAML
  # Without restrict_oom_score_adj runc fails in some containers: "can't get final child's PID from pipe".
  cat >"$run/containerd.toml" <<TOML
version = 2
root = "$run/ctd/root"
state = "$run/ctd/state"
[grpc]
  address = "$run/ctd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "local.test/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$run/cni"
TOML
  cat >"$run/cni/10-bridge.conflist" <<JSON
{"cniVersion":"0.4.0","name":"aiops-pods","plugins":[{"type":"bridge","bridge":"$pod_bridge","isGateway":true,"ipMasq":false,
 "ipam":{"type":"host-local","dataDir":"$run/networks","ranges":[[{"subnet":"$pods"}]],"routes":[{"dst":"0.0.0.0/0"}]}}]}
JSON
  cat >"$run/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $node
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: "$run/certs/kubelet-client.crt"}}
authorization: {mode: Webhook}
failCgroupV1: false
failSwapOn: false
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
localStorageCapacityIsolation: false
containerRuntimeEndpoint: unix://$run/ctd/containerd.sock
resolvConf: ""
clusterDNS: [$node]
clusterDomain: cluster.local
healthzPort: 0
YAML
}

up() {
  mkdir -p "$(dirname "$run")"
  exec 9>"$run.lock"
  flock 9 # who comes second finds it up
  if alive apiserver && ask /readyz >/dev/null; then say "is up"; echo "$run/kubeconfig"; return; fi
  for name in "${names[@]}"; do
    alive "$name" && fail "$name of an earlier one still runs; first: $0 down"
  done
  ask /healthz >/dev/null && fail "something else answers at $api; set CLUSTER_NODE or CLUSTER_PORT"
  build
  rm -rf "$run"
  configure
  ip link add "$bridge" type bridge 2>/dev/null || true
  ip addr replace "$node/32" dev "$bridge"
  ip link set "$bridge" up
  echo 1 >/proc/sys/net/ipv4/ip_forward
  start etcd etcd --data-dir "$run/etcd" --listen-client-urls "http://127.0.0.1:$etcd_port" \
    --advertise-client-urls "http://127.0.0.1:$etcd_port" --listen-peer-urls "http://127.0.0.1:$((etcd_port + 10))"
  start apiserver "$program" apiserver --etcd-servers="http://127.0.0.1:$etcd_port" --cert-dir="$run/certs" \
    --secure-port="$port" --bind-address="$node" --advertise-address="$node" --token-auth-file="$run/certs/tokens.csv" \
    --service-account-key-file="$run/certs/sa.pub" --service-account-signing-key-file="$run/certs/sa.key" \
    --service-account-issuer=https://kubernetes.default.svc --service-cluster-ip-range="$services" \
    --authorization-mode=Node,RBAC --allow-privileged=true --kubelet-preferred-address-types=InternalIP \
    --kubelet-client-certificate="$run/certs/kubelet-client.crt" --kubelet-client-key="$run/certs/kubelet-client.key" \
    --audit-policy-file="$run/audit.yaml" --audit-log-path="$run/audit.log" --audit-log-mode=blocking
  ready apiserver ask /readyz
  start manager "$program" manager --kubeconfig="$run/kubeconfig" --leader-elect=false --secure-port=0 \
    --service-account-private-key-file="$run/certs/sa.key" --root-ca-file="$run/certs/apiserver.crt"
  start scheduler "$program" scheduler --kubeconfig="$run/kubeconfig" --leader-elect=false --secure-port=0
  [ "$parts" = control ] || node_up
  echo "$run/kubeconfig"
}

node_up() {
  start containerd containerd --config "$run/containerd.toml"
  ready containerd containers images ls
  "$python" "$here/image.py" "$run/pause.tar" local.test/pause:1 sleep 2147483647 # holds a pod's namespaces
  "$python" "$here/image.py" "$run/busybox.tar" local.test/busybox:1
  load "$run/pause.tar"
  load "$run/busybox.tar"
  start kubelet "$program" kubelet --config="$run/kubelet.yaml" --kubeconfig="$run/kubeconfig" --root-dir="$run/kubelet" \
    --hostname-override=node1 --node-ip="$node" --cert-dir="$run/kubelet-certs" --containerd="$run/ctd/containerd.sock"
  # All pods share one bridge, so a service that answers its own caller needs the masquerade.
  start proxy "$program" proxy --kubeconfig="$run/kubeconfig" --hostname-override=node1 --cluster-cidr="$pods" \
    --masquerade-all --bind-address="$node" --healthz-bind-address="$node:10256" \
    --metrics-bind-address="$node:10249" --conntrack-max-per-core=0
  ready kubelet node_ready
}

node_ready() { ask /api/v1/nodes/node1 | grep -q 'kubelet is posting ready status'; }

load() { containers images import "$1" >/dev/null; }

stop() { # NAME SIGNAL
  alive "$1" || return 0
  local pid
  pid=$(cat "$run/$1.pid")
  kill "-$2" "$pid" 2>/dev/null || true
  for _ in $(seq 1 50); do [ -d "/proc/$pid" ] || return 0; sleep .1; done
  kill -KILL "$pid" 2>/dev/null || true
}

down() {
  for name in "${names[@]}"; do
    if [ "$name" = containerd ] && alive containerd; then
      containers tasks ls -q 2>/dev/null | while read -r task; do containers tasks kill -s 9 "$task" || true; done
    fi
    stop "$name" TERM
  done
  rm -f "$run"/*.pid # a second "down" must not meet somebody else's process
  { grep -o "$run[^ ]*" /proc/mounts || true; } | sort -r | while read -r mount; do umount "$mount" || true; done
  ip link delete "$bridge" 2>/dev/null || true
  [ "$parts" = control ] || node_down
}

node_down() { # what kubelet, proxy and pods leave in the kernel
  "$program" proxy --cleanup >/dev/null 2>&1 || true
  for table in mangle nat filter; do
    for hook in INPUT OUTPUT; do iptables -t "$table" -D "$hook" -j KUBE-FIREWALL; done
    for chain in KUBE-FIREWALL KUBE-KUBELET-CANARY KUBE-IPTABLES-HINT; do iptables -t "$table" -F "$chain"; iptables -t "$table" -X "$chain"; done
  done >/dev/null 2>&1 || true
  for space in $(ip netns list | grep -o '^cni-[^ ]*' || true); do
    if ip -n "$space" -4 addr show eth0 2>/dev/null | grep -q " ${pods%.*}\."; then ip netns delete "$space"; fi
  done
  ip link delete "$pod_bridge" 2>/dev/null || true
}

case ${1:-} in
  build | up | down) "$1" ;;
  load) load "$2" ;;
  *) fail "usage: cluster.sh build | up | load IMAGE.tar | down" ;;
esac
