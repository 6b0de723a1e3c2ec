#!/bin/sh
# Lays out the scratch folder that `shards/*.yaml` and `calls.json` speak of as ${SCRATCH}.
#
# Invariant: the same content each time, so that every call has one known answer.
set -eu
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE # set when the tests run inside a git hook

[ $# -eq 1 ] || { echo "usage: scratch.sh FOLDER" >&2; exit 2; }
mkdir -p "$1/files" "$1/repo"
cd "$1"
echo "The file says hello." >files/hello.txt
echo '{"type":"entity","name":"gateway","entityType":"program","observations":["joins many servers"]}' >memory.jsonl

cd repo
git init --quiet --initial-branch=main
echo "A repository to look at." >README
git add README
git -c user.name=Peer -c user.email=peer@localhost -c commit.gpgsign=false commit --quiet --message "The first commit"
