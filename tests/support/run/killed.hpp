#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <functional>
#include <random>
#include <stdexcept>

namespace tessera::run::test {

/// Told by a child process that it made one step more.
using Tick = std::function<void()>;

/// Runs `work` in a child process and kills it at a random moment after its `ticks`th tick. Returns
/// false if it was done before that. Throws if the child ended by an error. No clock decides: a
/// slow machine does the same steps.
inline bool killed_after(unsigned long ticks, std::mt19937& random,
                         const std::function<void(const Tick&)>& work) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    try {
      work([&] { (void)!::write(ends[1], "", 1); });
    } catch (...) {
      ::_exit(3);
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  char byte = 0;
  for (unsigned long i = 0; i < ticks && ::read(ends[0], &byte, 1) == 1; ++i) continue;
  ::usleep(static_cast<unsigned>(random() % 20'000));
  ::kill(child, SIGKILL);
  ::close(ends[0]);
  int status = 0;
  if (::waitpid(child, &status, 0) != child) throw std::runtime_error("waitpid");
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) throw std::runtime_error("the child failed");
  return WIFSIGNALED(status);
}

}  // namespace tessera::run::test
