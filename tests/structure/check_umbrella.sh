#!/bin/sh
# Usage: check_umbrella.sh INCLUDE_FOLDER
# tessera.hpp must reach every header but those of io/, data/, eval/, run/ and testing/.
set -u
cd "$1" || exit 1

find tessera -name '*.hpp' | sort | awk '
{ headers[++count] = $0 }
END {
  reached["tessera/tessera.hpp"] = 1
  queue[1] = "tessera/tessera.hpp"
  last = 1
  for (next_one = 1; next_one <= last; next_one++) {
    while ((status = (getline line < queue[next_one])) > 0) {
      if (line !~ /^[ \t]*#[ \t]*include[ \t]*"tessera\//) continue
      split(line, parts, "\"")
      if (!(parts[2] in reached)) {
        reached[parts[2]] = 1
        queue[++last] = parts[2]
      }
    }
    if (status < 0) {
      print "FAILED: " queue[next_one] " is included but cannot be read"
      failures++
    }
  }
  for (i = 1; i <= count; i++) {
    if (headers[i] ~ /^tessera\/(io|data|eval|run|testing)\//) {
      if (headers[i] in reached) {
        print "FAILED: tessera/tessera.hpp reaches " headers[i]
        failures++
      }
    } else {
      expected++
      if (!(headers[i] in reached)) {
        print "FAILED: tessera/tessera.hpp does not reach " headers[i]
        failures++
      }
    }
  }
  printf "%d of %d headers belong to the umbrella, %d failures\n", expected, count, failures
  if (expected < 2 || failures > 0) exit 1
}'
