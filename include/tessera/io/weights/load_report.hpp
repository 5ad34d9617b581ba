#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io {

/// What loading did, or would have to do. Names are the model's parameters, but for `unexpected`,
/// `heads` and `skipped`, which are tensors of the file.
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
    add(skipped, "skipped");
    if (!entry.empty()) text += concat("; from entry ", printable(entry));
    if (!others.empty()) text += concat(", beside ", listed(others));
    return text;
  }
};

namespace detail {

/// What is wrong, "" if nothing.
inline std::string complaint(const LoadReport& report, bool allow_missing) {
  std::string text;
  const auto add = [&](const std::vector<std::string>& names, std::string_view what) {
    if (!names.empty()) text += concat(text.empty() ? "" : "; ", what, " ", listed(names));
  };
  if (!allow_missing) add(report.missing, "missing");
  add(report.wrong_shape, "wrong shape:");
  add(report.unexpected, "unexpected");
  return text;
}

}  // namespace detail
}  // namespace tessera::io
