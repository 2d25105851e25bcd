#!/usr/bin/env bash
# One command from a fresh clone: installs the packages, builds the program, starts the local stack, runs batch N.
set -euo pipefail

usage() {
  cat >&2 <<'USAGE'
Usage: ./run_batch.sh N [options of "npx retrain run"]

Runs batch N (1, 2, 3, …): retrains the model on batches 1..N.
  ./run_batch.sh 1
  ./run_batch.sh 2 --set model.max_depth=4
USAGE
}

fail() {
  echo "error: $1" >&2
  exit "${2:-3}"
}

if [ $# -lt 1 ]; then
  usage
  exit 2
fi
case "$1" in
  -h | --help)
    usage
    exit 0
    ;;
esac
if ! [[ "$1" =~ ^0*[1-9][0-9]{0,5}$ ]]; then
  echo "error: \"$1\" is not a batch: give a whole number from 1" >&2
  usage
  exit 2
fi

cd "$(dirname "${BASH_SOURCE[0]}")"

command -v node >/dev/null || fail "Node.js is not installed: install version 20.19 or newer from nodejs.org"
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  fail "Node.js $(node --version) is too old: install version 20.19 or newer from nodejs.org"

# npm writes its own lock file last, so an interrupted installation runs again. We keep a copy of the lock file
# of the last installation: only another content needs another installation, not a newer date.
installed=node_modules/.package-lock.json
made_of=node_modules/.installed-lock.json
is_installed() {
  [ -e "$installed" ] || return 1
  if [ -e "$made_of" ]; then
    [ "$(<package-lock.json)" = "$(<"$made_of")" ]
  else
    ! [ package-lock.json -nt "$installed" ]
  fi
}
if ! is_installed; then
  echo "installing npm packages (once)" >&2
  npm ci --include=dev --ignore-scripts --no-audit --no-fund --loglevel=error >&2 ||
    fail "npm ci failed: see its messages above"
  touch "$installed"
  cp package-lock.json "$made_of"
fi

./retrain stack up --soon
exec ./retrain run "$@"
