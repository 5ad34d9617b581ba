#!/bin/sh
# Usage: check_includes.sh INCLUDE_FOLDER
# Checks who includes whom under INCLUDE_FOLDER/tessera. A folder may include itself and whatever
# its `below` line reaches. Rooms
# within a folder have lines of their own. A door, a header directly in io/, may include all of io/.
# Only io/ and data/ may include the image, JSON and compression libraries.
# Before any header of Eigen stands core/eigen.hpp.
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
  below("core/threads", "core")
  below("core/random", "core/threads")
  below("kernels/simd", "core/random")
  below("kernels", "kernels/simd")
  below("kernels/matmul", "kernels")
  below("kernels", "kernels/matmul")  # attention is made of products, their epilogues of gelu
  below("autograd", "kernels")
  below("masking", "core/random")
  below("masking/random", "masking")
  below("masking/multi_block", "masking")
  below("ops", "autograd masking")
  below("ops/tokens", "ops")
  below("nn", "ops/tokens")
  below("models", "nn masking/random masking/multi_block")
  below("train", "nn")

  below("io/text", "core")
  below("io/file", "io/text")
  below("io/json", "io/file")
  below("io/tensors", "io/json")
  below("io/safetensors", "io/tensors")
  below("io/torch", "io/tensors")
  below("io/source", "io/safetensors io/torch")
  below("io/naming", "io/source kernels")
  below("io/checkpoint", "io/naming models")
  below("io/image", "io/file core/random kernels")
  below("io/preprocessing", "io/image io/checkpoint")
  below("io/weights", "io/preprocessing")
  below("io/inspect", "io/weights")

  below("data/augment", "io/image")
  below("data", "data/augment")

  below("eval", "train data")
  below("run", "io/weights eval")

  below("testing", "nn")
}
function folder_of(room) {
  sub("/.*", "", room)
  return room
}
# A path without its last part: the room that a header lies in.
function room_of(path) {
  return sub("/[^/]*$", "", path) ? path : ""
}
FNR == 1 {
  files++
  from = room_of(FILENAME)
  if (from == "") from = "tessera.hpp"
  if (from != "tessera.hpp" && from != "io" && !(from in known)) complain("unknown folder " from)
}
/^[ \t]*#[ \t]*include/ {
  target = $0
  sub(/^[ \t]*#[ \t]*include[ \t]*/, "", target)
  quoted = substr(target, 1, 1) == "\""
  target = substr(target, 2)
  sub(/[">].*/, "", target)

  if (target ~ /^tessera\// && !quoted) complain("<" target "> is written \"" target "\"")
  if (target == "tessera/core/eigen.hpp") eigen_is_safe = FILENAME
  if (target ~ /^Eigen\// && FILENAME != "core/eigen.hpp" && eigen_is_safe != FILENAME)
    complain("<" target "> needs \"tessera/core/eigen.hpp\" before it")
  if (quoted && target !~ /^tessera\//) complain("\"" target "\" does not begin with tessera/")
  if (target ~ /^nlohmann\//) complain("the library reads JSON itself, without <" target ">")
  if (target ~ /^(png|jpeg|jerror|turbojpeg|webp\/|zlib|CLI\/|catch2\/)/ && folder_of(from) !~ /^(io|data|run)$/)
    complain("only io and data may include <" target ">")

  if (target ~ /^tessera\//) {
    arrows++
    to = room_of(substr(target, length("tessera/") + 1))
    if (to == "") complain("nothing includes the umbrella header " target)
    else if (from == "tessera.hpp") {
      if (folder_of(to) ~ /^(io|data|eval|run|testing)$/) complain("forbidden arrow: tessera.hpp -> " to)
    } else if (from == "io") {
      if (folder_of(to) != "io") complain("forbidden arrow: io -> " to)  # a door
    } else if (!((from, to) in allowed)) complain("forbidden arrow: " from " -> " to)
  }
}
END {
  printf "%d headers, %d includes of tessera headers, %d forbidden\n", files, arrows, failures
  if (files == 0 || failures > 0) exit 1
}'
