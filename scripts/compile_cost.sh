#!/bin/sh
# Prints what including Tessera costs a compiler: processor seconds at -O2, median of three runs.
#   CXX=clang++ sh scripts/compile_cost.sh
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
set_up
export CCACHE_DISABLE=1

eigen=${EIGEN_INCLUDE:-/usr/include/eigen3}
flags="-std=c++20 -O2 -DNDEBUG -DEIGEN_DONT_PARALLELIZE -Iinclude -isystem $eigen -c -o /dev/null"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
printf '#include <Eigen/Core>\nint main() {}\n' >"$scratch/eigen.cpp"
printf '#include "tessera/tessera.hpp"\nint main() {}\n' >"$scratch/umbrella.cpp"

# seconds SOURCE...: user and system time of one compilation, which `times` reports for children
seconds() {
  # shellcheck disable=SC2086
  sh -c '"$@"; status=$?; times; exit $status' sh "$compiler" $flags "$@" |
    awk 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, t, /[ms]/); sum += 60 * t[1] + t[2] } }
         END { printf "%.2f\n", sum }'
}

median() {
  "$compiler" $flags "$@" || fail "$* does not compile"
  { seconds "$@"; seconds "$@"; seconds "$@"; } | sort -n | sed -n 2p
}

report() { printf '%-46s %6s s   %s\n' "$1" "$2" "$3"; }

verdict() { awk -v value="$1" -v limit="$2" 'BEGIN { print (value <= limit ? "ok" : "OVER") }'; }

"$compiler" --version | sed -n 1p
eigen_cost=$(median "$scratch/eigen.cpp")
report '<Eigen/Core>, empty main' "$eigen_cost" ''

umbrella_cost=$(median "$scratch/umbrella.cpp")
over=$(awk -v a="$umbrella_cost" -v b="$eigen_cost" 'BEGIN { printf "%.2f", a - b }')
report '"tessera/tessera.hpp", empty main' "$umbrella_cost" \
  "$over s over Eigen/Core, target 1.5: $(verdict "$over" 1.5)"

example_cost=$(median -DTESSERA_PHOTO_DIR='""' examples/05_train_your_own.cpp)
report 'examples/05_train_your_own.cpp' "$example_cost" \
  "target 10: $(verdict "$example_cost" 10)"
