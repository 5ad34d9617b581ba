#!/bin/sh
# Runs the tests of the library under AddressSanitizer with UndefinedBehaviorSanitizer, and those
# tagged [threads] under ThreadSanitizer.
#   sh scripts/check_sanitizers.sh [asan-ubsan] [tsan]      both if none is named
set -eu
cd "$(dirname "$0")/.."

# ThreadSanitizer of g++ 12 stops on kernels that randomise addresses widely; without it, it runs.
if [ -z "${TESSERA_FIXED_ADDRESSES:-}" ] && setarch "$(uname -m)" -R true 2>/dev/null; then
  export TESSERA_FIXED_ADDRESSES=1
  exec setarch "$(uname -m)" -R sh scripts/check_sanitizers.sh "$@"
fi

. scripts/setup.sh
set_up
jobs=$(job_count)
[ "$#" -gt 0 ] || set -- asan-ubsan tsan

for preset in "$@"; do
  say "$preset: configuring"
  cmake --preset "$preset" -DTESSERA_BUILD_EXAMPLES=OFF
  say "$preset: building"
  cmake --build --preset "$preset" --parallel "$jobs"
  say "$preset: testing"
  ctest --preset "$preset" --parallel "$jobs"
done
