#pragma once

#include <pthread.h>
#include <signal.h>

#include <cerrno>
#include <ctime>
#include <initializer_list>
#include <string>
#include <system_error>

#include "tessera/core/error.hpp"

namespace tessera::run {

/// The exit code of a program that was asked to stop, saved its run and can be started again to go
/// on: EX_TEMPFAIL of sysexits.h, "try again later". Schedulers can be told to requeue on it.
inline constexpr int stopped_exit_code = 75;

/// Turns signals that would end the process into a question that a loop asks between two steps:
///
///     const run::StopRequest stop;
///     while (...) {
///       train_one_step();
///       if (stop.asked()) { save(); return run::stopped_exit_code; }
///     }
///
/// The signals are blocked while the object lives, and taken from the kernel when asked(): there is
/// no handler and no global. Threads inherit what is blocked, so make it before all others. A
/// signal that nobody took is delivered when the object goes: what was asked for is not forgotten.
class StopRequest {
 public:
  /// Throws std::invalid_argument for a number that is no signal, and std::system_error if it
  /// cannot be blocked.
  explicit StopRequest(std::initializer_list<int> signals = {SIGTERM, SIGINT}) {
    sigemptyset(&signals_);
    for (const int signal : signals) {
      if (sigaddset(&signals_, signal) != 0) refuse("StopRequest", signal, " is no signal");
    }
    const int error = pthread_sigmask(SIG_BLOCK, &signals_, &former_);
    if (error != 0) throw std::system_error(error, std::generic_category(), "StopRequest");
  }
  ~StopRequest() {
    // Who was asked twice has answered already: the second signal must not end the process.
    const timespec no_wait{};
    while (signal_ != 0 && sigtimedwait(&signals_, nullptr, &no_wait) > 0) continue;
    pthread_sigmask(SIG_SETMASK, &former_, nullptr);
  }
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  /// True once one of the signals has come, and ever after.
  bool asked() const {
    if (signal_ == 0) {
      const timespec no_wait{};
      const int taken = sigtimedwait(&signals_, nullptr, &no_wait);
      if (taken > 0) signal_ = taken;
    }
    return signal_ != 0;
  }

  /// The signal that came, 0 before.
  int signal() const { return signal_; }

 private:
  sigset_t signals_{};
  sigset_t former_{};
  mutable int signal_ = 0;
};

}  // namespace tessera::run
