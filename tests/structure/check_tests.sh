#!/bin/sh
# Usage: check_tests.sh PROJECT_FOLDER
# Every header include/tessera/<room>/<name>.hpp is guarded and has tests/unit/<room>/<name>_test.cpp,
# which includes it before anything else: compiling that shows that the header needs nothing before
# it. A door, a header that lies directly in io/, holds includes alone and needs no tests. Nor do the definitions behind a
# header, x_impl.hpp, and lists of instances, which src/ compiles. Names of tests are free of characters that CMake lists take apart: such a test would never run.
set -u
cd "$1" || exit 1
failed=0
count=0

for header in $(find include/tessera -mindepth 2 -name '*.hpp' | sort); do
  count=$((count + 1))
  name=${header#include/tessera/}
  test=tests/unit/${name%.hpp}_test.cpp
  if [ "$(dirname "$name")" = io ]; then
    if grep -qvE '^(#pragma once|#include "tessera/io/.*"|#ifdef TESSERA_COMPILED_LIB|#endif|//.*|)$' "$header"; then
      echo "FAILED: $header is a door and must hold includes alone"
      failed=$((failed + 1))
    fi
  elif [ "$(basename "$name")" = instances.hpp ] || [ "${name%_impl.hpp}" != "$name" ]; then
    :
  elif [ ! -f "$test" ]; then
    echo "FAILED: $header has no $test"
    failed=$((failed + 1))
  elif [ "$(grep -m 1 '^#include' "$test")" != "#include \"tessera/$name\"" ]; then
    echo "FAILED: $test must include $header before all others"
    failed=$((failed + 1))
  fi
  if [ "$(head -n 1 "$header")" != '#pragma once' ]; then
    echo "FAILED: $header must begin with #pragma once"
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
