#!/bin/sh
# The tests of data sets, features and runs on header-only code: in the main pass they link the compiled
# library, as all tests of io and models do.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
set_up
build=build/header-only

say "Configuring in $build"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTESSERA_BUILD_BENCHMARKS=OFF \
  -DTESSERA_BUILD_EXAMPLES=OFF -DTESSERA_NATIVE=OFF -DTESSERA_TEST_COMPILED=OFF \
  -DTESSERA_WERROR="${TESSERA_WERROR:-OFF}"
say "Building"
cmake --build "$build" --parallel "$(job_count)" \
  --target tessera_eval_tests tessera_inference_snippet
say "Testing"
ctest --test-dir "$build" --output-on-failure --no-tests=error -L 'eval|readme' -E 'readme/(text|training)'
