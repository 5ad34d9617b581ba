#!/bin/sh
# Builds the documentation site: the guides of docs/ and a reference of every public name, with search.
# Broken links are an error. Open build/site/html/index.html.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
set_up_documentation

site=build/site
rm -rf "$site"
mkdir -p "$site/guides" "$site/html"

# Guides link each other by path, and files of the repository. On the site they are pages with names,
# and the files are copied beside them.
guides="README.md $(ls docs/*.md) benchmarks/README.md benchmarks/results/history.md packaging/README.md"
[ ! -f CHANGELOG.md ] || guides="$guides CHANGELOG.md"
page_of() { echo "guide_$1" | sed 's/\.md$//; s/[^A-Za-z0-9_]/_/g'; }
for guide in $guides; do
  awk -v guide="$guide" -v guides="$guides" -v files="$site/files.txt" '
  BEGIN {
    folder = guide ~ /\// ? guide : ""
    sub(/[^\/]*$/, "", folder)
    split(guides, list, " ")
    for (i in list) known[list[i]] = 1
  }
  function page(path) {
    sub(/\.md$/, "", path)
    gsub(/[^A-Za-z0-9_]/, "_", path)
    return "guide_" path
  }
  function resolved(target,    parts, count, i, out, depth, stack) {
    count = split(folder target, parts, "/")
    depth = 0
    for (i = 1; i <= count; i++) {
      if (parts[i] == "..") depth--
      else if (parts[i] != "." && parts[i] != "") stack[++depth] = parts[i]
    }
    out = stack[1]
    for (i = 2; i <= depth; i++) out = out "/" stack[i]
    return out
  }
  /^```/ { code = !code }
  !code {
    rest = $0
    line = ""
    while (match(rest, /!?\[[^]]*\]\([^)]*\)/)) {
      link = substr(rest, RSTART, RLENGTH)
      line = line substr(rest, 1, RSTART - 1)
      rest = substr(rest, RSTART + RLENGTH)
      split_at = index(link, "](")
      text = substr(link, 1, split_at)
      target = substr(link, split_at + 2, length(link) - split_at - 2)
      if (target ~ /^(https?:|#)/) {
        if (target ~ /^#/) { sub(/^!?\[/, "", text); sub(/\]$/, "", text); line = line text; continue }
        line = line link
        continue
      }
      sub(/#.*/, "", target)
      path = resolved(target)
      if (text ~ /^!/) {
        sub(/.*\//, "", path)
        line = line text "(" path ")"
      } else if (path in known) {
        line = line text "(@ref " page(path) ")"
      } else {
        print path >>files
        line = line text "(files/" path ")"
      }
    }
    $0 = line rest
  }
  !titled && /^# / { $0 = $0 " {#" page(guide) "}"; titled = 1 }
  { print }' "$guide" >"$site/guides/$(page_of "$guide").md"
done

version=$(sed -n 's/^ *VERSION \([0-9.]*\)$/\1/p' CMakeLists.txt)
{
  cat docs/site/Doxyfile
  echo "PROJECT_NUMBER = $version"
  echo "OUTPUT_DIRECTORY = $site/html"
  echo "INPUT = $site/guides docs/site/namespaces.dox include/tessera"
  echo "FILE_PATTERNS = *.hpp *.md *.dox"
  echo "RECURSIVE = YES"
  echo "IMAGE_PATH = docs/images"
  echo "USE_MDFILE_AS_MAINPAGE = $site/guides/guide_README.md"
  echo "WARN_LOGFILE = $site/warnings.txt"
} >"$site/Doxyfile"
say "Doxygen $(doxygen --version)"
doxygen "$site/Doxyfile"

sort -u "$site/files.txt" | while read -r path; do
  if [ -d "$path" ]; then
    # A folder is shown as the list of its files.
    mkdir -p "$site/html/files/$path"
    { echo '<!doctype html><title>'"$path"'</title><pre>'; ls "$path"; echo '</pre>'; } >"$site/html/files/$path/index.html"
  else
    mkdir -p "$site/html/files/$(dirname "$path")"
    cp "$path" "$site/html/files/$path" || fail "a guide links $path, which does not exist"
  fi
done

say "Links"
sh docs/site/check_links.sh "$site/html"
say "Done: $site/html/index.html"
