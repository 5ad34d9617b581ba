#!/bin/sh
# Usage: check_includes.sh INCLUDE_FOLDER
# Checks who includes whom under INCLUDE_FOLDER/tessera. A folder may include itself and whatever
# its `below` line reaches; only io/ may include the image and JSON libraries.
set -u
cd "$1/tessera" || exit 1

find . -name '*.hpp' | sed 's|^\./||' | sort | xargs awk '
function below(folder, lower,    count, i, names) {
  count = split(lower, names, " ")
  allowed[folder, folder] = 1
  for (i = 1; i <= count; i++) {
    allowed[folder, names[i]] = 1
    for (pair in allowed) {  # transitive: the lower folders were given before
      split(pair, ends, SUBSEP)
      if (ends[1] == names[i]) reached[ends[2]] = 1
    }
  }
  for (name in reached) allowed[folder, name] = 1
  split("", reached)
  known[folder] = 1
}
function complain(reason) {
  printf "FAILED: tessera/%s:%d: %s\n", FILENAME, FNR, reason
  failures++
}
BEGIN {
  below("core", "")
  below("kernels", "core")
  below("autograd", "kernels")
  below("masking", "core")
  below("ops", "autograd")
  below("nn", "ops")
  below("models", "nn masking")
  below("train", "nn")
  below("io", "models")
  below("testing", "autograd nn")
}
FNR == 1 {
  files++
  from = FILENAME
  if (!sub("/.*", "", from)) from = "tessera.hpp"
  if (from != "tessera.hpp" && !(from in known)) complain("unknown folder " from)
}
/^[ \t]*#[ \t]*include/ {
  target = $0
  sub(/^[ \t]*#[ \t]*include[ \t]*/, "", target)
  quoted = substr(target, 1, 1) == "\""
  target = substr(target, 2)
  sub(/[">].*/, "", target)

  if (target ~ /^tessera\// && !quoted) complain("<" target "> is written \"" target "\"")
  if (quoted && target !~ /^tessera\//) complain("\"" target "\" does not begin with tessera/")
  if (target ~ /^(nlohmann\/|png|jpeg|jerror|turbojpeg|CLI\/|catch2\/)/ && from != "io")
    complain("only io may include <" target ">")

  if (target ~ /^tessera\//) {
    arrows++
    to = substr(target, length("tessera/") + 1)
    if (!sub("/.*", "", to)) complain("nothing includes the umbrella header " target)
    else if (from == "tessera.hpp") {
      if (to == "io" || to == "testing") complain("forbidden arrow: tessera.hpp -> " to)
    } else if (!((from, to) in allowed)) complain("forbidden arrow: " from " -> " to)
  }
}
END {
  printf "%d headers, %d includes of tessera headers, %d forbidden\n", files, arrows, failures
  if (files == 0 || failures > 0) exit 1
}'
