#pragma once

#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <typeinfo>

namespace tessera::test {

/// The message of the `Error` that `action` throws. An exception of any other type, or none, gives
/// a text that matches no message.
template <class Error = std::invalid_argument>
std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::exception& error) {
    if (typeid(error) == typeid(Error)) return error.what();
    return std::string("(") + typeid(error).name() + ") " + error.what();
  }
  return "(no exception)";
}

}  // namespace tessera::test
