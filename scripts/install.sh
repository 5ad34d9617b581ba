#!/bin/sh
# Installs the headers and CMake's files under PREFIX without building anything: Eigen and CMake are all
# that is needed.
#   sh scripts/install.sh PREFIX
set -eu
[ "$#" -eq 1 ] || { echo "usage: install.sh PREFIX" >&2; exit 2; }
case $1 in
  /*) prefix=$1 ;;
  *) prefix=$PWD/$1 ;;
esac
cd "$(dirname "$0")/.."
cmake -S . -B build/install -DTESSERA_BUILD_TESTS=OFF -DTESSERA_BUILD_EXAMPLES=OFF \
  -DTESSERA_BUILD_BENCHMARKS=OFF -DTESSERA_IO=OFF
cmake --install build/install --prefix "$prefix"
