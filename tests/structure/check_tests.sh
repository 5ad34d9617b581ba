#!/bin/sh
# Usage: check_tests.sh PROJECT_FOLDER
# Every header include/tessera/<folder>/<name>.hpp has its tests/<folder>/<name>*_test.cpp. Names
# of tests are free of characters that CMake lists take apart: such a test would never run.
set -u
cd "$1" || exit 1
failed=0
count=0

for header in include/tessera/*/*.hpp; do
  [ -f "$header" ] || continue
  count=$((count + 1))
  name=${header#include/tessera/}
  set -- tests/"${name%.hpp}"*_test.cpp
  if [ ! -f "$1" ]; then
    echo "FAILED: $header has no $1"
    failed=$((failed + 1))
  fi
done

# The name may stand on the line after TEST_CASE(; brackets may only stand in the tags.
bad=$(find tests -name '*_test.cpp' | sort | xargs awk '
FNR == 1 { waiting = 0 }
/^[ \t]*(TEMPLATE_(LIST_)?)?(TEST_CASE|SCENARIO)(_METHOD|_SIG|_PRODUCT)?[(]/ { waiting = 1 }
waiting && match($0, /"([^"\\]|\\.)*"/) {
  name = substr($0, RSTART + 1, RLENGTH - 2)
  if (name ~ /[][;\\"]/)
    printf "FAILED: %s:%d: [ ] ; \\ or a quote in test name \"%s\"\n", FILENAME, FNR, name
  waiting = 0
}' /dev/null)
if [ -n "$bad" ]; then
  printf '%s\n' "$bad"
  failed=$((failed + 1))
fi

echo "$count headers, $failed failures"
[ "$count" -gt 0 ] && [ "$failed" -eq 0 ]
