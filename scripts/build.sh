#!/bin/sh
# dist/ as it is published: from nothing, with declarations, and only when the types hold.
set -eu
cd "$(dirname "$0")/.."
rm -rf dist
tsc -p tsconfig.build.json --noEmitOnError
touch dist/.stamp
