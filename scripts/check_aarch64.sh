#!/bin/sh
# Compiles for 64-bit ARM, where Eigen computes everything, with warnings as errors, and compares the
# losses of a few training steps there, under qemu, with those of this processor.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
find_missing
need g++-aarch64-linux-gnu 'g++ for aarch64' has_command aarch64-linux-gnu-g++
need qemu-user 'qemu-aarch64' has_command qemu-aarch64
[ -z "$missing_packages" ] || install_missing

eigen=${EIGEN_INCLUDE:-/usr/include/eigen3}
flags="-std=c++20 -O2 -Wall -Wextra -Werror -DNDEBUG -Iinclude -isystem $eigen -pthread -static"
program=tests/portability/training_steps.cpp
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

say "Building for both processors"
# shellcheck disable=SC2086
"$compiler" $flags "$program" -o "$scratch/here"
# shellcheck disable=SC2086
aarch64-linux-gnu-g++ $flags "$program" -o "$scratch/there"
"$scratch/here" >"$scratch/here.txt"
qemu-aarch64 "$scratch/there" >"$scratch/there.txt"

say "Losses here and on ARM; they must fall and may differ by 1e-5"
paste "$scratch/here.txt" "$scratch/there.txt" | awk '
  { print; difference = $1 - $2; if (difference < 0) difference = -difference
    if (NF != 2 || !($1 > 0 && $2 > 0 && difference <= 1e-5)) bad = 1
    if (NR > 1 && $1 >= former) bad = 1
    former = $1 }
  END { exit bad || NR != 4 }' || fail "the processors disagree"
