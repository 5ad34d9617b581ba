#!/bin/sh
# Usage: check_links.sh FOLDER
# Every link and picture of the pages in a folder leads to a file there, and to a place in it that
# exists. Addresses on other machines are not looked at.
set -eu
cd "$1"
places=$(mktemp)
links=$(mktemp)
trap 'rm -f "$places" "$links"' EXIT

find . -type f | sed 's|^\./||' >"$places"
grep -roE '(id|name)="[^"]+"' --include='*.html' . |
  sed -E 's|^\./||; s/:(id|name)="([^"]*)"$/#\2/' >>"$places"
# Pages of files/ are copies of other people's text: their links are not the site's.
grep -roE '(href|src)="[^"]*"' --include='*.html' --exclude-dir=files . |
  sed -E 's|^\./||; s/:(href|src)="/\t/; s/"$//' | sort -u >"$links"

awk -F '\t' '
NR == FNR { exists[$0] = 1; next }
$2 == "" || $2 ~ /^[a-z]+:/ { next }
{
  count++
  target = $2
  gsub(/&amp;/, "\\&", target)
  folder = $1
  if (!sub(/\/[^\/]*$/, "/", folder)) folder = ""
  if (target ~ /^#/) target = $1 target
  else target = folder target
  while (sub(/[^\/]+\/\.\.\//, "", target)) {}
  file = target
  sub(/#.*/, "", file)
  sub(/\/$/, "/index.html", file)
  fragment = target ~ /#/ ? substr(target, index(target, "#") + 1) : ""
  if (!(file in exists) && !((file "/index.html") in exists)) { print "BROKEN: " $1 " -> " $2; broken++ }
  else if (fragment != "" && file ~ /\.html$/ && !((file "#" fragment) in exists)) { print "NO PLACE: " $1 " -> " $2; broken++ }
}
END {
  printf "%d links, %d broken\n", count, broken
  exit (broken > 0 || count == 0)
}' "$places" "$links"
