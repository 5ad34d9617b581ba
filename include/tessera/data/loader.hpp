#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tessera/core/tensor.hpp"
#include "tessera/data/augment/augmentation.hpp"
#include "tessera/data/image_source.hpp"
#include "tessera/data/sample_order.hpp"

namespace tessera::data {

/// The treatment of a sample that cannot be decoded. What cannot be read, because a disk or memory
/// fails, is an error in any case.
enum class BrokenSample {
  fail,    ///< Loader::at throws an error that names it
  replace  ///< another sample takes its place, and the batch says so
};

/// The treatment of samples that do not fill a batch at the end of an epoch.
enum class LastBatch {
  drop,  ///< passed over, for training; they come up in other epochs, whose order is another
  keep   ///< a smaller batch, for evaluation: every sample once
};

struct LoaderOptions {
  Index batch = 0;  ///< samples in a batch, over all ranks
  std::uint64_t seed = 0;
  bool shuffle = true;  ///< epoch_order; the source's own order otherwise
  LastBatch last_batch = LastBatch::drop;
  BrokenSample broken_sample = BrokenSample::fail;
  /// The largest share of a source's samples that may be replaced, since the loader was made,
  /// before that is an error.
  double most_replaced = 0.001;

  /// This rank's rows of each batch: the `rank`th of `ranks` equal, contiguous parts.
  Index rank = 0;
  Index ranks = 1;

  int workers = 1;  ///< threads that read ahead; 0 reads in the calling thread when asked
  Index ahead = 2;  ///< batches that are read before they are asked for
};

/// A sample that stands in for one that cannot be decoded.
struct Replacement {
  Index row = 0;      ///< of the batch
  std::string name;   ///< of the broken sample
  std::string error;  ///< why it cannot be decoded
  std::string by;     ///< name of the sample that was taken for it
};

/// This rank's rows of a batch, B of them.
struct Batch {
  BatchPlace place;
  /// One tensor [B, 3, height, width] for each view of the augmentation, normalized.
  std::vector<Tensor<float, 4>> views;
  std::vector<Index> labels;   ///< no_label for samples without one
  std::vector<Index> samples;  ///< their numbers in the source
  std::vector<Replacement> replaced;

  /// The first view, the only one unless an augmentation has several.
  const Tensor<float, 4>& images() const { return views.front(); }
};

/// Batches of augmented pictures by their place in a run. A batch is a function of source,
/// augmentation, seed and place: it has the same bits for any number of workers, whatever is read
/// ahead, and whatever was asked for before. So a run that was interrupted goes on by asking for
/// the batch at its saved place:
///
///     data::FolderSource photos("photos/train");
///     data::Loader loader(photos, data::mae_augmentation(224), {.batch = 256, .seed = 0});
///     for (data::BatchPlace place = saved; place.epoch < 800; place = loader.after(place)) {
///       const data::Batch batch = loader.at(place);
///       ...
///     }
///
/// The source must outlive the loader. A loader belongs to one thread at a time.
class Loader {
 public:
  /// Throws std::invalid_argument if the batch is not positive, larger than the source or not a
  /// multiple of `ranks`, rank is not in [0, ranks), or another option is out of range.
  Loader(const ImageSource& source, Augmentation augmentation, const LoaderOptions& options);
  Loader(const ImageSource&& source, Augmentation,
         const LoaderOptions&) = delete;  // it would dangle
  Loader(Loader&&) noexcept;
  Loader& operator=(Loader&&) noexcept;
  ~Loader();

  /// In an epoch.
  Index batches() const;

  /// The place of the next batch.
  BatchPlace after(const BatchPlace& place) const;

  /// The batch at any place. Reads the next ones ahead; an error among those shows when their turn
  /// comes. Throws std::invalid_argument if there is no such place, and std::runtime_error
  /// "epoch e, batch b: file: reason" if a sample is broken and the options say fail, or if more
  /// than their share of the source has been replaced.
  Batch at(const BatchPlace& place);

  /// Seconds that at() has spent waiting for pictures so far: time in which nothing was learned.
  double seconds_waited() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tessera::data

#ifndef TESSERA_COMPILED_LIB
#include "tessera/data/loader_impl.hpp"
#endif
