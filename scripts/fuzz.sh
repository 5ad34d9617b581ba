#!/bin/sh
# Builds the fuzz targets with clang++ and runs each; ends with one line per target: how many inputs
# it ran and how long. Fails if one finds anything; the input is then in build/fuzz/findings.
#   sh scripts/fuzz.sh [SECONDS] [TARGET...]
# SECONDS per target, 60 by default. Targets: safetensors torch_file shard_index image config_json tar idx.
# What a run learns is kept in build/fuzz/corpus and used by the next.
set -eu
cd "$(dirname "$0")/.."
export CXX="${CXX:-clang++}"
. scripts/setup.sh
set_up

seconds=${1:-60}
[ "$#" -eq 0 ] || shift
case $seconds in
  '' | *[!0-9]*) fail "SECONDS is a whole number, not '$seconds'" ;;
esac
[ "$#" -gt 0 ] || set -- safetensors torch_file shard_index image config_json tar idx

build=build/fuzz
say "Building in $build"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$CXX" \
  -DTESSERA_FUZZ=ON -DTESSERA_BUILD_EXAMPLES=OFF -DTESSERA_BUILD_BENCHMARKS=OFF
mkdir -p "$build/findings"
summary=
failed=0
for target in "$@"; do
  cmake --build "$build" --target "tessera_${target}_fuzz"
  learned=$build/corpus/$target
  mkdir -p "$learned"
  say "$target: $seconds seconds"
  log=$build/$target.log
  # Pictures are larger than headers of weights files.
  longest=65536
  [ "$target" = image ] && longest=1048576
  # 64 MB: the most that any reader may take at once for a small file.
  status=0
  program=$build/tests/fuzz/tessera_${target}_fuzz
  "$program" -max_total_time="$seconds" -malloc_limit_mb=64 \
    -rss_limit_mb=1024 -timeout=10 -max_len="$longest" -print_final_stats=1 -verbosity=1 \
    -artifact_prefix="$build/findings/$target-" \
    "$learned" "tests/fuzz/corpus/$target" >"$log" 2>&1 || status=$?
  # libFuzzer goes by the clock, so a machine that was suspended looks like a slow input. One that is
  # quick when it is run again was not slow.
  for slow in "$build/findings/$target"-timeout-*; do
    [ "$status" -eq 70 ] && [ -e "$slow" ] || continue
    "$program" -timeout=10 -artifact_prefix="$build/findings/again-" "$slow" >>"$log" 2>&1 || break
    say "$target: stopped by the clock; that input was quick when run again"
    rm "$slow"
    status=0
  done
  if [ "$status" -ne 0 ]; then
    tail -n 40 "$log"
    failed=1
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  summary="$summary
$target: ${runs:-unknown} executions, exit code $status"
done
say "Done$summary"
exit "$failed"
