#!/bin/sh
# Usage: check_includes_test.sh SCRATCH_FOLDER
# check_includes.sh must pass a tree that keeps the rules and name each line of one that does not.
set -u
here=$(cd "$(dirname "$0")" && pwd)
scratch=$1
rm -rf "$scratch"
refused=0
failed=0

# write TREE HEADER LINE...: a header made of these lines
write() {
  file=$scratch/$1/tessera/$2
  shift 2
  mkdir -p "$(dirname "$file")"
  printf '%s\n' "$@" >"$file"
}

write good tessera.hpp '#pragma once' '#include "tessera/models/mae.hpp"'
write good core/eigen.hpp '#pragma once' '#include <Eigen/Core>'
write good core/tensor.hpp '#include "tessera/core/eigen.hpp"' '#include <Eigen/LU>'
write good kernels/matmul.hpp '#include "tessera/core/tensor.hpp"'
write good autograd/tape.hpp '#include "tessera/core/tensor.hpp"'
write good ops/linear.hpp '#include "tessera/kernels/matmul/matmul.hpp"' \
  '#include "tessera/autograd/tape.hpp"'
write good nn/linear.hpp '#include "tessera/ops/linear.hpp"' '#include "tessera/core/tensor.hpp"'
write good masking/block.hpp '#include "tessera/core/tensor.hpp"'
write good models/mae.hpp '#include "tessera/masking/block.hpp"' '#include "tessera/nn/linear.hpp"'
write good train/ema.hpp '#include "tessera/kernels/matmul/matmul.hpp"' '#include "tessera/nn/linear.hpp"'
write good io/image/png.hpp '#include <png.h>' '#include "tessera/core/tensor.hpp"'
write good io/image.hpp '#include "tessera/io/image/png.hpp"'
write good io/weights/load.hpp '#include "tessera/io/image/png.hpp"' \
  '#include "tessera/models/mae.hpp"'
write good testing/check.hpp '#include "tessera/nn/linear.hpp"'
if ! sh "$here/check_includes.sh" "$scratch/good"; then
  echo "FAILED: a tree that keeps the rules is refused"
  failed=1
fi

# expect HEADER LINE REASON: a tree with this one bad line is refused with file, line and reason
expect() {
  rm -rf "$scratch/bad"
  write bad core/tensor.hpp '#pragma once'
  write bad "$1" '#pragma once' "$2"
  if output=$(sh "$here/check_includes.sh" "$scratch/bad" 2>&1); then
    echo "FAILED: tessera/$1 with $2 passes"
    failed=1
  elif ! printf '%s\n' "$output" | grep -qF "FAILED: tessera/$1:2: $3"; then
    echo "FAILED: tessera/$1 with $2 is refused, but not with '$3':"
    printf '%s\n' "$output"
    failed=1
  fi
  refused=$((refused + 1))
}

expect core/shape.hpp '#include "tessera/kernels/matmul/matmul.hpp"' 'forbidden arrow: core -> kernels'
expect kernels/gelu.hpp '#include "tessera/autograd/x.hpp"' 'forbidden arrow: kernels -> autograd'
expect autograd/var.hpp ' # include "tessera/ops/x.hpp"' 'forbidden arrow: autograd -> ops'
expect ops/gelu.hpp '#include "tessera/nn/linear.hpp"' 'forbidden arrow: ops -> nn'
expect masking/block.hpp '#include "tessera/nn/linear.hpp"' 'forbidden arrow: masking -> nn'
expect nn/mlp.hpp '#include "tessera/masking/random/x.hpp"' 'forbidden arrow: nn -> masking/random'
expect kernels/simd/vector.hpp '#include "tessera/kernels/gelu.hpp"' \
  'forbidden arrow: kernels/simd -> kernels'
expect models/mae.hpp '#include "tessera/train/ema.hpp"' 'forbidden arrow: models -> train'
expect train/ema.hpp '#include "tessera/models/mae.hpp"' 'forbidden arrow: train -> models'
expect io/image/png.hpp '#include "tessera/train/ema.hpp"' 'forbidden arrow: io/image -> train'
expect io/image/png.hpp '#include "tessera/models/x.hpp"' 'forbidden arrow: io/image -> models'
expect io/torch/pickle.hpp '#include "tessera/io/safetensors/x.hpp"' \
  'forbidden arrow: io/torch -> io/safetensors'
expect io/file/x.hpp '#include "tessera/io/json/x.hpp"' 'forbidden arrow: io/file -> io/json'
expect io/image.hpp '#include "tessera/models/x.hpp"' 'forbidden arrow: io -> models'
expect testing/check.hpp '#include "tessera/io/image/read.hpp"' 'forbidden arrow: testing -> io'
expect tessera.hpp '#include "tessera/io/image/read.hpp"' 'forbidden arrow: tessera.hpp -> io'
expect tessera.hpp '#include "tessera/testing/check.hpp"' 'forbidden arrow: tessera.hpp -> testing'
expect nn/mlp.hpp '#include "tessera/tessera.hpp"' 'nothing includes the umbrella header'
expect nn/mlp.hpp '#include "linear.hpp"' '"linear.hpp" does not begin with tessera/'
expect nn/mlp.hpp '#include <tessera/core/tensor.hpp>' '<tessera/core/tensor.hpp> is written'
expect nn/mlp.hpp '#include <Eigen/Core>' '<Eigen/Core> needs "tessera/core/eigen.hpp" before it'
expect io/json/x.hpp '#include <nlohmann/json.hpp>' 'the library reads JSON itself'
expect nn/mlp.hpp '#include <zlib.h>' 'only io and data may include <zlib.h>'

mkdir -p "$scratch/misplaced/tessera/extra"
echo '#pragma once' >"$scratch/misplaced/tessera/extra/x.hpp"
if sh "$here/check_includes.sh" "$scratch/misplaced" >/dev/null 2>&1; then
  echo "FAILED: an unknown folder passes"
  failed=1
fi

mkdir -p "$scratch/empty/tessera"
if sh "$here/check_includes.sh" "$scratch/empty" >/dev/null 2>&1 </dev/null; then
  echo "FAILED: a tree without headers passes"
  failed=1
fi

[ "$failed" -eq 0 ] && echo "one good tree passed, $((refused + 2)) broken ones refused"
exit "$failed"
