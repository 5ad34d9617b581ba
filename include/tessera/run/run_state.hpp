#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tessera/data/fingerprint.hpp"
#include "tessera/data/sample_order.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/json/values.hpp"
#include "tessera/io/text/json_text.hpp"
#include "tessera/run/settings.hpp"

namespace tessera::run {

/// All that a run is, but for weights and moments: where it stands, and what it must find again
/// when it goes on.
struct RunState {
  Index step = 0;          ///< steps that were made
  data::BatchPlace place;  ///< of the next batch
  std::uint64_t seed = 0;
  std::uint64_t log_bytes = 0;  ///< length of the log after `step` steps
  data::Fingerprint data;
  SettingList settings;  ///< of the recipe
};

/// Writes a state as JSON. Numbers above 2^53 are texts: JSON readers hold numbers as doubles.
inline void save_state(const std::filesystem::path& path, const RunState& state) {
  std::string text = concat(
      "{\"step\":", state.step, ",\n\"epoch\":", state.place.epoch,
      ",\n\"batch\":", state.place.batch, ",\n\"seed\":\"", state.seed, "\",\n\"log_bytes\":\"",
      state.log_bytes, "\",\n\"data\":{\"count\":", state.data.count, ",\"bytes\":\"",
      state.data.bytes, "\",\"names\":\"", state.data.names, "\"},\n\"settings\":{");
  for (const auto& [name, value] : state.settings) {
    if (text.back() != '{') text += ',';
    text += concat("\n", io::json_string(name), ":", io::json_string(value));
  }
  text += "}}\n";
  io::write_file(path, std::as_bytes(std::span(text)));
}

/// Reads what save_state wrote. Throws std::runtime_error "file: reason" if it is not such a file.
inline RunState load_state(const std::filesystem::path& path) {
  const io::JsonValues json = io::read_json_values(path);
  const auto index = [&](std::string_view name) {
    const std::optional<Index> value = json.get<Index>(name);
    if (!value) io::refuse_file(path.string(), "has no ", name);
    return *value;
  };
  const auto large = [&](std::string_view name) {
    const std::optional<std::string> text = json.get<std::string>(name);
    std::uint64_t value = 0;
    if (!text) io::refuse_file(path.string(), "has no ", name);
    const auto read = std::from_chars(text->data(), text->data() + text->size(), value);
    if (read.ec != std::errc() || read.ptr != text->data() + text->size()) {
      io::refuse_file(path.string(), name, " is no number");
    }
    return value;
  };
  RunState state{.step = index("step"),
                 .place = {index("epoch"), index("batch")},
                 .seed = large("seed"),
                 .log_bytes = large("log_bytes"),
                 .data = {index("data.count"), large("data.bytes"), large("data.names")},
                 .settings = {}};
  for (const auto& [name, value] : json.values()) {
    constexpr std::string_view prefix = "settings.";
    if (!name.starts_with(prefix)) continue;
    if (const std::string* text = std::get_if<std::string>(&value)) {
      state.settings.emplace_back(name.substr(prefix.size()), *text);
    }
  }
  return state;
}

/// Says which setting of a run is another one now; "" if none is. The order does not count.
inline std::string difference(SettingList then, SettingList now) {
  std::sort(then.begin(), then.end());
  std::sort(now.begin(), now.end());
  if (then == now) return "";
  for (const auto& [name, value] : now) {
    const auto same_name = [&, wanted = name](const auto& setting) {
      return setting.first == wanted;
    };
    const auto former = std::find_if(then.begin(), then.end(), same_name);
    if (former == then.end())
      return concat("the recipe has ", name, " = ", value, " now, and had none");
    if (former->second != value) {
      return concat("the recipe has ", name, " = ", value, " now, and had ", former->second);
    }
  }
  for (const auto& [name, value] : then) {
    const auto same_name = [&, wanted = name](const auto& setting) {
      return setting.first == wanted;
    };
    if (std::none_of(now.begin(), now.end(), same_name)) {
      return concat("the recipe has no ", name, " now, and had ", value);
    }
  }
  return "the recipe has a setting twice";
}

}  // namespace tessera::run
