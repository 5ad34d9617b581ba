#!/bin/sh
# Usage: check_flags.sh INCLUDE_FOLDER COMPILER FLAGS...
# Compiler flags that would change results without a word are refused with their reason, and those
# that do no harm are not. With -fopenmp Eigen must stay on one thread.
set -u
include_folder=$1
compiler=$2
shift 2
flags=$*
failed=0
count=0

# compiles FLAGS: the program on standard input; messages go to standard output
compiles() {
  # shellcheck disable=SC2086  # several flags in one word
  "$compiler" -std=c++20 -fsyntax-only $flags "-I$include_folder" $1 -x c++ - 2>&1
}

# refused FLAGS REASON PROGRAM
refused() {
  count=$((count + 1))
  if output=$(printf '%s\n' "$3" | compiles "$1"); then
    echo "FAILED: $1 passes"
    failed=$((failed + 1))
  elif ! printf '%s\n' "$output" | grep -qF "$2"; then
    echo "FAILED: $1 is refused without '$2':"
    printf '%s\n' "$output" | head -5
    failed=$((failed + 1))
  fi
}

# accepted FLAGS PROGRAM
accepted() {
  count=$((count + 1))
  if ! output=$(printf '%s\n' "$2" | compiles "$1"); then
    echo "FAILED: '$1' is refused:"
    printf '%s\n' "$output" | head -5
    failed=$((failed + 1))
  fi
}

tensor='#include "tessera/core/tensor.hpp"'
eigen='#include <Eigen/Core>'
reason='Tessera computes NaN with -ffast-math'
refused -ffast-math "$reason" "$tensor"
refused -Ofast "$reason" "$tensor"
refused -ffinite-math-only "$reason" "$tensor"
refused -ffast-math "$reason" '#include "tessera/core/error.hpp"'
if "$compiler" --version | grep -q 'Free Software Foundation'; then # Clang does not tell of these
  refused -funsafe-math-optimizations "$reason" "$tensor"
  refused -freciprocal-math "$reason" "$tensor"
fi
accepted '' "$tensor"
accepted '-O3 -fno-math-errno -fno-trapping-math -ffp-contract=fast' "$tensor"

parallel='
#ifdef EIGEN_HAS_OPENMP
#error Eigen would use several threads
#endif'
accepted '' "$eigen
$tensor"
if printf '#include <omp.h>\n' | compiles -fopenmp >/dev/null; then
  accepted -fopenmp "$tensor$parallel"
  refused -fopenmp 'Eigen was included with -fopenmp before Tessera' "$eigen
$tensor"
  accepted '-fopenmp -DEIGEN_DONT_PARALLELIZE' "$eigen
$tensor$parallel"
fi

echo "$count sets of flags, $failed failed"
[ "$failed" -eq 0 ]
