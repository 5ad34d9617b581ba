#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/inline.hpp"
#include "tessera/data/batch_workers.hpp"
#include "tessera/data/loader.hpp"

namespace tessera::data {

namespace detail {

/// A batch while it is made. Rows are made by any thread, each row by one: tensors and vectors have
/// their final sizes from the start, and a thread writes to its own row of them alone.
struct BatchInWork : RowsInWork {
  explicit BatchInWork(Index count) : RowsInWork(count), replacements(as_size(count)) {}

  static std::size_t as_size(Index count) { return static_cast<std::size_t>(count); }

  Batch batch;
  Index first_position = 0;                              // of row 0, in the order of the epoch
  std::shared_ptr<const Tensor<Index, 1>> order;         // null: the source's own order
  std::vector<std::optional<Replacement>> replacements;  // by row
};

}  // namespace detail

/// Lives behind a pointer, so that its threads see one address when the loader moves.
struct Loader::State {
  State(const ImageSource& from, Augmentation how, const LoaderOptions& what);

  BatchPlace after(const BatchPlace& place) const;
  std::shared_ptr<detail::BatchInWork> begin(const BatchPlace& place);
  void read_ahead();
  void make_row(detail::BatchInWork& work, Index row) const;
  io::Image picture(Index sample) const;
  io::Image picture_or_replacement(detail::BatchInWork& work, Index row, Index position) const;
  void count_replaced(const Batch& batch);

  const ImageSource& source;
  const Augmentation augmentation;
  const LoaderOptions options;
  Index batches = 0;
  double seconds_waited = 0;

  // For the caller's thread alone.
  std::deque<std::shared_ptr<detail::BatchInWork>>
      ahead;                                      // neighbors, in the order of their places
  std::shared_ptr<const Tensor<Index, 1>> order;  // of order_epoch, the last one begun
  Index order_epoch = 0;
  std::set<std::string> replaced_names;

