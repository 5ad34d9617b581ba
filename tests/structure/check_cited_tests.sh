#!/bin/sh
# Usage: check_cited_tests.sh TESTS_FOLDER DOCUMENT
# In a document, `folder/x_test.cpp`: "a name", "another" names tests: the file has them all.
set -u
tests=$1
document=$2
flat=$(mktemp)
trap 'rm -f "$flat"' EXIT
count=0
failed=0

# One "file<tab>name" a line: a quoted name belongs to the last file before it in its table row.
cited=$(awk '{
  rest = $0
  file = ""
  while (match(rest, /`[a-z_0-9\/]+_test\.cpp`|"[^"]+"/)) {
    word = substr(rest, RSTART + 1, RLENGTH - 2)
    if (substr(rest, RSTART, 1) == "`") {
      file = word
    } else if (file != "") {
      printf "%s\t%s\n", file, word
    }
    rest = substr(rest, RSTART + RLENGTH)
  }
}' "$document")

tab=$(printf '\t')
while IFS=$tab read -r file name; do
  [ -n "$file" ] || continue
  count=$((count + 1))
  : >"$flat"
  # A long name may stand on the next line, or as two literals side by side.
  [ ! -f "$tests/$file" ] ||
    tr '\n' ' ' <"$tests/$file" | sed 's/" *"//g; s/TEST_CASE( */TEST_CASE(/g' >"$flat"
  if ! grep -qF "TEST_CASE(\"$name\"" "$flat"; then
    echo "FAILED: $document names $file \"$name\", which does not exist"
    failed=$((failed + 1))
  fi
done <<END
$cited
END

echo "$count tests named, $failed missing"
[ "$count" -gt 0 ] && [ "$failed" -eq 0 ]
