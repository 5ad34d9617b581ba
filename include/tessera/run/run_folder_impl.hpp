#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <random>
#include <span>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "tessera/core/inline.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/json/values.hpp"
#include "tessera/io/text/json_text.hpp"
#include "tessera/run/run_folder.hpp"

namespace tessera::run {

namespace detail {

/// Raised when complete.json, or what a run keeps beside it, changes its meaning.
inline constexpr Index save_format = 1;

inline constexpr std::string_view table_name = "complete.json";

/// Size and CRC-32 of a file, as complete.json has them.
struct FileFacts {
  std::uint64_t bytes = 0;
  std::uint64_t crc = 0;
  friend bool operator==(const FileFacts&, const FileFacts&) = default;
};

/// The part of a save that a check reads: sizes are told by the folder, contents cost a whole read.
enum class Depth { sizes, contents };

inline FileFacts facts_of(const std::filesystem::path& path, Depth depth) {
  const io::InputFile file(path);
  FileFacts facts{file.size(), 0};
  if (depth == Depth::sizes) return facts;
  std::vector<std::byte> piece(std::size_t{1} << 20);
  for (std::uint64_t at = 0; at < facts.bytes; at += piece.size()) {
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), facts.bytes - at));
    file.read(at, std::span(piece).first(count));
    facts.crc =
        crc32(facts.crc, reinterpret_cast<const Bytef*>(piece.data()), static_cast<uInt>(count));
  }
  return facts;
}

/// Makes what was done to a folder last through a crash. Some file systems cannot; no harm is
/// known.
inline void sync_folder(const std::filesystem::path& folder) {
  const io::detail::Descriptor open(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (open.get() >= 0) (void)!::fsync(open.get());
}

inline void sync_file(const std::filesystem::path& path) {
  const io::detail::Descriptor open(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (open.get() < 0 || ::fsync(open.get()) != 0) {
    io::refuse_file(path.string(), "cannot be written: ", io::detail::system_text(errno));
  }
}

inline bool is_temporary(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(".tessera-") && name.ends_with(".tmp");
}

/// A name beside the saves that no save has, and that a later start removes.
inline std::filesystem::path temporary_name(const std::filesystem::path& saves) {
  std::random_device entropy;
  return saves / concat(".tessera-", entropy(), "-", entropy(), ".tmp");
}

/// A free name beside a damaged save. No save is called so: it is never read again, nor removed.
inline std::filesystem::path name_aside(const std::filesystem::path& folder) {
  for (Index number = 1;; ++number) {
    std::filesystem::path aside = concat(folder.string(), ".damaged-", number);
    if (!std::filesystem::exists(aside)) return aside;
  }
}

/// The step that a save's folder is named by; none for other names.
inline std::optional<Index> step_of(const std::filesystem::path& folder) {
  const std::string name = folder.filename().string();
  Index step = 0;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), step);
  const bool whole = read.ec == std::errc() && read.ptr == name.data() + name.size();
  return whole && name.size() >= 12 && step >= 0 ? std::optional(step) : std::nullopt;
}

inline std::filesystem::path name_of_step(Index step) {
  std::string digits = std::to_string(step);
  return std::string(digits.size() < 12 ? 12 - digits.size() : 0, '0') + digits;
}

inline void write_table(const std::filesystem::path& folder, Index step) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  if (names.empty()) io::refuse_file(folder.string(), "nothing was put into the save");
  std::sort(names.begin(), names.end());
  std::string text = concat("{\"format\":", save_format, ",\"step\":", step, ",\"files\":{");
  for (const std::string& name : names) {
    sync_file(folder / name);
    const FileFacts facts = facts_of(folder / name, Depth::contents);
    if (text.back() != '{') text += ",";
    text += concat("\n", io::json_string(name), ":{\"bytes\":", facts.bytes,
                   ",\"crc32\":", facts.crc, "}");
  }
  text += "}}\n";
  io::write_file(folder / table_name, std::as_bytes(std::span(text)));
}

