#!/bin/sh
# Prints what Tessera costs a compiler, header-only and in compiled mode: processor seconds and peak
# memory at -O2, beside a program of five lines with <Eigen/Dense>. Medians of RUNS compilations (3).
#   CXX=clang++ RUNS=1 sh scripts/compile_cost.sh
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
set_up
has_command /usr/bin/time || fail "this needs GNU time (Debian: apt-get install time)"

eigen=${EIGEN_INCLUDE:-/usr/include/eigen3}
flags="-std=c++20 -O2 -DNDEBUG -DEIGEN_DONT_PARALLELIZE -Iinclude -isystem $eigen -c -o /dev/null"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
printf '#include "tessera/tessera.hpp"\nint main() {}\n' >"$scratch/umbrella.cpp"
cat >"$scratch/eigen.cpp" <<'PROGRAM'
#include <Eigen/Dense>
int main() {
  const Eigen::MatrixXf m = Eigen::MatrixXf::Random(3, 3);
  return (m * m.transpose()).sum() > 0 ? 0 : 1;
}
PROGRAM

# cost SOURCE FLAG...: "seconds megabytes" of one compilation
cost() {
  # shellcheck disable=SC2086
  /usr/bin/time -f '%U %S %M' -o "$scratch/time" "$compiler" $flags "$@" ||
    fail "$* does not compile"
  awk '{ printf "%.2f %d\n", $1 + $2, $3 / 1024 }' "$scratch/time"
}

median() {
  run=0
  while [ "$run" -lt "${RUNS:-3}" ]; do
    cost "$@"
    run=$((run + 1))
  done | sort -n | awk '{ lines[NR] = $0 } END { print lines[int((NR + 1) / 2)] }'
}

# report NAME LIMIT MEGABYTES SOURCE FLAG...: one row; LIMIT is a multiple of the small program
report() {
  name=$1
  limit=$2
  megabytes=$3
  shift 3
  measured=$(median "$@")
  echo "$measured $small" | awk -v name="$name" -v limit="$limit" -v megabytes="$megabytes" '{
    verdict = ($1 > limit * $3 || (megabytes > 0 && $2 > megabytes)) ? "OVER" : "ok"
    printf "%-44s %6.2f s %5d MB %5.1f x   at most %.1f x%s: %s\n", name, $1, $2, $1 / $3, limit,
      (megabytes > 0 ? " and " megabytes " MB" : ""), verdict
  }'
}

"$compiler" --version | sed -n 1p
small=$(median "$scratch/eigen.cpp")
echo "$small" | awk '{ printf "%-44s %6.2f s %5d MB\n", "five lines with <Eigen/Dense>", $1, $2 }'

example="examples/05_train_your_own.cpp"
photos='-DTESSERA_PHOTO_DIR=""'
linked=-DTESSERA_COMPILED_LIB
report 'header-only: umbrella, empty main' 1.5 0 "$scratch/umbrella.cpp"
report 'header-only: training of README.md' 4 0 tests/readme/training_snippet.cpp
report 'header-only: inference of README.md' 6 600 tests/readme/inference_snippet.cpp
report 'header-only: 05_train_your_own' 4 0 "$example" "$photos"
report 'compiled: umbrella, empty main' 1.5 0 "$scratch/umbrella.cpp" $linked
report 'compiled: training of README.md' 1.5 0 tests/readme/training_snippet.cpp $linked
report 'compiled: inference of README.md' 1.5 0 tests/readme/inference_snippet.cpp $linked
report 'compiled: 05_train_your_own' 1.5 0 "$example" "$photos" $linked
