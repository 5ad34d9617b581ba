#!/bin/sh
# Sets up what is missing, builds the examples and runs the first three; pictures in demo-output/.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
set_up

build=build/demo
output=demo-output

say "Configuring in $build"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTESSERA_NATIVE=ON \
  -DTESSERA_BUILD_TESTS=OFF -DTESSERA_BUILD_BENCHMARKS=OFF

say "Building the examples"
cmake --build "$build" --parallel "$(job_count)"

mkdir -p "$output"
for example in 01_mae_forward 02_ijepa_forward 03_mae_pretrain; do
  say "$example"
  "$build/examples/$example" --out "$output"
done

say "Done. Pictures:"
ls "$output"/*.png
