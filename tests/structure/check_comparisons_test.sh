#!/bin/sh
# Usage: check_comparisons_test.sh SCRATCH_FOLDER
# check_comparisons.sh must pass tests that use near alone and name the line that does not.
set -u
here=$(cd "$(dirname "$0")" && pwd)
scratch=$1
rm -rf "$scratch"
mkdir -p "$scratch/support" "$scratch/core"
failed=0

echo 'return Catch::Approx(value);' >"$scratch/support/near.hpp"
echo 'CHECK(x == near(1, 1e-9));  // Approximately' >"$scratch/core/x_test.cpp"
if ! sh "$here/check_comparisons.sh" "$scratch"; then
  echo "FAILED: tests that use near alone are refused"
  failed=1
fi

for line in 'CHECK(x == Approx(1).margin(1e-9));' 'CHECK(x == Catch::Approx(1));' \
  'auto close = Approx::custom();' 'CHECK_THAT(x, WithinRel(1.0));'; do
  printf '%s\n' '' "$line" >"$scratch/core/x_test.cpp"
  if output=$(sh "$here/check_comparisons.sh" "$scratch"); then
    echo "FAILED: '$line' passes"
    failed=1
  elif [ "$output" != "FAILED: near or near_relative instead: core/x_test.cpp:2:$line" ]; then
    echo "FAILED: '$line' is refused with: $output"
    failed=1
  fi
done

rm "$scratch/support/near.hpp"
if sh "$here/check_comparisons.sh" "$scratch" >/dev/null 2>&1; then
  echo "FAILED: a folder without near.hpp passes"
  failed=1
fi

[ "$failed" -eq 0 ] && echo "one good folder passed, five broken ones refused"
exit "$failed"
