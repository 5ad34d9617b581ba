#include <cstdio>

#include "tessera/tessera.hpp"

// other.cpp
tessera::Tensor<float, 2> tensor_of_the_other_unit();
tessera::Index threads_seen_by_the_other_unit();

int main() {
  const float sum = tensor_of_the_other_unit().matrix().sum();
  const tessera::ExecutionScope scope({.threads = 2});
  const tessera::Index threads = threads_seen_by_the_other_unit();
  std::printf("sum %g, threads %td\n", static_cast<double>(sum), threads);
  return sum == 10.0F && threads == 2 ? 0 : 1;
}
