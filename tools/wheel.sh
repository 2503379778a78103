#!/usr/bin/env bash
# Build the wheel, install it into an empty environment, run its demo there, weigh it.
set -euo pipefail
cd "$(dirname "$0")/.."
max_packages=60 max_mb=200
python=$PWD/.venv/bin/python
lock=$PWD/requirements.lock
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The back-end is the one of .venv, which the lock hashes; an isolated one would come unpinned.
"$python" -m build --wheel --no-isolation --outdir "$work/dist" . >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
wheel=$(ls "$work"/dist/*.whl)
echo "wheel: $(basename "$wheel"), $(du -k "$wheel" | cut -f1) kB"

# Every file of the source is in it: recipes, migrations and prompts are easily forgotten.
"$python" - "$wheel" <<'END'
import sys, zipfile
from pathlib import Path
packed = {name for name in zipfile.ZipFile(sys.argv[1]).namelist() if ".dist-info/" not in name}
source = {str(f.relative_to("src")) for f in Path("src/aiops_agent").rglob("*") if f.is_file() and f.suffix != ".pyc"}
sys.exit(f"wheel: differs from the source: {sorted(packed ^ source)}" if packed != source else 0)
END

# It gets its packages from a folder of files that the lock hashes, and from nowhere else.
"$python" -m pip download --disable-pip-version-check --no-input --quiet --no-deps \
    --require-hashes --only-binary :all: --requirement "$lock" --dest "$work/wheels" </dev/null
"$python" -m venv "$work/env"
"$work/env/bin/python" -m pip install --isolated --disable-pip-version-check --no-input --quiet \
    --no-compile --no-index --find-links "$work/wheels" "$wheel" </dev/null

# pip and setuptools are the environment's, not ours.
packages=$("$work/env/bin/python" -m pip list --format=freeze --disable-pip-version-check | grep -cvE '^(pip|setuptools|wheel)==')
site=$("$work/env/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
size=$(( $(du -sk --exclude='pip*' --exclude='setuptools*' --exclude='pkg_resources' --exclude='_distutils_hack' "$site" | cut -f1) / 1024 ))
echo "installed: $packages packages (at most $max_packages), $size MB (at most $max_mb)"
[ "$packages" -le "$max_packages" ] || { echo "wheel: too many packages" >&2; exit 1; }
[ "$size" -le "$max_mb" ] || { echo "wheel: too large" >&2; exit 1; }

mkdir "$work/empty" "$work/state" "$work/home"
cd "$work/empty"
env -i PATH="$PATH" HOME="$work/home" LANG=C.UTF-8 AIOPS_STATE_DIR="$work/state" \
    "$work/env/bin/aiops" --version
env -i PATH="$PATH" HOME="$work/home" LANG=C.UTF-8 AIOPS_STATE_DIR="$work/state" \
    "$work/env/bin/aiops" demo --yes </dev/null
[ -z "$(ls -A "$work/empty")" ] || { echo "wheel: the demo left files where it was started" >&2; exit 1; }
echo "wheel: the installed program ran its demo"
