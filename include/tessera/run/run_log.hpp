#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/shape.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/json/values.hpp"
#include "tessera/io/text/json_text.hpp"

namespace tessera::run {

/// One line of a log: what was measured at a step.
struct LogEntry {
  Index step = 0;
  std::vector<std::pair<std::string, double>> values;
  std::vector<std::pair<std::string, std::string>> texts = {};
};

/// A log of a run as JSON lines, {"step":10,"loss":0.5}: a file that any program can read while it
/// grows. Numbers have as many digits as give them back; those that are not finite are null. Every
/// line is written by one call of the system, so that a kill leaves whole lines and at most one
/// part.
class RunLog {
 public:
  /// Appends to `path` after its first `bytes` bytes, or after all of them; what stands behind them
  /// is cut off. A run that is resumed from a save gives the length that the log had then, so that
  /// no step stands in it twice. A log that is shorter goes on where it ends, and says so by
  /// missing(): a run does not need its log. Throws std::runtime_error "file: reason" if it cannot
  /// be written.
  explicit RunLog(const std::filesystem::path& path,
                  std::optional<std::uint64_t> bytes = std::nullopt)
      : name_(path.string()),
        descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666)) {
    if (descriptor_.get() < 0) refuse_system("cannot be written");
    const off_t end = ::lseek(descriptor_.get(), 0, SEEK_END);
    if (end < 0) refuse_system("cannot be written");
    const auto held = static_cast<std::uint64_t>(end);
    bytes_ = std::min(bytes.value_or(held), held);
    missing_ = bytes.value_or(held) - bytes_;
    if (::ftruncate(descriptor_.get(), static_cast<off_t>(bytes_)) != 0 ||
        ::lseek(descriptor_.get(), static_cast<off_t>(bytes_), SEEK_SET) < 0) {
      refuse_system("cannot be cut");
    }
  }

  /// Throws std::invalid_argument for a name that is empty, "step", or there twice, and
  /// std::runtime_error if the system refuses; then the log is as it was.
  void add(const LogEntry& entry) {
    std::string line = "{\"step\":" + std::to_string(entry.step);
    std::vector<std::string_view> names{"step"};
    const auto add_name = [&](const std::string& name) {
      for (const std::string_view known : names) {
        if (name == known) refuse("RunLog::add", "\"", name, "\" stands twice in one entry");
      }
      if (name.empty()) refuse("RunLog::add", "a value has no name");
      names.push_back(name);
      line += "," + io::json_string(name) + ":";
    };
    for (const auto& [name, value] : entry.values) {
      add_name(name);
      line += std::isfinite(value) ? io::number_text(value) : "null";
    }
    for (const auto& [name, text] : entry.texts) {
      add_name(name);
      line += io::json_string(text);
    }
    line += "}\n";
    ssize_t written = -1;
    do {
      written = ::write(descriptor_.get(), line.data(), line.size());
    } while (written < 0 && errno == EINTR);
    if (written != static_cast<ssize_t>(line.size())) {
      const int error = written < 0 ? errno : ENOSPC;  // a part fits: the disk is full
      (void)!::ftruncate(descriptor_.get(), static_cast<off_t>(bytes_));
      (void)::lseek(descriptor_.get(), static_cast<off_t>(bytes_), SEEK_SET);
      errno = error;
      refuse_system("cannot be written");
    }
    bytes_ += line.size();
  }

  /// Writes the log through to the disk: to be called before its length is saved. Throws
  /// std::runtime_error if the system refuses.
  void sync() const {
    if (::fsync(descriptor_.get()) != 0) refuse_system("cannot be written");
  }

  /// Bytes that the log had once and had no more when it was opened.
  std::uint64_t missing() const { return missing_; }

  /// Its length: saved with a run, and given back at resume.
  std::uint64_t bytes() const { return bytes_; }

 private:
  [[noreturn]] void refuse_system(std::string_view what) const {
    io::refuse_file(name_, what, ": ", io::detail::system_text(errno));
  }

  std::string name_;
  io::detail::Descriptor descriptor_;
  std::uint64_t bytes_ = 0;
  std::uint64_t missing_ = 0;
};

/// The entries of a log, the values of each by name; null is NaN. A last line without its end,
/// which a killed program may leave, is passed over. Throws std::runtime_error "file: line n:
/// reason" for any other line that is not a JSON object with a step.
inline std::vector<LogEntry> read_log(const std::filesystem::path& path) {
  constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;
  const std::vector<std::byte> bytes = io::read_file(path, most_bytes);
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::vector<LogEntry> entries;
  for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    const std::string label = concat(path.string(), ": line ", entries.size() + 1);
    const io::JsonValues line = io::parse_json_values(rest.substr(0, end), label);
    LogEntry entry;
    const std::optional<double> step = line.get<double>("step");
    if (!step) io::refuse_file(label, "has no step");
    if (!(*step >= 0 && *step <= 0x1p53)) io::refuse_file(label, "step ", *step, " is no step");
    entry.step = static_cast<Index>(*step);
    for (const auto& [name, value] : line.values()) {
      if (name == "step") continue;
      if (const double* number = std::get_if<double>(&value)) {
        entry.values.emplace_back(name, *number);
      } else if (const std::string* text = std::get_if<std::string>(&value)) {
        entry.texts.emplace_back(name, *text);
      } else if (std::holds_alternative<std::nullptr_t>(value)) {
        entry.values.emplace_back(name, std::numeric_limits<double>::quiet_NaN());
      }
    }
    entries.push_back(std::move(entry));
    rest.remove_prefix(end + 1);
  }
  return entries;
}

}  // namespace tessera::run
