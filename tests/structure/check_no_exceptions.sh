#!/bin/sh
# Usage: check_no_exceptions.sh COMPILER FLAGS...
# A build without exceptions is refused with a sentence that says why.
set -u
if output=$(printf '#include "tessera/tessera.hpp"\n' | "$@" -fno-exceptions -x c++ - 2>&1); then
  echo "FAILED: tessera.hpp compiles with -fno-exceptions"
  exit 1
fi
if ! printf '%s\n' "$output" | grep -q 'Tessera reports errors by exceptions'; then
  echo "FAILED: -fno-exceptions is refused without a reason:"
  printf '%s\n' "$output" | head -5
  exit 1
fi
echo "refused with a reason"
