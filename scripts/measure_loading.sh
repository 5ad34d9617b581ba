#!/bin/sh
# Makes a ViT-H/14 file of 2.5 GB in FOLDER (default: the system's for temporary files), then reads
# and loads it five times each and prints time and peak memory. Needs twice 2.5 GB of memory, so that
# the file stays cached, and the same on disk.
#   sh scripts/measure_loading.sh [FOLDER]
set -eu
cd "$(dirname "$0")/.."
folder=${1:-${TMPDIR:-/tmp}}
work=$(mktemp -d "$folder/tessera-loading-XXXXXX")
trap 'rm -rf "$work"' EXIT
"${CXX:-c++}" -std=c++20 -O2 -DNDEBUG -DEIGEN_DONT_PARALLELIZE -Iinclude -isystem "${EIGEN:-/usr/include/eigen3}" \
  benchmarks/load_weights.cpp -o "$work/load_weights" -pthread
"$work/load_weights" make "$work/vit_huge.safetensors"
for round in 1 2 3 4 5; do
  "$work/load_weights" read "$work/vit_huge.safetensors"
  "$work/load_weights" load "$work/vit_huge.safetensors"
done
