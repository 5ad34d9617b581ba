#include "tessera/run/stop_request.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "support/catch.hpp"
#include "support/throws.hpp"

namespace tessera::run::test {

TEST_CASE("a signal becomes an answer, once and for ever") {
  const StopRequest stop({SIGTERM, SIGUSR1});
  CHECK_FALSE(stop.asked());
  CHECK(stop.signal() == 0);
  CHECK(::kill(::getpid(), SIGUSR1) == 0);
  CHECK(stop.asked());
  CHECK(stop.asked());
  CHECK(stop.signal() == SIGUSR1);
}

TEST_CASE("threads that are made later leave the signal to whoever asks", "[threads]") {
  const StopRequest stop;
  std::thread([] { ::kill(::getpid(), SIGTERM); }).join();
  CHECK(stop.asked());
}

TEST_CASE("a signal that nobody took ends the process when the object goes") {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGTERM, SIG_DFL);  // the test program has a handler
    {
      const StopRequest stop;
      ::kill(::getpid(), SIGTERM);
    }
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGTERM);
}

TEST_CASE("a second signal after the answer does not end the process") {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGTERM, SIG_DFL);
    ::signal(SIGINT, SIG_DFL);
    {
      const StopRequest stop;
      ::kill(::getpid(), SIGTERM);
      if (!stop.asked()) ::_exit(1);
      ::kill(::getpid(), SIGTERM);
      ::kill(::getpid(), SIGINT);
    }
    ::_exit(stopped_exit_code);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 75);
}

TEST_CASE("numbers that are no signals are refused") {
  CHECK(tessera::test::error_of([] { StopRequest({-1}); }) == "StopRequest: -1 is no signal");
}

}  // namespace tessera::run::test
