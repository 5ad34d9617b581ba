#!/bin/sh
# Usage: check_warnings.sh PROJECT_FOLDER COMPILER FLAGS...
# The files of src/, which make every template of the library for float and double, compile without a
# warning that a careful user may have switched on.
set -u
cd "$1" || exit 1
shift
failed=0
for source in src/*.cpp; do
  "$@" "$source" || failed=$((failed + 1))
done
echo "$failed files with warnings"
[ "$failed" -eq 0 ]