/// A whole number of the table.
inline std::optional<std::uint64_t> number_of(const io::JsonValues& table,
                                              const std::string& path) {
  const std::optional<double> number = table.get<double>(path);
  if (!number || !(*number >= 0 && *number <= 0x1p53)) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

/// The reason why a save cannot be used; "" if it is whole. Throws std::runtime_error if it is of a
/// newer format.
inline std::string damage_of(const Save& save, Depth depth = Depth::contents) {
  const std::filesystem::path path = save.folder / table_name;
  if (!std::filesystem::exists(path)) return concat("has no ", table_name);
  try {
    const io::JsonValues table = io::read_json_values(path);
    const std::optional<Index> format = table.get<Index>("format");
    if (!format) return concat(table_name, " is not of a run");
    if (*format > save_format) throw std::domain_error("newer");
    if (table.get<Index>("step") != save.step) return "is the save of another step";
    bool any = false;
    for (const auto& entry : std::filesystem::directory_iterator(save.folder)) {
      const std::string name = entry.path().filename().string();
      if (name == table_name) continue;
      // Paths in the table are joined by dots, which names of files have too: looked up whole.
      const std::optional<std::uint64_t> bytes = number_of(table, "files." + name + ".bytes");
      const std::optional<std::uint64_t> crc = number_of(table, "files." + name + ".crc32");
      if (!bytes || !crc) return name + " is not in its table";
      const FileFacts facts = facts_of(entry.path(), depth);
      if (facts.bytes != *bytes) {
        return concat(name, " has ", facts.bytes, " bytes, not ", *bytes);
      }
      if (depth == Depth::contents && facts.crc != *crc) {
        return name + " is damaged: its CRC-32 is wrong";
      }
      any = true;
    }
    for (const auto& [key, value] : table.values()) {
      if (!key.starts_with("files.") || !key.ends_with(".bytes")) continue;
      const std::string name = key.substr(6, key.size() - 12);
      if (!std::filesystem::exists(save.folder / name)) return name + " is missing";
    }
    return any ? "" : "is empty";
  } catch (const std::domain_error&) {
    io::refuse_file(save.folder.string(),
                    "was saved by a newer version of Tessera; this one knows "
                    "format ",
                    save_format);
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace detail

TESSERA_INLINE RunFolder::RunFolder(std::filesystem::path path, const RunFolderOptions& options)
    : path_(std::move(path)), options_(options) {
  namespace fs = std::filesystem;
  if (options_.keep < 1) refuse("RunFolder", "keep = ", options_.keep, " is not positive");
  if (options_.keep_every < 0)
    refuse("RunFolder", "keep_every = ", options_.keep_every, " is negative");
  std::error_code error;
  fs::create_directories(saves(), error);
  if (error) io::refuse_file(saves().string(), "cannot be made: ", error.message());
  detail::sync_folder(path_);
  detail::sync_folder(fs::absolute(path_).parent_path());

  const fs::path lock = path_ / "lock";
  lock_ = io::detail::Descriptor(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (lock_.get() < 0)
    io::refuse_file(lock.string(), "cannot be opened: ", io::detail::system_text(errno));
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      io::refuse_file(lock.string(), "cannot be locked: ", io::detail::system_text(errno));
    }
    std::array<char, 32> holder{};
    const ssize_t count = ::pread(lock_.get(), holder.data(), holder.size(), 0);
    io::refuse_file(path_.string(), "another process writes to this run: ",
                    std::string(holder.data(), count > 0 ? static_cast<std::size_t>(count) : 0));
  }
  const std::string holder = concat("process ", static_cast<Index>(::getpid()));
  (void)!::ftruncate(lock_.get(), 0);
  (void)!::pwrite(lock_.get(), holder.data(), holder.size(), 0);  // for the message above alone

  // Leftovers of a process that was killed while it saved: the lock says that it is gone.
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(saves())) {
    if (detail::is_temporary(entry.path())) leftovers.push_back(entry.path());
  }
  for (const fs::path& leftover : leftovers) fs::remove_all(leftover, error);
}

/// Newest first.
TESSERA_INLINE std::vector<Save> RunFolder::all_saves() const {
  std::vector<Save> found;
  for (const auto& entry : std::filesystem::directory_iterator(saves())) {
    const std::optional<Index> step = detail::step_of(entry.path());
    if (step && entry.is_directory()) found.push_back({*step, entry.path()});
  }
  std::sort(found.begin(), found.end(),
            [](const Save& a, const Save& b) { return a.step > b.step; });
  return found;
}

TESSERA_INLINE std::filesystem::path RunFolder::folder_of(Index step) const {
  return saves() / detail::name_of_step(step);
}

TESSERA_INLINE std::optional<Save> RunFolder::newest() {
  damaged_.clear();
  for (const Save& save : all_saves()) {
    std::string damage = detail::damage_of(save);
    if (damage.empty()) return save;
    damaged_.push_back({save.folder, std::move(damage)});
  }
  return std::nullopt;
}

TESSERA_INLINE void RunFolder::save(
    Index step, const std::function<void(const std::filesystem::path&)>& write) {
  namespace fs = std::filesystem;
  if (step < 0) refuse("RunFolder::save", "step = ", step, " is negative");
  const Save target{step, folder_of(step)};
  const bool exists = fs::exists(target.folder);
  if (exists && detail::damage_of(target).empty()) return;

  const fs::path temporary = detail::temporary_name(saves());
  std::error_code ignored;
  try {
    fs::create_directory(temporary);
    write(temporary);
    detail::write_table(temporary, step);
    detail::sync_folder(temporary);
    if (exists) fs::rename(target.folder, detail::name_aside(target.folder));
    fs::rename(temporary, target.folder);
    detail::sync_folder(saves());
  } catch (const fs::filesystem_error& error) {
    fs::remove_all(temporary, ignored);
    io::refuse_file(target.folder.string(), "cannot be saved: ", error.code().message());
  } catch (...) {
    fs::remove_all(temporary, ignored);
    throw;
  }
  remove_old();
}

/// A save leaves by a rename first, so that a kill in between leaves no half of one. To read every
/// save for its CRC-32 each time would cost more than saving; sizes tell most damage, and newest()
/// has told the rest.
TESSERA_INLINE void RunFolder::remove_old() {
  namespace fs = std::filesystem;
  Index kept = 0;
  for (const Save& save : all_saves()) {
    const bool known = std::any_of(damaged_.begin(), damaged_.end(), [&](const DamagedSave& one) {
      return one.folder == save.folder;
    });
    if (known || !detail::damage_of(save, detail::Depth::sizes).empty()) continue;
    const bool lasting = options_.keep_every > 0 && save.step % options_.keep_every == 0;
    if (kept++ < options_.keep || lasting) continue;
    const fs::path temporary = detail::temporary_name(saves());
    std::error_code error;
    fs::rename(save.folder, temporary, error);
    if (!error) fs::remove_all(temporary, error);  // what stays is removed by a later start
  }
}

}  // namespace tessera::run
