#pragma once

#include <map>
#include <string>
#include <type_traits>
#include <utility>

#include "tessera/core/memory.hpp"

namespace tessera::io::detail {

/// Parameters whose values stay in a file. One type for all models, like ParameterList.
template <class Scalar>
class MappedParameters {
 public:
  /// `key` is what named_parameters has for the parameter.
  void add(const void* key, Buffer<Scalar> values) {
    all_.emplace(key, Mapped{std::move(values), nullptr, nullptr});
  }
  bool empty() const { return all_.empty(); }

  /// Called for every parameter of the model, so that adopt() asks for no memory.
  void operator()(const std::string&, auto& parameter) {
    const auto found = all_.find(&parameter.value);
    if (found == all_.end()) return;
    using Values = std::remove_cvref_t<decltype(parameter.value)>;
    found->second.tensor = &parameter.value;
    found->second.adopt = [](void* tensor, Buffer<Scalar> values) {
      auto& former = *static_cast<Values*>(tensor);
      former = Values::adopt(std::move(values), former.shape());
    };
  }

  void adopt() {
    for (auto& [key, mapped] : all_) mapped.adopt(mapped.tensor, std::move(mapped.values));
    // The memory that held the parameters is of no use to a program that computes.
    if (!all_.empty()) release_cached_memory();
  }

 private:
  struct Mapped {
    Buffer<Scalar> values;
    void* tensor;
    void (*adopt)(void* tensor, Buffer<Scalar> values);
  };
  std::map<const void*, Mapped> all_;
};

}  // namespace tessera::io::detail
