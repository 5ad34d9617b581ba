#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace tessera::io {

/// Where a fact about a model is from.
enum class Origin {
  unknown,  ///< nothing says it
  given,    ///< by the caller
  metadata,
  config_json,
  preprocessor_config_json,
  model_type,      ///< config.json does not say it: what the class of its model_type has then
  args,            ///< of the training script, in its checkpoint
  tensors,         ///< their names and shapes leave no choice
  naming,          ///< the code that has these names has it so
  published_size,  ///< guessed: the published models of this size have it
  square_grid,     ///< guessed: the number of positions is a square
  standard,        ///< guessed: what is usual where nothing says it
};

constexpr std::string_view origin_name(Origin origin) {
  constexpr std::array<std::string_view, 12> names{"",
                                                   "given",
                                                   "metadata",
                                                   "config.json",
                                                   "preprocessor_config.json",
                                                   "model_type",
                                                   "args",
                                                   "tensors",
                                                   "naming",
                                                   "published size",
                                                   "square grid",
                                                   "default"};
  return names[static_cast<std::size_t>(origin)];
}

inline void append_text(std::string& text, Origin origin) { text += origin_name(origin); }

/// A fact that nothing states, taken from what is usual: a model that has it otherwise is believed.
constexpr bool is_guess(Origin origin) {
  return origin == Origin::published_size || origin == Origin::square_grid ||
         origin == Origin::standard;
}

/// A value, if it can be known, and where it is from.
template <class T>
struct Known {
  std::optional<T> value = std::nullopt;
  Origin from = Origin::unknown;
};

namespace detail {

/// The first source that has a value; none if none has.
template <class T>
Known<T> first_known(std::initializer_list<Known<T>> sources) {
  for (const Known<T>& source : sources) {
    if (source.value) return source;
  }
  return {};
}

}  // namespace detail
}  // namespace tessera::io
