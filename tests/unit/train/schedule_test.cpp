#include "tessera/train/schedule.hpp"

#include "support/catch.hpp"
#include "support/near.hpp"
#include "support/throws.hpp"

namespace tessera::test {
namespace {

TEST_CASE("WarmupCosine: a line up, half a cosine down, then level") {
  const WarmupCosine schedule{.start = 1, .peak = 5, .final = 2, .warmup = 10, .total = 30};
  CHECK(schedule(0) == 1);
  CHECK(schedule(2.5) == 2);
  CHECK(schedule(10) == 5);
  CHECK(schedule(15) == near_relative(2 + 1.5 * (1 + std::sqrt(0.5)), 1e-15));
  CHECK(schedule(20) == near_relative(3.5, 1e-15));
  CHECK(schedule(30) == 2);
  CHECK(schedule(1000) == 2);
}

TEST_CASE("WarmupCosine: MAE's rate starts at exactly zero") {
  const WarmupCosine schedule{.peak = 1e-3, .warmup = 40, .total = 800};
  CHECK(schedule(0) == 0);
  CHECK(schedule(800) == 0);
}

TEST_CASE("WarmupCosine: without warm-up it may also rise, as I-JEPA's weight decay does") {
  const WarmupCosine schedule{.peak = 0.04, .final = 0.4, .total = 8};
  CHECK(schedule(0) == near_relative(0.04, 1e-14));
  CHECK(schedule(4) == near_relative(0.22, 1e-15));
  CHECK(schedule(8) == 0.4);
}

TEST_CASE("WarmupCosine: refuses what is no schedule") {
  const auto message = [](const WarmupCosine& schedule, double position) {
    return error_of([&] { schedule(position); });
  };
  CHECK(message({.warmup = 5, .total = 5}, 1) ==
        "WarmupCosine: warmup = 5 and total = 5 must satisfy 0 <= warmup < total");
  CHECK(message({.warmup = -1, .total = 5}, 1) ==
        "WarmupCosine: warmup = -1 and total = 5 must satisfy 0 <= warmup < total");
  CHECK(message({.warmup = std::nan(""), .total = 5}, 1) ==
        "WarmupCosine: warmup = nan and total = 5 must satisfy 0 <= warmup < total");
  CHECK(message({.total = std::numeric_limits<double>::infinity()}, 1) ==
        "WarmupCosine: warmup = 0 and total = inf must satisfy 0 <= warmup < total");
  CHECK(message({.total = 5}, -1) == "WarmupCosine: position = -1 is negative");
  CHECK(message({.peak = std::nan(""), .total = 5}, 1) ==
        "WarmupCosine: start = 0, peak = nan and final = 0 must be finite");
}

TEST_CASE("LinearSchedule: from start to final, then level") {
  const LinearSchedule schedule{.start = 0.9, .final = 1, .total = 4};
  CHECK(schedule(0) == 0.9);
  CHECK(schedule(1) == near_relative(0.925, 1e-15));
  CHECK(schedule(4) == 1);
  CHECK(schedule(9) == 1);
}

TEST_CASE("LinearSchedule: refuses what is no schedule") {
  CHECK(error_of([] { LinearSchedule{.total = 0}(1); }) ==
        "LinearSchedule: total = 0 must be positive");
  CHECK(error_of([] { LinearSchedule{.total = std::nan("")}(1); }) ==
        "LinearSchedule: total = nan must be positive");
  CHECK(error_of([] { LinearSchedule{.total = 2}(-1); }) ==
        "LinearSchedule: position = -1 is negative");
  CHECK(error_of([] { LinearSchedule{.start = std::nan("")}(1); }) ==
        "LinearSchedule: start = nan and final = 0 must be finite");
}

}  // namespace
}  // namespace tessera::test