  detail::RowWorkers workers;  // last, so first to go: its threads use all of the above
};

TESSERA_INLINE Loader::State::State(const ImageSource& from, Augmentation how,
                                    const LoaderOptions& what)
    : source(from),
      augmentation(std::move(how)),
      options(what),
      workers(what.workers, [this](detail::RowsInWork& rows, Index row) {
        make_row(static_cast<detail::BatchInWork&>(rows), row);
      }) {
  const Index count = source.size();
  batches = options.last_batch == LastBatch::drop ? count / options.batch
                                                  : (count + options.batch - 1) / options.batch;
}

TESSERA_INLINE BatchPlace Loader::State::after(const BatchPlace& place) const {
  if (place.batch + 1 < batches) return {place.epoch, place.batch + 1};
  return {place.epoch + 1, 0};
}

/// A batch with room for its rows, none of them made.
TESSERA_INLINE std::shared_ptr<detail::BatchInWork> Loader::State::begin(const BatchPlace& place) {
  const Index share = options.batch / options.ranks;
  const Index first_position = place.batch * options.batch + options.rank * share;
  auto work = std::make_shared<detail::BatchInWork>(
      std::clamp<Index>(source.size() - first_position, 0, share));
  if (options.shuffle && (!order || order_epoch != place.epoch)) {
    order = std::make_shared<const Tensor<Index, 1>>(
        epoch_order(source.size(), options.seed, place.epoch));
    order_epoch = place.epoch;
  }
  work->order = order;

  work->first_position = first_position;
  const auto rows = static_cast<std::size_t>(work->rows);

  work->batch.place = place;
  work->batch.labels.resize(rows, no_label);
  work->batch.samples.resize(rows);
  for (const View& view : augmentation.views) {
    for (Index i = 0; i < view.count; ++i) {
      work->batch.views.push_back(
          Tensor<float, 4>::empty({work->rows, 3, view.size.height, view.size.width}));
    }
  }
  return work;
}

/// Begins the batches after those that are begun already, up to the number that is wanted.
TESSERA_INLINE void Loader::State::read_ahead() {
  const Index wanted = options.workers > 0 ? 1 + options.ahead : 1;
  while (static_cast<Index>(ahead.size()) < wanted) {
    ahead.push_back(begin(after(ahead.back()->batch.place)));
    workers.add(ahead.back());
  }
}

/// Runs in any thread. Everything it reads is fixed; it writes to its own row alone.
TESSERA_INLINE void Loader::State::make_row(detail::BatchInWork& work, Index row) const {
  const Index position = work.first_position + row;
  const io::Image image = picture_or_replacement(work, row, position);
  Generator generator =
      generator_of(Stream::sample, options.seed, {work.batch.place.epoch, position});
  std::size_t next_view = 0;
  const auto view_of = [&](const io::Image& of, const View& view, Generator& draws) {
    try {
      return augmented(of, view, draws);
    } catch (const std::bad_alloc&) {
      throw std::runtime_error(source.name(work.batch.samples[static_cast<std::size_t>(row)]) +
                               ": there is not enough memory for a view of this picture");
    }
  };
  for (const View& view : augmentation.views) {
    for (Index i = 0; i < view.count; ++i) {
      const io::Image seen = view_of(image, view, generator);
      io::detail::normalize_into(seen, augmentation.normalization,
                                 work.batch.views[next_view++].data() + row * seen.size());
    }
  }
}

/// The decoded sample. Where memory is too small for it, the error names it.
TESSERA_INLINE io::Image Loader::State::picture(Index sample) const {
  try {
    return source.image(sample);
  } catch (const std::bad_alloc&) {
    throw std::runtime_error(source.name(sample) + ": there is not enough memory for this picture");
  }
}

TESSERA_INLINE io::Image Loader::State::picture_or_replacement(detail::BatchInWork& work, Index row,
                                                               Index position) const {
  const auto at = static_cast<std::size_t>(row);
  const auto use = [&](Index sample) {
    io::Image image = picture(sample);
    work.batch.samples[at] = sample;
    work.batch.labels[at] = source.label(sample);
    return image;
  };
  const Index own = work.order ? (*work.order)(position) : position;
  if (options.broken_sample == BrokenSample::fail) return use(own);

  std::string error;
  try {
    return use(own);
  } catch (const BrokenImageError& broken) {
    error = broken.what();
  }
  // The stand-in depends on the place alone, like the sample it stands for. More than this many
  // broken ones in a row mean that nearly all are: the share of replaced samples forbids it anyway.
  constexpr Index most_attempts = 32;
  for (Index attempt = 1; attempt <= most_attempts; ++attempt) {
    Generator generator =
        generator_of(Stream::stand_in, options.seed, {work.batch.place.epoch, position, attempt});
    const Index other = generator.randint(0, source.size());
    try {
      io::Image image = use(other);
      work.replacements[at] = {row, source.name(own), error, source.name(other)};
      return image;
    } catch (const BrokenImageError&) {
      continue;  // broken as well
    }
  }
  throw BrokenImageError(error);
}

/// Throws std::runtime_error once more samples of the source were replaced than the options allow.
TESSERA_INLINE void Loader::State::count_replaced(const Batch& batch) {
  for (const Replacement& one : batch.replaced) replaced_names.insert(one.name);
  const auto replaced = static_cast<double>(replaced_names.size());
  const double most = options.most_replaced * static_cast<double>(source.size());
  if (batch.replaced.empty() || replaced <= most) return;
  throw std::runtime_error(
      concat(replaced_names.size(), " of ", source.size(),
             " samples cannot be decoded, more than most_replaced = ", options.most_replaced,
             " allows; the last is ", batch.replaced.back().error));
}

TESSERA_INLINE Loader::Loader(const ImageSource& source, Augmentation augmentation,
                              const LoaderOptions& options) {
  constexpr std::string_view op = "Loader";
  constexpr Index most_ahead = 1024;
  constexpr int most_workers = 1024;
  check_augmentation(op, augmentation);
  if (options.batch < 1 || options.batch > source.size()) {
    refuse(op, "batch = ", options.batch, " is not in [1, ", source.size(),
           "], the number of samples");
  }
  if (options.ranks < 1 || options.batch % options.ranks != 0) {
    refuse(op, "batch = ", options.batch, " cannot be shared by ranks = ", options.ranks);
  }
  if (options.rank < 0 || options.rank >= options.ranks) {
    refuse(op, "rank = ", options.rank, " is not in [0, ", options.ranks, ")");
  }
  if (options.workers < 0 || options.workers > most_workers) {
    refuse(op, "workers = ", options.workers, " is not in [0, ", most_workers, "]");
  }
  if (options.ahead < 0 || options.ahead > most_ahead) {
    refuse(op, "ahead = ", options.ahead, " is not in [0, ", most_ahead, "]");
  }
  if (!(options.most_replaced >= 0 && options.most_replaced <= 1)) {
    refuse(op, "most_replaced = ", options.most_replaced, " is not in [0, 1]");
  }
  state_ = std::make_unique<State>(source, std::move(augmentation), options);
}

TESSERA_INLINE Loader::Loader(Loader&&) noexcept = default;
TESSERA_INLINE Loader& Loader::operator=(Loader&&) noexcept = default;
TESSERA_INLINE Loader::~Loader() = default;

TESSERA_INLINE Index Loader::batches() const { return state_->batches; }

TESSERA_INLINE BatchPlace Loader::after(const BatchPlace& place) const {
  return state_->after(place);
}

TESSERA_INLINE double Loader::seconds_waited() const { return state_->seconds_waited; }

TESSERA_INLINE Batch Loader::at(const BatchPlace& place) {
  State& state = *state_;
  if (place.epoch < 0 || place.batch < 0 || place.batch >= state.batches) {
    refuse("Loader::at", "epoch ", place.epoch, ", batch ", place.batch,
           " is no place; an epoch has ", state.batches, " batches");
  }
  const auto started = std::chrono::steady_clock::now();
  if (state.ahead.empty() || state.ahead.front()->batch.place != place) {
    // Another place than the next one, after a resume for instance.
    state.workers.forget_all();
    state.ahead.clear();
    state.ahead.push_back(state.begin(place));
    state.workers.add(state.ahead.back());
  }
  state.read_ahead();
  const std::shared_ptr<detail::BatchInWork> work = state.ahead.front();
  state.workers.finish(*work);
  state.ahead.pop_front();
  const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - started;
  state.seconds_waited += waited.count();

  try {
    for (const std::exception_ptr& error : work->errors) {
      if (error) std::rethrow_exception(error);
    }
    for (std::optional<Replacement>& one : work->replacements) {
      if (one) work->batch.replaced.push_back(std::move(*one));
    }
    state.count_replaced(work->batch);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(
        concat("epoch ", place.epoch, ", batch ", place.batch, ": ", error.what()));
  }
  return std::move(work->batch);
}

}  // namespace tessera::data
