#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "tessera/core/error.hpp"

namespace tessera::io {

namespace detail {

[[noreturn, gnu::cold, gnu::noinline]] inline void throw_runtime_error(
    std::initializer_list<tessera::detail::MessagePart> parts) {
  throw std::runtime_error(tessera::detail::join(parts));
}

}  // namespace detail

/// Throws std::runtime_error "label: parts...", where `label` is the file's name. Like refuse(), it
/// stands behind an `if`, so that the parts are evaluated on failure alone:
///
///     if (bytes.size() > limit) refuse_file(name, "has ", bytes.size(), " bytes")
template <class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void refuse_file(std::string_view label,
                                                        const Parts&... parts) {
  using tessera::detail::message_part;
  detail::throw_runtime_error({message_part(label), message_part(": "), message_part(parts)...});
}

}  // namespace tessera::io
