#!/bin/sh
# Usage: check_comments.sh PROJECT_FOLDER MOST
# Comments that begin with "What", "The same", "Whether" or "How" are relative clauses without a noun, which
# a reader parses twice. Lists them; fails if there are more than MOST.
set -u
cd "$1" || exit 1
found=$(find include src examples tests benchmarks \( -name '*.hpp' -o -name '*.cpp' \) -exec \
  awk '
  FNR == 1 { before = "" }
  {
    comment = match($0, /\/\/[\/!]?<? */) ? substr($0, RSTART + RLENGTH) : ""
    # A line begins a comment unless the line before it was one too.
    starts = RSTART > 0 && (before == "" || $0 !~ /^ *\/\//)
    if (starts && comment ~ /^(What|The same|Whether|How)( |$)/) printf "%s:%d: %s\n", FILENAME, FNR, comment
    before = RSTART > 0 && $0 ~ /^ *\/\// ? comment : ""
  }' {} +)
count=0
[ -z "$found" ] || count=$(printf '%s\n' "$found" | wc -l)
printf '%s\n' "$found"
echo "$count comments begin without a noun, at most $2"
[ "$count" -le "$2" ]
