#!/usr/bin/env bash
# Build a server whose Go module has replace directives, so that `go install` refuses it: a module of
# our own requires it and repeats its replacements, local ones left out.
# usage: go_part.sh MODULE PACKAGE VERSION OUT
set -euo pipefail
module=$1 package=$2 version=$3 out=$4
[ ! -x "$out" ] || exit 0
python=$(realpath "${PYTHON:-.venv/bin/python}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
theirs=$(go mod download -json "$module@$version" |
  "$python" -c 'import json, sys; print(json.load(sys.stdin)["Dir"])')
cp "$theirs/go.sum" . && chmod u+w go.sum # their checksums: no look-ups for modules they know
{
  printf 'module example.test/part\n\n%s\n\nrequire %s %s\n\n' \
    "$(grep -m1 '^go ' "$theirs/go.mod")" "$module" "$version"
  "$python" - "$theirs/go.mod" <<'PY'
import re, sys
text = re.sub(r"^.*=> \./.*\n", "", open(sys.argv[1]).read(), flags=re.M)
for word, body in re.findall(r"^(replace|exclude) \((.*?)^\)", text, re.S | re.M):
    print(f"{word} ({body})")
print("\n".join(re.findall(r"^(?:replace|exclude) [^(].*$", text, re.M)))
PY
} >go.mod
printf '//go:build tools\n\npackage part\n\nimport _ "%s"\n' "$package" >tools.go
go mod tidy -e >/dev/null 2>&1 || true
mkdir -p "$(dirname "$out")"
go build -ldflags '-s -w' -o "$out.part" "$package" && mv "$out.part" "$out"
