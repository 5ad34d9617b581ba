#pragma once

#include <cstddef>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/threads/parallel.hpp"
#include "tessera/data/image_source.hpp"

namespace tessera::data {

/// A sample that cannot be decoded.
struct BrokenImage {
  Index index = 0;  ///< in the source
  std::string name;
  std::string error;
};

struct DataReport {
  Index decoded = 0;                ///< samples that are well
  Index smallest_side = 0;          ///< in pixels, of all that are
  Index largest_side = 0;           ///< likewise
  std::vector<BrokenImage> broken;  ///< by index
};

/// Decodes every sample once, on the threads of the ExecutionScope: better before a run of days
/// than within it. Samples that cannot be decoded, for want of memory too, are listed and end
/// nothing.
inline DataReport check_data(const ImageSource& source) {
  struct Finding {
    Size size;
    std::string error;
  };
  std::vector<Finding> findings(static_cast<std::size_t>(source.size()));
  parallel_ranges(source.size(), 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      Finding& finding = findings[static_cast<std::size_t>(i)];
      try {
        finding.size = io::size_of(source.image(i));
      } catch (const std::bad_alloc&) {
        finding.error = source.name(i) + ": there is not enough memory for this picture";
      } catch (const std::runtime_error& error) {
        finding.error = error.what();
      }
    }
  });

  DataReport report;
  for (Index i = 0; i < source.size(); ++i) {
    const Finding& finding = findings[static_cast<std::size_t>(i)];
    if (!finding.error.empty()) {
      report.broken.push_back({i, source.name(i), finding.error});
      continue;
    }
    const Index smaller = std::min(finding.size.height, finding.size.width);
    const Index larger = std::max(finding.size.height, finding.size.width);
    report.smallest_side = report.decoded == 0 ? smaller : std::min(report.smallest_side, smaller);
    report.largest_side = std::max(report.largest_side, larger);
    ++report.decoded;
  }
  return report;
}

}  // namespace tessera::data
