#pragma once

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tessera/core/shape.hpp"

#if defined(__linux__)
#include <sched.h>
#endif

namespace tessera {

namespace detail {

/// Where Linux says which share of the machine a process gets. Tests name files of their own.
struct CgroupFiles {
  std::string membership = "/proc/self/cgroup";  ///< the groups that this process is in
  std::string mount = "/sys/fs/cgroup";          ///< the tree of all groups and their limits
};

/// The first 4095 characters of a file; empty if it cannot be read. Limits are shorter by far.
inline std::string beginning_of_file(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return {};
  std::string text(4095, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

/// Cuts the text before `separator` off the front of `text`: all of it if there is none.
inline std::string_view cut_front(std::string_view& text, char separator) {
  const std::size_t length = std::min(text.find(separator), text.size());
  const std::string_view front = text.substr(0, length);
  text.remove_prefix(std::min(length + 1, text.size()));
  return front;
}

/// A positive number at the beginning of a text; none for "max", "-1" or anything else.
inline std::optional<double> positive_number(std::string_view text) {
  long long number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || number <= 0) return std::nullopt;
  return static_cast<double>(number);
}

/// Processors that one group's limit pays for: microseconds of processor time per period.
inline std::optional<double> processors_of_quota(std::string_view quota, std::string_view period) {
  const auto time = positive_number(quota);
  const auto each = positive_number(period);
  if (!time || !each) return std::nullopt;
  return *time / *each;
}

/// The lowest limit of the group `path` below `root` and of all groups around it. A container
/// often sees its own group as the root, under a path that does not exist there.
inline std::optional<double> lowest_quota(const std::string& root, std::string_view path) {
  std::optional<double> lowest;
  const auto meet = [&](const std::optional<double>& quota) {
    if (quota) lowest = std::min(*quota, lowest.value_or(*quota));
  };
  while (true) {
    while (path.ends_with('/')) path.remove_suffix(1);
    const std::string group = root + std::string(path);
    const std::string both = beginning_of_file(group + "/cpu.max");  // version 2: "quota period"
    std::string_view period = both;
    const std::string_view quota = cut_front(period, ' ');
    meet(processors_of_quota(quota, period));
    meet(processors_of_quota(beginning_of_file(group + "/cpu.cfs_quota_us"),
                             beginning_of_file(group + "/cpu.cfs_period_us")));  // version 1
    if (path.empty()) return lowest;
    const std::size_t parent = path.rfind('/');
    path = path.substr(0, parent == std::string_view::npos ? 0 : parent);
  }
}

/// The number of processors that the cgroups of this process pay for; none if they set no limit.
/// Lines of the membership file are "0::path" in version 2 and "number:controllers:path" in version
/// 1, whose controllers have a tree each.
inline std::optional<double> cgroup_quota(const CgroupFiles& files = {}) {
  std::optional<double> lowest;
  const std::string membership = beginning_of_file(files.membership);
  for (std::string_view lines = membership; !lines.empty();) {
    std::string_view path = cut_front(lines, '\n');
    (void)cut_front(path, ':');
    const std::string controllers(cut_front(path, ':'));
    std::string_view left = controllers;
    bool limits_processors = controllers.empty();
    while (!left.empty()) limits_processors |= cut_front(left, ',') == "cpu";
    if (!limits_processors) continue;
    for (const std::string& tree : {controllers, std::string(controllers.empty() ? "" : "cpu")}) {
      const std::string root = tree.empty() ? files.mount : files.mount + "/" + tree;
      const auto quota = lowest_quota(root, path);
      if (quota) lowest = std::min(*quota, lowest.value_or(*quota));
    }
  }
  return lowest;
}

/// Processors that this thread may run on.
inline Index processors_of_affinity() {
#if defined(__linux__)
  constexpr std::size_t bits = std::numeric_limits<unsigned long>::digits;
  // The system refuses a set that is smaller than its own: 1024 processors, but for large machines.
  for (std::size_t processors = 1024; processors <= 65536; processors *= 2) {
    std::vector<unsigned long> set(processors / bits);
    if (sched_getaffinity(0, processors / 8, reinterpret_cast<cpu_set_t*>(set.data())) != 0) {
      continue;
    }
    Index count = 0;
    for (const unsigned long word : set) count += std::popcount(word);
    return count;
  }
#endif
  return static_cast<Index>(std::thread::hardware_concurrency());
}

}  // namespace detail

/// Processors that the calling thread may use: those it may run on (taskset, sched_setaffinity),
/// and no more than its cgroups pay for (docker run --cpus, Kubernetes limits), rounded down, as
/// waiting threads use up what is paid for. At least one.
inline Index usable_processors(const detail::CgroupFiles& files = {}) {
  const Index processors = detail::processors_of_affinity();
  const double quota = detail::cgroup_quota(files).value_or(static_cast<double>(processors));
  return std::max<Index>(1, std::min(processors, static_cast<Index>(quota)));
}

}  // namespace tessera
