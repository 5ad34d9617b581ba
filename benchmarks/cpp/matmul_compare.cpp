// Products of this library for compare_matmul.py, which loads them beside those of PyTorch.
#include "support/peak.hpp"
#include "tessera/kernels/matmul/packed_matrix.hpp"

using tessera::ExecutionScope;
using tessera::Index;
using tessera::MatmulPrecision;
using tessera::kernels::PackedMatrix;
using ConstView = tessera::kernels::MatrixView<const float>;
using View = tessera::kernels::MatrixView<float>;

namespace {

/// 0, 1, 2: highest, high, medium.
ExecutionScope scope_of(Index threads, int precision) {
  return ExecutionScope(
      {.threads = threads, .matmul_precision = static_cast<MatmulPrecision>(precision)});
}

}  // namespace

extern "C" {

/// y [m, n] = x [m, k] * w [n, k]^T.
void tessera_nt(Index m, Index n, Index k, const float* x, const float* w, float* y, int precision,
                Index threads) {
  const ExecutionScope scope = scope_of(threads, precision);
  tessera::kernels::matmul_nt<float>(ConstView(x, m, k), ConstView(w, n, k), View(y, m, n));
}

/// dx [m, k] = dy [m, n] * w [n, k].
void tessera_nn(Index m, Index n, Index k, const float* dy, const float* w, float* dx,
                int precision, Index threads) {
  const ExecutionScope scope = scope_of(threads, precision);
  tessera::kernels::matmul_nn<float>(ConstView(dy, m, n), ConstView(w, n, k), View(dx, m, k));
}

/// dw [n, k] = dy [m, n]^T * x [m, k].
void tessera_tn(Index m, Index n, Index k, const float* dy, const float* x, float* dw,
                int precision, Index threads) {
  const ExecutionScope scope = scope_of(threads, precision);
  tessera::kernels::matmul_tn<float>(ConstView(dy, m, n), ConstView(x, m, k), View(dw, n, k));
}

void* tessera_pack(Index n, Index k, const float* w, int precision) {
  const ExecutionScope scope = scope_of(1, precision);
  return new PackedMatrix<float>(ConstView(w, n, k));
}

void tessera_unpack(void* packed) { delete static_cast<PackedMatrix<float>*>(packed); }

/// y [m, n] = x [m, k] * packed w [n, k]^T.
void tessera_packed(Index m, const float* x, const void* packed, float* y, int precision,
                    Index threads) {
  const auto& w = *static_cast<const PackedMatrix<float>*>(packed);
  const ExecutionScope scope = scope_of(threads, precision);
  tessera::kernels::matmul_nt<float>(ConstView(x, m, w.cols()), w, View(y, m, w.rows()));
}

/// Of float32 multiply-adds, FLOP/s.
double tessera_peak() { return tessera::benchmarks::measured_peak(); }

/// Whether medium precision runs on hardware of its own here.
int tessera_has_bfloat16() { return tessera::current_isa() >= tessera::Isa::avx512_bf16 ? 1 : 0; }

}  // extern "C"
