#pragma once

#include <string_view>
#include <type_traits>

#include "tessera/nn/module.hpp"

namespace tessera {

namespace detail {

template <class T>
concept Packable = requires(T& module) { module.pack(); };

/// Calls f(module) for every Packable module below `member`.
template <class Member, class F>
void walk_packable(Member& member, const F& f) {
  if constexpr (Packable<Member>) {
    f(member);
  } else if constexpr (is_optional<Member>::value) {
    if (member) walk_packable(*member, f);
  } else if constexpr (is_vector<Member>::value) {
    for (auto& element : member) walk_packable(element, f);
  } else if constexpr (!is_parameter<Member>::value) {
    Member::visit(member, [&](std::string_view, auto& child, ParameterRole = ParameterRole::other) {
      walk_packable(child, f);
    });
  }
}

}  // namespace detail

/// Makes inference faster: every Linear's weight is replaced by a copy in the order in which
/// products read it, so that no product orders it again. The results keep their bits and the
/// memory its size. What remains is for inference alone: training it, saving it and every other
/// walk over its parameters throw std::invalid_argument. To keep those, copy the model first:
///
///     auto fast = model;
///     pack_weights(fast);
///
/// Throws std::invalid_argument if a weight is packed already; then nothing is changed. If memory
/// runs out half-way (std::bad_alloc), some layers are packed and others are not: such a model
/// still infers, to the same bits. Two copies of all weights at once would be the price of more.
template <Module Model>
void pack_weights(Model& model) {
  detail::walk_packable(model, [](const auto& module) {
    if (module.packed) refuse("pack_weights", "the weights of this model are packed already");
  });
  detail::walk_packable(model, [](auto& module) { module.pack(); });
}

}  // namespace tessera
