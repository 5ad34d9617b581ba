// x [M, K] * W [N, K]^T, the product of every linear layer, at the shapes of MAE ViT-B/16 and
// I-JEPA ViT-H/14, beside Eigen called directly on one thread.
#include <benchmark/benchmark.h>

#include <Eigen/Core>

#include "tessera/core/execution.hpp"
#include "tessera/core/tensor.hpp"
#include "tessera/kernels/matmul.hpp"

namespace {

using tessera::Index;

tessera::Tensor<float, 2> waves(Index rows, Index cols) {
  tessera::Tensor<float, 2> tensor({rows, cols});
  for (Index i = 0; i < tensor.size(); ++i) {
    tensor.data()[i] = static_cast<float>(i % 17 - 8) / 8.0F;
  }
  return tensor;
}

void count_flops(benchmark::State& state, Index m, Index n, Index k) {
  state.counters["FLOP/s"] = benchmark::Counter(2.0 * static_cast<double>(m * n * k),
                                                benchmark::Counter::kIsIterationInvariantRate,
                                                benchmark::Counter::kIs1000);
}

void matmul_nt(benchmark::State& state) {
  const Index m = state.range(0);
  const Index n = state.range(1);
  const Index k = state.range(2);
  const tessera::ExecutionScope scope({.threads = state.range(3)});
  const tessera::Tensor<float, 2> x = waves(m, k);
  const tessera::Tensor<float, 2> weight = waves(n, k);
  tessera::Tensor<float, 2> out({m, n});
  for (auto _ : state) {
    tessera::kernels::matmul_nt<float>(tessera::kernels::view(x), tessera::kernels::view(weight),
                                       tessera::kernels::view(out));
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  count_flops(state, m, n, k);
}

void eigen_nt(benchmark::State& state) {
  const Index m = state.range(0);
  const Index n = state.range(1);
  const Index k = state.range(2);
  const tessera::Tensor<float, 2> x = waves(m, k);
  const tessera::Tensor<float, 2> weight = waves(n, k);
  tessera::Tensor<float, 2> out({m, n});
  for (auto _ : state) {
    out.matrix().noalias() = x.matrix() * weight.matrix().transpose();
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  count_flops(state, m, n, k);
}

template <bool WithThreads>
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
    if constexpr (WithThreads) {
      bench->Args({m, n, k, 1});
      bench->Args({m, n, k, 2});
    } else {
      bench->Args({m, n, k});
    }
  }
  if constexpr (WithThreads) {
    bench->ArgNames({"M", "N", "K", "threads"});
  } else {
    bench->ArgNames({"M", "N", "K"});
  }
  bench->UseRealTime()->Unit(benchmark::kMicrosecond);
}

BENCHMARK(matmul_nt)->Apply(shapes<true>);
BENCHMARK(eigen_nt)->Apply(shapes<false>);

}  // namespace
