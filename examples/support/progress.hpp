#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "support/timing.hpp"
#include "tessera/core/shape.hpp"

namespace example {

/// The progress of a training: a bar on a terminal, a line now and then elsewhere. It ends after
/// `steps`, or before that, when its seconds are over.
class Progress {
 public:
  Progress(tessera::Index steps, double seconds) : total_(steps), seconds_(seconds) {}

  /// Call before each step; draws the full bar at the end.
  bool running() {
    if (fraction() < 1) return true;
    print(1);
    return false;
  }

  /// From 0 to 1.
  double fraction() const {
    const double of_steps = static_cast<double>(steps_) / static_cast<double>(total_);
    return std::min(1.0, std::max(of_steps, watch_.seconds() / seconds_));
  }

  tessera::Index steps() const { return steps_; }

  /// Call after each step; draws the bar now and then.
  void step(double loss, tessera::Index images) {
    ++steps_;
    images_ += images;
    loss_ = steps_ == 1 ? loss : 0.95 * loss_ + 0.05 * loss;
    const double done = fraction();
    if (done == 1 || (terminal_ ? watch_.seconds() < next_time_ : done < next_line_)) return;
    next_time_ = watch_.seconds() + 0.1;
    next_line_ = done + 0.1;
    print(done);
  }

 private:
  void print(double done) const {
    constexpr double width = 24;
    const auto filled = static_cast<std::size_t>(done * width);
    const std::string bar =
        std::string(filled, '#') + std::string(static_cast<std::size_t>(width) - filled, '.');
    const double time = watch_.seconds();
    std::printf("%s[%s] loss %.4f  %4.0f images/s  %3.0f s left%s", terminal_ ? "\r" : "",
                bar.c_str(), loss_, static_cast<double>(images_) / time, time / done - time,
                terminal_ && done < 1 ? " " : "\n");
    std::fflush(stdout);
  }

  Stopwatch watch_;
  tessera::Index total_;
  double seconds_;
  double next_time_ = 0;
  double next_line_ = 0;
  tessera::Index steps_ = 0;
  tessera::Index images_ = 0;
  double loss_ = 0;  ///< smoothed over about 20 steps
  bool terminal_ = isatty(STDOUT_FILENO) != 0;
};

}  // namespace example
