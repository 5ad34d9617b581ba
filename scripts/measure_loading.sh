#!/bin/sh
# Makes a ViT-H/14 file of 2.5 GB in FOLDER (default: the system's for temporary files), then reads
# and loads it five times each and prints time and peak memory: in timm's names, as a file of
# torch.save (where Python has torch and safetensors), and in Hugging Face's names. Needs twice 2.5 GB
# of memory, so that the file stays cached, and the same on disk.
#   sh scripts/measure_loading.sh [FOLDER]
set -eu
cd "$(dirname "$0")/.."
folder=${1:-${TMPDIR:-/tmp}}
work=$(mktemp -d "$folder/tessera-loading-XXXXXX")
trap 'rm -rf "$work"' EXIT
"${CXX:-c++}" -std=c++20 -O2 -DNDEBUG -DEIGEN_DONT_PARALLELIZE -Iinclude -isystem "${EIGEN:-/usr/include/eigen3}" \
  benchmarks/cpp/load_weights.cpp -o "$work/load_weights" -pthread
measure() {
  echo "$1"
  for round in 1 2 3 4 5; do
    "$work/load_weights" read "$2"
    "$work/load_weights" load "$2"
  done
}
file=$work/vit_huge.safetensors
"$work/load_weights" make "$file" timm
measure "safetensors, names of timm" "$file"
if python3 -c 'import safetensors, torch' 2>/dev/null; then
  python3 -c 'import sys, torch; from safetensors.torch import load_file
torch.save({"model": load_file(sys.argv[1])}, sys.argv[2])' "$file" "$work/vit_huge.pth"
  rm "$file"
  measure "torch.save, names of timm" "$work/vit_huge.pth"
  rm "$work/vit_huge.pth"
fi
"$work/load_weights" make "$file" hugging_face
measure "safetensors, names of Hugging Face: query, key and value apart" "$file"
