#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "tessera/core/error.hpp"

namespace tessera::io {

namespace detail {

[[noreturn, gnu::cold]] inline void throw_runtime_error(const std::string& text) {
  throw std::runtime_error(text);
}

}  // namespace detail

/// Throws std::runtime_error "label: parts...", where `label` is the file's name. Like refuse(), it
/// stands behind an `if`, so that the parts are evaluated on failure alone:
///
///     if (bytes.size() > limit) refuse_file(name, "has ", bytes.size(), " bytes")
template <class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void refuse_file(std::string_view label,
                                                        const Parts&... parts) {
  detail::throw_runtime_error(concat(label, ": ", parts...));
}

}  // namespace tessera::io
