#!/bin/sh
# Sets up what is missing, builds and runs every test, and ends with CTest's summary.
#   CXX=clang++ sh scripts/test.sh       another compiler, in a build folder of its own
#   TESSERA_WERROR=ON sh scripts/test.sh warnings are errors
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
set_up

build=build/test
[ -z "${CXX:-}" ] || build=build/test-$(basename "$CXX")
jobs=$(job_count)
started=$(date +%s)

say "Configuring in $build"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTESSERA_BUILD_BENCHMARKS=OFF \
  -DTESSERA_NATIVE=OFF -DTESSERA_COMPILED=ON \
  -DTESSERA_WERROR="${TESSERA_WERROR:-OFF}"

say "Building with $jobs jobs"
cmake --build "$build" --parallel "$jobs"

took=$(($(date +%s) - started))
say "Built in $((took / 60)) min $((took % 60)) s with $jobs jobs. Testing"
ctest --test-dir "$build" --output-on-failure --no-tests=error --parallel "$jobs"
