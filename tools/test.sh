#!/bin/sh
# `npm test`: every suite, from a fresh clone. Options go to tools/test.ts (--kernels, --only).
set -eu
cd -- "$(dirname -- "$0")/.."
exec sh tools/node.sh tools/test.ts "$@"
