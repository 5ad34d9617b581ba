// Products at the shapes of MAE ViT-B/16 and I-JEPA ViT-H/14: x [M, K] * W [N, K]^T of every linear
// layer, its two gradients, and the same with packed weights and in bfloat16, beside Eigen called
// directly on one thread. "of_peak" is the share of the FMA peak, measured beside each of them.
#include <benchmark/benchmark.h>

#include <Eigen/Core>

#include "support/peak.hpp"
#include "tessera/core/tensor.hpp"
#include "tessera/kernels/matmul/packed_matrix.hpp"

namespace {

using tessera::ExecutionScope;
using tessera::Index;
using tessera::MatmulPrecision;
using tessera::Tensor;
namespace kernels = tessera::kernels;

Tensor<float, 2> waves(Index rows, Index cols) {
  Tensor<float, 2> tensor({rows, cols});
  for (Index i = 0; i < tensor.size(); ++i) {
    tensor.data()[i] = static_cast<float>(i % 17 - 8) / 8.0F;
  }
  return tensor;
}

/// The three matrices of a linear layer, x [M, K], weight [N, K], y [M, N].
struct Layer {
  explicit Layer(const benchmark::State& state)
      : x(waves(state.range(0), state.range(2))),
        weight(waves(state.range(1), state.range(2))),
        y(waves(state.range(0), state.range(1))),
        threads(state.range(3)) {}

  Tensor<float, 2> x;
  Tensor<float, 2> weight;
  Tensor<float, 2> y;
  Index threads;
};

/// Times `product` and reports its speed, alone and as a share of all threads' peak.
template <class Product>
void time(benchmark::State& state, Index threads, const Product& product) {
  for (auto _ : state) {
    product();
    benchmark::ClobberMemory();
  }
  const double peak =
      tessera::benchmarks::measured_peak(kernels::gemm_input());  // at this moment's clock
  const double flops = 2.0 * static_cast<double>(state.range(0) * state.range(1) * state.range(2));
  using benchmark::Counter;
  state.counters["FLOP/s"] = Counter(flops, Counter::kIsIterationInvariantRate, Counter::kIs1000);
  state.counters["of_peak"] =
      Counter(flops / (peak * static_cast<double>(threads)), Counter::kIsIterationInvariantRate);
}

void matmul_nt(benchmark::State& state) {
  Layer layer(state);
  const ExecutionScope scope({.threads = layer.threads});
  time(state, layer.threads, [&] {
    kernels::matmul_nt<float>(kernels::view(std::as_const(layer.x)),
                              kernels::view(std::as_const(layer.weight)), kernels::view(layer.y));
  });
}

void matmul_nn(benchmark::State& state) {
  Layer layer(state);
  const ExecutionScope scope({.threads = layer.threads});
  time(state, layer.threads, [&] {
    kernels::matmul_nn<float>(kernels::view(std::as_const(layer.y)),
                              kernels::view(std::as_const(layer.weight)), kernels::view(layer.x));
  });
}

void matmul_tn(benchmark::State& state) {
  Layer layer(state);
  const ExecutionScope scope({.threads = layer.threads});
  time(state, layer.threads, [&] {
    kernels::matmul_tn<float>(kernels::view(std::as_const(layer.y)),
                              kernels::view(std::as_const(layer.x)), kernels::view(layer.weight));
  });
}

void packed(benchmark::State& state, MatmulPrecision precision) {
  Layer layer(state);
  const ExecutionScope scope({.threads = layer.threads, .matmul_precision = precision});
  const kernels::PackedMatrix<float> weight(kernels::view(std::as_const(layer.weight)));
  time(state, layer.threads, [&] {
    kernels::matmul_nt<float>(kernels::view(std::as_const(layer.x)), weight,
                              kernels::view(layer.y));
  });
}

void matmul_packed(benchmark::State& state) { packed(state, MatmulPrecision::highest); }
void matmul_packed_high(benchmark::State& state) { packed(state, MatmulPrecision::high); }
void matmul_packed_medium(benchmark::State& state) { packed(state, MatmulPrecision::medium); }

void eigen_nt(benchmark::State& state) {
  Layer layer(state);
  time(state, 1,
       [&] { layer.y.matrix().noalias() = layer.x.matrix() * layer.weight.matrix().transpose(); });
}

template <int MaxThreads>
void shapes(benchmark::internal::Benchmark* bench) {
  const Index sizes[][3] = {
      {50, 2304, 768},   // encoder qkv, one image, a quarter of its patches kept
      {50, 3072, 768},   // encoder MLP, first half
      {50, 768, 3072},   // encoder MLP, second half
      {400, 2304, 768},  // encoder qkv, eight images
      {197, 2048, 512},  // decoder MLP
      {256, 5120, 1280}  // I-JEPA target encoder MLP
  };
  for (const auto& [m, n, k] : sizes) {
    for (int threads = 1; threads <= MaxThreads; ++threads) bench->Args({m, n, k, threads});
  }
  bench->ArgNames({"M", "N", "K", "threads"})->UseRealTime()->Unit(benchmark::kMicrosecond);
}

BENCHMARK(matmul_packed)->Apply(shapes<2>);
BENCHMARK(matmul_packed_high)->Apply(shapes<2>);
BENCHMARK(matmul_packed_medium)->Apply(shapes<2>);
BENCHMARK(matmul_nt)->Apply(shapes<2>);
BENCHMARK(matmul_nn)->Apply(shapes<1>);
BENCHMARK(matmul_tn)->Apply(shapes<1>);
BENCHMARK(eigen_nt)->Apply(shapes<1>);

}  // namespace
