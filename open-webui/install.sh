#!/bin/sh
# Installs the Open WebUIs that the rig drives into `.peers/open-webui/VERSION`, and prints the folders.
#
# Invariant: a run that ends with 0 leaves exactly the versions that requirements-VERSION.txt names. A second run with
# unchanged files only compares a hash. PEERS may name another folder, as for the test peers.
set -eu

UV=0.13.9
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
PEERS=${PEERS:-$(CDPATH='' cd -- "$here/.." && pwd)/.peers}
root=$PEERS/open-webui

say() { echo "open-webui: $*" >&2; }

fail() {
    say "error: $1"
    say "  $2"
    exit 1
}

[ $# -gt 0 ] || fail "no version was named" "name those of requirements-VERSION.txt: sh install.sh 0.12.4"
python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' ||
    fail "Open WebUI needs Python 3.11 or 3.12, this is $(python3 -V 2>&1)" "put such a \`python3\` first on PATH"

mkdir -p "$root"
exec 9>"$root/lock"
flock 9
log=$root/install.log
: >"$log"

# $1: the way out; the rest: the command, whose output is shown only if it fails.
quietly() {
    way_out=$1
    shift
    "$@" >>"$log" 2>&1 9>&- || {
        tail -n 25 "$log" >&2
        fail "\`$*\` failed" "$way_out; the whole output is in $log"
    }
}

for version in "$@"; do
    file=$here/requirements-$version.txt
    [ -f "$file" ] || fail "there is no \`requirements-$version.txt\`" "make one as the others say in their first lines"
    venv=$root/$version
    want=$({ cat "$file" "$here/install.sh"; echo "$venv"; python3 -c 'import sys; print(sys.executable, sys.version)'; } |
        sha256sum | cut -d' ' -f1)
    [ "$(cat "$venv/stamp" 2>/dev/null)" != "$want" ] || continue
    say "installing Open WebUI $version (about 700 MB, once)"
    [ "$("$root/uv/bin/uv" --version 2>/dev/null | cut -d' ' -f2)" = "$UV" ] || {
        quietly "install the venv module (Debian: apt-get install python3-venv)" python3 -m venv --clear "$root/uv"
        quietly "check that pip reaches its index" "$root/uv/bin/python" -m pip install --quiet "uv==$UV"
    }
    export UV_CACHE_DIR="$root/cache"
    quietly "delete $venv and run it again" "$root/uv/bin/uv" venv --quiet --clear --python "$(command -v python3)" "$venv"
    quietly "check that uv reaches its index, then run it again" \
        "$root/uv/bin/uv" pip install --quiet --no-deps --python "$venv/bin/python" \
        --requirement "$file" "open-webui==$version"
    echo "$want" >"$venv/stamp"
done
