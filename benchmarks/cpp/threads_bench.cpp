// Times that the waiting of threads is tuned by (core/threads/thread_team.hpp).

#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tessera/core/threads/parallel.hpp"

namespace {

using Clock = std::chrono::steady_clock;

void pause(benchmark::State& state) {
  for (auto _ : state) tessera::detail::pause_briefly();
}
BENCHMARK(pause);

void look_at_the_clock(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Clock::now());
}
BENCHMARK(look_at_the_clock);

/// From notify_all until a thread that slept runs.
void wake_a_sleeper(benchmark::State& state) {
  std::atomic<int> round{0};
  std::atomic<Clock::rep> awake_since{0};
  std::thread sleeper([&] {
    for (int seen = 0; seen >= 0; seen = round.load()) {
      round.wait(seen);
      awake_since.store(Clock::now().time_since_epoch().count());
    }
  });
  int next = 0;
  for (auto _ : state) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    awake_since.store(0);
    const Clock::time_point called = Clock::now();
    round.store(++next);
    round.notify_all();
    while (awake_since.load() == 0) tessera::detail::pause_briefly();
    const Clock::duration awake{awake_since.load()};
    state.SetIterationTime(
        std::chrono::duration<double>(awake - called.time_since_epoch()).count());
  }
  round.store(-1);
  round.notify_all();
  sleeper.join();
}
BENCHMARK(wake_a_sleeper)->UseManualTime()->Iterations(300)->Repetitions(5);

/// A loop of four cells that do nothing.
void short_loop(benchmark::State& state) {
  const tessera::ExecutionScope scope({.threads = state.range(0)});
  for (auto _ : state) {
    tessera::parallel_for(4, [](tessera::Index cell) { benchmark::DoNotOptimize(cell); });
  }
}
BENCHMARK(short_loop)->Arg(1)->Arg(2);

}  // namespace
