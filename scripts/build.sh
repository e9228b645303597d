#!/bin/sh
# dist/ as it is published: from nothing, with declarations and the page, and only when the types hold.
set -eu
cd "$(dirname "$0")/.."
rm -rf dist
tsc -p tsconfig.build.json --noEmitOnError
tsc -p web
vite build web --logLevel warn
touch dist/.stamp dist/web/.stamp
