#!/bin/sh
# Usage: check_headers_alone.sh INCLUDE_FOLDER FOLDER COMPILER FLAGS...
# Compiles every header of INCLUDE_FOLDER/tessera/FOLDER in a translation unit of its own, included
# twice, and names each one that fails.
set -u
include_folder=$1
folder=$2
shift 2

failed=0
count=0
for path in "$include_folder/tessera/$folder"/*.hpp; do
  [ -f "$path" ] || continue
  count=$((count + 1))
  header=tessera/${path#"$include_folder/tessera/$folder/"}
  [ "$folder" = . ] || header=tessera/$folder/${header#tessera/}
  if ! printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
    "$@" "-I$include_folder" -x c++ -; then
    echo "FAILED: $header does not compile alone"
    failed=$((failed + 1))
  fi
done

if [ "$count" -eq 0 ]; then
  echo "FAILED: no header in $include_folder/tessera/$folder"
  exit 1
fi
echo "$count headers, $failed failed"
[ "$failed" -eq 0 ]
