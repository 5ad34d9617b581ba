#!/bin/sh
# Usage: check_comparisons.sh TESTS_FOLDER
# No test uses Catch2's Approx or WithinRel: a margin and an epsilon are joined by "or", and the
# epsilon is 1.2e-5 unless told otherwise. The functions of support/near.hpp say which is meant.
set -u
cd "$1" || exit 1

if ! grep -qw 'Approx' support/near.hpp; then
  echo "FAILED: support/near.hpp has no Approx: is this the tests' folder?"
  exit 1
fi
found=$(find . \( -name '*.cpp' -o -name '*.hpp' \) ! -path ./support/near.hpp \
  ! -path ./support/catch.hpp -exec grep -nwE 'Approx|WithinRel' /dev/null {} +)
if [ -n "$found" ]; then
  printf '%s\n' "$found" | sed 's/^\.\//FAILED: near or near_relative instead: /'
  exit 1
fi
echo "all comparisons say what they allow"
