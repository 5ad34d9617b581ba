#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <filesystem>
#include <random>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/scratch_folder.hpp"
#include "tessera/io/file/file.hpp"

namespace tessera::io::test {

inline const std::filesystem::path golden = TESSERA_GOLDEN_DIR;

using tessera::test::ScratchFolder;

inline std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

inline std::string text_of_file(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path, 1 << 20);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The message of the Error that `action` throws; anything else is text that matches no message.
template <class Error, class Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("(another exception) ") + error.what();
  }
  return "(no exception)";
}

template <class Action>
std::string file_error(const Action& action) {
  return message_of<std::runtime_error>(action);
}

template <class Action>
std::string argument_error(const Action& action) {
  return message_of<std::invalid_argument>(action);
}

}  // namespace tessera::io::test
