#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/kernels/bicubic.hpp"

namespace tessera::io {

/// An I-JEPA has two encoders of the same names: the trained one and its moving average.
enum class EncoderChoice { context, target };

/// Loading is strict; each of these relaxes one thing.
struct LoadOptions {
  /// Only the encoder is loaded; a decoder, in the file or in the model, is left alone.
  bool encoder_only = false;
  /// Which encoder of an I-JEPA file to take. Implies encoder_only.
  std::optional<EncoderChoice> encoder = std::nullopt;
  /// Only the decoder or predictor is loaded, without the layers before and behind it.
  bool decoder_only = false;
  bool allow_missing = false;     ///< what is not in the file stays as it is
  bool allow_unexpected = false;  ///< tensors with no place in the model are reported and left out
  /// Positions of another grid are resampled with this kernel.
  std::optional<kernels::Bicubic> resize_position_embedding = std::nullopt;
  /// A patch embedding for another number of channels is adapted as timm does: see adapt_channels.
  bool adapt_input_channels = false;
  bool reject_non_finite = false;  ///< refuse NaN and infinity
  /// Parameters of 16 KiB and more that the file holds as the model does stay in it and are read
  /// when they are first needed; others, and where the system refuses, are copied as ever:
  /// LoadReport::mapped tells. The file must not change as long as the model lives; changes to the
  /// model do not reach it. Their memory need not be 64-byte aligned.
  bool mmap = false;
};

/// An account of a load: what was done, or would have to be. Names are the model's parameters, but
/// for `unexpected`, `heads`, `partners` and `skipped`, which are tensors of the file.
struct LoadReport {
  std::string file;
  std::string naming;
  std::vector<std::string> loaded;       ///< includes converted and resized
  std::vector<std::string> converted;    ///< stored in another type of number
  std::vector<std::string> mapped;       ///< of those loaded, what stays in the file
  std::vector<std::string> resized;      ///< positions and patch embeddings made to fit
  std::vector<std::string> kept;         ///< left alone: mask tokens most files lack, or a decoder
  std::vector<std::string> missing;      ///< needed, and not in the file
  std::vector<std::string> unexpected;   ///< in the file, and with no place in the model
  std::vector<std::string> wrong_shape;  ///< "name: [shape] in the file, [shape] in the model"
  std::vector<std::string> heads;        ///< of classifiers: known, and not loaded
  std::vector<std::string> partners;     ///< of modules beside the model, which are left out
  std::vector<std::string> skipped;      ///< parts of the file that were not asked for
  std::string entry;                     ///< of a training checkpoint: where the model was
  std::vector<std::string> others;       ///< its other entries

  /// One line: "timm: 150 tensors loaded, 150 converted, 1 kept; from entry model, beside
  /// optimizer".
  std::string summary() const {
    std::string text = concat(naming, ": ", loaded.size(), " tensors loaded");
    const auto add = [&](const std::vector<std::string>& names, std::string_view what) {
      if (!names.empty()) text += concat(", ", names.size(), " ", what);
    };
    add(converted, "converted");
    add(mapped, "mapped");
    add(resized, "resized");
    add(kept, "kept");
    add(missing, "missing");
    add(unexpected, "unexpected");
    add(wrong_shape, "of the wrong shape");
    add(heads, "of a head left out");
    add(partners, "of modules beside the model left out");
    add(skipped, "skipped");
    if (!entry.empty()) text += concat("; from entry ", printable(entry));
    if (!others.empty()) text += concat(", beside ", listed(others));
    return text;
  }
};

namespace detail {

/// The objections to a load, in one text; nothing if there are none.
inline std::optional<std::string> objections(const LoadReport& report, bool allow_missing,
                                             bool allow_unexpected) {
  std::string text;
  const auto add = [&](const std::vector<std::string>& names, std::string_view what) {
    if (!names.empty()) text += concat(text.empty() ? "" : "; ", what, " ", listed(names));
  };
  if (!allow_missing) add(report.missing, "missing");
  add(report.wrong_shape, "wrong shape:");
  if (!allow_unexpected) add(report.unexpected, "unexpected");
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

}  // namespace detail
}  // namespace tessera::io
