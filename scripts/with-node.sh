#!/bin/sh
# Runs a command with Node 24 and the project's own tools first on PATH, after making sure that they are there:
#   sh scripts/with-node.sh vitest run test/rows
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
sh "$root/scripts/setup.sh"
PATH=$root/node_modules/.bin:$PATH
[ -x "$root/.tools/node/bin/node" ] && PATH=$root/.tools/node/bin:$PATH
export PATH
cd "$root"
exec "$@"
