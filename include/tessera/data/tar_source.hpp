#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tessera/data/image_names.hpp"
#include "tessera/data/image_source.hpp"
#include "tessera/data/tar_index.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/image/read.hpp"

namespace tessera::data {

/// Pictures in tar archives laid out as webdataset has them. Members that follow each other and
/// have one key are one sample; the key is the name up to the first dot after the last slash:
///
///     n01/0001.jpg  n01/0001.cls  n01/0001.json     one sample with the key "n01/0001"
///
/// A sample has one picture (an ending of jpg, jpeg, png or webp) and, in all samples or in none, a
/// label in a member that ends in .cls: a number in digits. Other members of a sample are not read.
/// The headers are read once, when the source is made; a picture is then one read at its place.
class TarSource final : public ImageSource {
 public:
  /// Samples are numbered in the order of `archives` and of their members. Throws
  /// std::runtime_error "archive: reason" for what tar_members refuses, a key that appears twice, a
  /// sample without a picture or with two, a label that is no number, samples with and without
  /// labels, or no sample.
  explicit TarSource(std::vector<std::filesystem::path> archives) {
    if (archives.empty()) refuse("TarSource", "no archives");
    std::unordered_set<std::string> keys;
    for (std::filesystem::path& path : archives) add_archive(std::move(path), keys);
    if (samples_.empty()) io::refuse_file(archives_[0].path.string(), "holds no sample");
    set_classes();
    for (const Sample& sample : samples_) fingerprint_.add(sample.key, sample.size, sample.label);
  }

  Index size() const override { return static_cast<Index>(samples_.size()); }

  io::Image image(Index index) const override {
    const Sample& sample = at(index);
    const Archive& archive = archives_[sample.archive];
    const io::InputFile file(archive.path);
    if (file.identity() != archive.identity) {
      io::refuse_file(file.name(), "is not the file that was indexed: it was replaced or resized");
    }
    std::vector<std::byte> bytes(static_cast<std::size_t>(sample.size));
    file.read(sample.offset, bytes);
    return detail::decoded_or_broken(bytes, file.name() + ": " + sample.key);
  }

  Index label(Index index) const override { return at(index).label; }
  /// The key.
  std::string name(Index index) const override { return at(index).key; }
  /// The labels as texts, "0" to the largest; empty without labels.
  const std::vector<std::string>& classes() const override { return classes_; }
  const Fingerprint& fingerprint() const override { return fingerprint_; }

 private:
  struct Archive {
    std::filesystem::path path;
    std::array<std::uint64_t, 3> identity{};
  };
  struct Sample {
    std::string key;
    std::size_t archive = 0;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;  // 0 until the picture was met: a picture has some bytes
    Index label = no_label;
  };

  // As read_image: a file of more bytes than that is no picture.
  static constexpr std::uint64_t most_picture_bytes = std::uint64_t{1} << 30;
  static constexpr Index most_classes = 1'000'000;

  const Sample& at(Index index) const { return samples_[static_cast<std::size_t>(index)]; }

  void add_archive(std::filesystem::path path, std::unordered_set<std::string>& keys) {
    const io::InputFile file(path);
    archives_.push_back({std::move(path), file.identity()});
    std::unordered_set<std::string> endings;  // of the members of the sample in work
    const std::size_t first = samples_.size();
    for (const TarMember& member : tar_members(file)) {
      const std::size_t slash = member.name.rfind('/');
      const std::size_t base = slash == std::string::npos ? 0 : slash + 1;
      const std::size_t dot = member.name.find('.', base);
      // Names without an ending, or that begin with a dot, belong to no sample, as in webdataset.
      if (dot == std::string::npos || dot == base) continue;
      const std::string key = member.name.substr(0, dot);
      const std::string ending = member.name.substr(dot + 1);

      if (samples_.size() == first || samples_.back().key != key) {
        if (samples_.size() > first) check_sample(file);
        if (!keys.insert(key).second) {
          io::refuse_file(file.name(), "the key ", key, " appears twice");
        }
        samples_.push_back({key, archives_.size() - 1});
        endings.clear();
      }
      if (!endings.insert(ending).second) {
        io::refuse_file(file.name(), "the member ", member.name, " appears twice");
      }
      add_member(file, member, ending);
    }
    if (samples_.size() > first) check_sample(file);
  }

  void add_member(const io::InputFile& file, const TarMember& member, const std::string& ending) {
    Sample& sample = samples_.back();
    if (detail::is_image_name(member.name)) {
      if (sample.size != 0)
        io::refuse_file(file.name(), "sample ", sample.key, " has two pictures");
      if (member.size == 0 || member.size > most_picture_bytes) {
        io::refuse_file(file.name(), "member ", member.name, " of ", member.size,
                        " bytes is no picture");
      }
      sample.offset = member.offset;
      sample.size = member.size;
    } else if (ending == "cls") {
      sample.label = read_label(file, member);
    }
  }

  static Index read_label(const io::InputFile& file, const TarMember& member) {
    std::string text(static_cast<std::size_t>(std::min<std::uint64_t>(member.size, 32)), '\0');
    file.read(member.offset, std::as_writable_bytes(std::span(text)));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
      text.pop_back();
    }
    Index label = no_label;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), label);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || label < 0 ||
        label >= most_classes) {
      io::refuse_file(file.name(), "member ", member.name, " is no label from 0 to ",
                      most_classes - 1);
    }
    return label;
  }

  void check_sample(const io::InputFile& file) const {
    if (samples_.back().size == 0) {
      io::refuse_file(file.name(), "sample ", samples_.back().key, " has no picture");
    }
  }

  void set_classes() {
    Index largest = no_label;
    for (const Sample& sample : samples_) {
      if ((sample.label == no_label) != (samples_[0].label == no_label)) {
        const bool first_has = samples_[0].label != no_label;
        io::refuse_file(archives_[sample.archive].path.string(), "sample ", sample.key,
                        first_has ? " has no label, but " : " has a label, but ", samples_[0].key,
                        first_has ? " has one" : " has none");
      }
      largest = std::max(largest, sample.label);
    }
    for (Index i = 0; i <= largest; ++i) classes_.push_back(std::to_string(i));
  }

  std::vector<Archive> archives_;
  std::vector<Sample> samples_;
  std::vector<std::string> classes_;
  Fingerprint fingerprint_;
};

}  // namespace tessera::data
