#!/bin/sh
# Compiles every header alone and twice. Tests include their header first, but some of them build with a
# precompiled header that would hide what it lacks.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
set_up
[ -n "${CXX:-}" ] || ! has_command clang++ || compiler=clang++

say "Every header alone, by $compiler"
find include/tessera -name '*.hpp' | sed 's|^include/||' | sort |
  xargs -P "$(job_count)" -n 1 sh -c 'printf "#include \"%s\"\n#include \"%s\"\n" "$1" "$1" |
    "$0" -std=c++20 -fsyntax-only -Wall -Wextra -Iinclude -isystem /usr/include/eigen3 -x c++ - ||
    { echo "FAILED: $1 does not compile alone"; exit 255; }' "$compiler"
echo "all headers compile alone"
