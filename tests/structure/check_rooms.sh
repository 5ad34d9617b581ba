#!/bin/sh
# Usage: check_rooms.sh PROJECT_FOLDER
# A room, a folder of include/tessera, has at most 18 headers: more cannot be looked over, and want rooms of
# their own. Lists of instances and definitions behind a header are not counted. Each of the latter,
# x_impl.hpp, is compiled by exactly one file of src/, and cmake/Compiled.cmake names every file there.
set -u
cd "$1" || exit 1
failed=0
rooms=0

for room in $(find include/tessera -mindepth 1 -type d | sort); do
  rooms=$((rooms + 1))
  count=$(find "$room" -maxdepth 1 -name '*.hpp' ! -name '*_impl.hpp' ! -name instances.hpp | wc -l)
  if [ "$count" -gt 18 ]; then
    echo "FAILED: $room has $count headers"
    failed=$((failed + 1))
  fi
done

for header in $(find include/tessera -name '*_impl.hpp' | sed 's|^include/||'); do
  places=$(grep -lF "#include \"$header\"" src/*.cpp | wc -l)
  if [ "$places" -ne 1 ]; then
    echo "FAILED: $header is compiled by $places files of src/"
    failed=$((failed + 1))
  fi
done
for source in src/*.cpp; do
  if ! grep -qw "$(basename "$source")" cmake/Compiled.cmake; then
    echo "FAILED: cmake/Compiled.cmake does not name $source"
    failed=$((failed + 1))
  fi
done

echo "$rooms rooms, $failed failures"
[ "$rooms" -gt 0 ] && [ "$failed" -eq 0 ]
