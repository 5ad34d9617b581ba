#pragma once

#include <algorithm>
#include <array>
#include <chrono>

namespace example {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Median of five calls, after one to warm up.
template <class Work>
double median_milliseconds(const Work& work) {
  std::array<double, 5> times{};
  (void)work();
  for (double& time : times) {
    const Stopwatch watch;
    (void)work();
    time = 1000 * watch.seconds();
  }
  std::sort(times.begin(), times.end());
  return times[2];
}

}  // namespace example
