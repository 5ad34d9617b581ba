#!/bin/sh
# Usage: check_output.sh DOCUMENT NAME PROGRAM
# What PROGRAM prints is what DOCUMENT shows between <!-- output: NAME --> and <!-- end -->; numbers
# may differ by 0.02, for processors round differently.
set -eu
document=$1
name=$2
"$3" >"$name.output"
awk -v name="$name" '
$0 == "<!-- output: " name " -->" { inside = 1; next }
$0 == "<!-- end -->" { inside = 0 }
inside && !/^```/ { print }' "$document" >"$name.shown"
awk '
NR == FNR { shown[++count] = $0; next }
{
  words = split($0, found, " ")
  if (FNR > count || split(shown[FNR], wanted, " ") != words) differ()
  for (i = 1; i <= words; i++) {
    if (found[i] == wanted[i]) continue
    if (found[i] !~ /^[0-9.]+$/ || found[i] - wanted[i] > 0.02 || wanted[i] - found[i] > 0.02) differ()
  }
}
END {
  if (!failed && (FNR != count || count == 0)) differ()
  exit failed
}
function differ() {
  if (!failed) printf "FAILED: line %d: shown \"%s\", printed \"%s\"\n", FNR, shown[FNR], $0
  failed = 1
}' "$name.shown" "$name.output"
echo "$(wc -l <"$name.shown") lines as shown"
