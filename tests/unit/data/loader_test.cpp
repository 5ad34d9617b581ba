#include "tessera/data/loader.hpp"

#include <chrono>
#include <functional>
#include <new>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/data/little_sources.hpp"
#include "support/io/files.hpp"
#include "support/throws.hpp"

namespace tessera::data::test {

using io::test::file_error;
using tessera::test::error_of;

namespace {

/// Random boxes, flips and colors of 8 x 8 pixels: any draw that is not its sample's own shows.
Augmentation busy_augmentation() {
  return {.views = {{.size = {8, 8},
                     .flip = 0.5,
                     .jitter = {.brightness = 0.4, .contrast = 0.4},
                     .jitter_probability = 0.5},
                    {.count = 2, .size = {4, 4}, .crop = {.area_low = 0.1}}}};
}

bool same(const Batch& a, const Batch& b) {
  return a.place == b.place && a.views == b.views && a.labels == b.labels && a.samples == b.samples;
}

std::vector<Batch> batches_of(Loader& loader, Index count, BatchPlace place = {}) {
  std::vector<Batch> batches;
  for (Index i = 0; i < count; ++i, place = loader.after(place)) {
    batches.push_back(loader.at(place));
  }
  return batches;
}

}  // namespace

TEST_CASE("a batch has the same bits for any workers and any reading ahead", "[threads]") {
  const NumberSource source(23);
  const LoaderOptions alone{.batch = 5, .seed = 3, .workers = 0};
  Loader reference(source, busy_augmentation(), alone);
  const std::vector<Batch> expected = batches_of(reference, 11);
  REQUIRE(expected[0].views.size() == 3);
  CHECK(expected[0].images().shape() == Shape<4>{5, 3, 8, 8});
  CHECK(expected[0].views[2].shape() == Shape<4>{5, 3, 4, 4});

  for (const int workers : {1, 2, 4}) {
    for (const Index ahead : {0, 1, 3, 8}) {
      LoaderOptions options = alone;
      options.workers = workers;
      options.ahead = ahead;
      Loader loader(source, busy_augmentation(), options);
      const std::vector<Batch> batches = batches_of(loader, 11);
      Index wrong = 0;
      for (std::size_t i = 0; i < batches.size(); ++i)
        wrong += same(batches[i], expected[i]) ? 0 : 1;
      CAPTURE(workers, ahead);
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("a batch does not depend on what was asked for before", "[threads]") {
  const NumberSource source(23);
  Loader loader(source, busy_augmentation(), {.batch = 5, .seed = 3, .workers = 2, .ahead = 2});
  for (const BatchPlace place :
       {BatchPlace{2, 3}, {0, 0}, {0, 1}, {0, 1}, {7, 2}, {0, 3}, {1, 0}}) {
    Loader fresh(source, busy_augmentation(), {.batch = 5, .seed = 3, .workers = 0});
    CAPTURE(place.epoch, place.batch);
    CHECK(same(loader.at(place), fresh.at(place)));
  }
}

TEST_CASE("an epoch has every sample once, in the order of its seed") {
  const NumberSource source(23);
  Loader whole(source, whole_view(4), {.batch = 5, .seed = 3, .last_batch = LastBatch::keep});
  CHECK(whole.batches() == 5);
  std::vector<Index> seen;
  for (const Batch& batch : batches_of(whole, 5, {.epoch = 4})) {
    CHECK(static_cast<Index>(batch.samples.size()) == batch.images().dim(0));
    seen.insert(seen.end(), batch.samples.begin(), batch.samples.end());
    for (std::size_t i = 0; i < batch.samples.size(); ++i) {
      CHECK(batch.labels[i] == batch.samples[i] % 2);
    }
  }
  const Tensor<Index, 1> order = epoch_order(23, 3, 4);
  CHECK(std::equal(seen.begin(), seen.end(), order.begin(), order.end()));
  CHECK(std::set<Index>(seen.begin(), seen.end()).size() == 23);
  CHECK(whole.after({4, 4}) == BatchPlace{5, 0});

  Loader full(source, whole_view(4), {.batch = 5, .seed = 3});
  CHECK(full.batches() == 4);
  CHECK(full.after({4, 3}) == BatchPlace{5, 0});
  Loader plain(source, whole_view(4), {.batch = 5, .shuffle = false});
  CHECK(plain.at({9, 1}).samples == std::vector<Index>{5, 6, 7, 8, 9});
}

TEST_CASE("ranks have the rows of a batch between them") {
  const NumberSource source(23);
  Loader alone(source, busy_augmentation(), {.batch = 6, .seed = 3, .last_batch = LastBatch::keep});
  for (const Index batch : {Index{0}, Index{3}}) {  // the last one has 5 rows
    const Batch whole = alone.at({1, batch});
    Index row = 0;
    for (Index rank = 0; rank < 3; ++rank) {
      Loader loader(
          source, busy_augmentation(),
          {.batch = 6, .seed = 3, .last_batch = LastBatch::keep, .rank = rank, .ranks = 3});
      const Batch part = loader.at({1, batch});
      for (std::size_t i = 0; i < part.samples.size(); ++i, ++row) {
        CHECK(part.samples[i] == whole.samples[static_cast<std::size_t>(row)]);
        const Index size = 3 * 8 * 8;
        CHECK(std::equal(part.images().data() + static_cast<Index>(i) * size,
                         part.images().data() + static_cast<Index>(i + 1) * size,
                         whole.images().data() + row * size));
      }
    }
    CHECK(row == static_cast<Index>(whole.samples.size()));
  }
}

TEST_CASE("a broken sample is an error that names it whenever its batch is asked for",
          "[threads]") {
  const auto break_some = [](Index index) {
    if (index == 7) throw BrokenImageError("number 7: is broken");
    if (index == 9) throw std::bad_alloc();
  };
  const NumberSource source(20, break_some);
  for (const int workers : {0, 2}) {
    Loader loader(source, whole_view(4), {.batch = 5, .shuffle = false, .workers = workers});
    CHECK(loader.at({0, 0}).samples.size() == 5);
    for (int time = 0; time < 2; ++time) {
      CHECK(file_error([&] { loader.at({0, 1}); }) == "epoch 0, batch 1: number 7: is broken");
    }
    CHECK(loader.at({0, 2}).samples.size() == 5);
  }
  Loader other(source, whole_view(4), {.batch = 4, .shuffle = false, .workers = 0});
  CHECK(file_error([&] { other.at({0, 2}); }) ==
        "epoch 0, batch 2: number 9: there is not enough memory for this picture");
}

TEST_CASE("a broken sample can be replaced, and the batch says so", "[threads]") {
  const NumberSource broken(2000, [](Index index) {
    if (index == 7 || index == 9)
      throw BrokenImageError("number " + std::to_string(index) + ": is broken");
  });
  std::vector<Batch> first;
  for (const int workers : {0, 3}) {
    Loader loader(broken, busy_augmentation(),
                  {.batch = 10,
                   .shuffle = false,
                   .broken_sample = BrokenSample::replace,
                   .workers = workers});
    const Batch batch = loader.at({0, 0});
    REQUIRE(batch.replaced.size() == 2);
    CHECK(batch.replaced[0].row == 7);
    CHECK(batch.replaced[0].name == "number 7");
    CHECK(batch.replaced[0].error == "number 7: is broken");
    CHECK(batch.replaced[0].by == broken.name(batch.samples[7]));
    CHECK(batch.samples[7] != 7);
    CHECK(batch.labels[7] == broken.label(batch.samples[7]));
    CHECK(batch.samples[8] == 8);
    CHECK(loader.at({0, 1}).replaced.empty());
    // In another epoch another sample takes its place.
    CHECK(loader.at({1, 0}).samples[7] != batch.samples[7]);
    first.push_back(batch);
  }
  CHECK(same(first[0], first[1]));
}

TEST_CASE("what cannot be read is never replaced") {
  const NumberSource away(2000, [](Index index) {
    if (index == 7) throw std::runtime_error("number 7: the disk is gone");
    if (index == 12) throw std::bad_alloc();
  });
  Loader loader(
      away, whole_view(4),
      {.batch = 10, .shuffle = false, .broken_sample = BrokenSample::replace, .workers = 0});
  CHECK(file_error([&] { loader.at({0, 0}); }) == "epoch 0, batch 0: number 7: the disk is gone");
  CHECK(file_error([&] { loader.at({0, 1}); }) ==
        "epoch 0, batch 1: number 12: there is not enough memory for this picture");
}

TEST_CASE("more broken samples than the options allow are an error") {
  const NumberSource source(1000, [](Index index) {
    if (index == 3 || index == 14)
      throw BrokenImageError("number " + std::to_string(index) + ": bad");
  });
  Loader loader(
      source, whole_view(4),
      {.batch = 10, .shuffle = false, .broken_sample = BrokenSample::replace, .workers = 0});
  CHECK(loader.at({0, 0}).replaced.size() == 1);  // 1 of 1000 is 0.1 %
  CHECK(loader.at({0, 0}).replaced.size() == 1);  // and still 1
  CHECK(file_error([&] { loader.at({0, 1}); }) ==
        "epoch 0, batch 1: 2 of 1000 samples cannot be decoded, more than most_replaced = 0.001 "
        "allows; the last is number 14: bad");

  const NumberSource all(10, [](Index) { throw BrokenImageError("all: bad"); });
  Loader hopeless(
      all, whole_view(4),
      {.batch = 2, .broken_sample = BrokenSample::replace, .most_replaced = 1, .workers = 0});
  CHECK(file_error([&] { hopeless.at({0, 0}); }) == "epoch 0, batch 0: all: bad");
}

TEST_CASE("a loader that is left while it reads ends its threads", "[threads]") {
  const NumberSource slow(100,
                          [](Index) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); });
  Loader loader(slow, whole_view(4), {.batch = 10, .workers = 3, .ahead = 4});
  CHECK(loader.at({0, 0}).samples.size() == 10);
  Loader moved = std::move(loader);
  CHECK(moved.at({0, 1}).samples.size() == 10);
  CHECK(moved.seconds_waited() > 0);
}

TEST_CASE("options that cannot be kept are refused") {
  const NumberSource source(10);
  const auto error = [&](const LoaderOptions& options) {
    return error_of([&] { Loader(source, whole_view(4), options); });
  };
  CHECK(error({}) == "Loader: batch = 0 is not in [1, 10], the number of samples");
  CHECK(error({.batch = 11}) == "Loader: batch = 11 is not in [1, 10], the number of samples");
  CHECK(error({.batch = 5, .ranks = 2}) == "Loader: batch = 5 cannot be shared by ranks = 2");
  CHECK(error({.batch = 4, .rank = 2, .ranks = 2}) == "Loader: rank = 2 is not in [0, 2)");
  CHECK(error({.batch = 4, .workers = -1}) == "Loader: workers = -1 is not in [0, 1024]");
  CHECK(error({.batch = 4, .ahead = -1}) == "Loader: ahead = -1 is not in [0, 1024]");
  CHECK(error({.batch = 4, .most_replaced = 1.5}) ==
        "Loader: most_replaced = 1.5 is not in [0, 1]");
  Loader loader(source, whole_view(4), {.batch = 5});
  CHECK(error_of([&] { loader.at({0, 2}); }) ==
        "Loader::at: epoch 0, batch 2 is no place; an epoch has 2 batches");
  CHECK(error_of([&] { loader.at({-1, 0}); }) ==
        "Loader::at: epoch -1, batch 0 is no place; an epoch has 2 batches");
}

}  // namespace tessera::data::test
