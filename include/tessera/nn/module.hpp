#pragma once

#include <concepts>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tessera/nn/parameter.hpp"

namespace tessera {

/// A module is a struct whose members are parameters and children in forward order, with
///
///     static void visit(auto& self, auto&& visitor) {
///       visitor("weight", self.weight, ParameterRole::weight);
///       visitor("norm", self.norm);
///     }
///
/// which names each member once. A parameter may be given its role, which initialization and weight
/// decay go by. Members may be optional or vectors (named by position). This one walk serves
/// counting, initializing, saving, loading, optimizing and averaging.
///
/// A local struct cannot be a module: C++ allows no member templates there, and `visit` is one.
template <class T>
concept Module = requires(T& module) {
  typename T::scalar_type;
  T::visit(module, [](std::string_view, auto&, ParameterRole = ParameterRole::other) {});
};

/// One parameter of a model as a walk meets it: flat, whatever its rank. Scalar is const for a
/// const model. Valid as long as the model stays where it is and its tensors keep their memory:
/// packing weights and loading with LoadOptions::mmap replace it.
template <class Scalar>
struct NamedParameter {
  std::string name;  ///< as in a checkpoint: "blocks.0.attn.qkv.weight"
  std::span<const Index> shape;
  std::span<Scalar> values;
  bool trainable;
  const void* key;  ///< the address by which a Tape knows the parameter
  ParameterRole role = ParameterRole::other;
};

namespace detail {

template <class T>
struct is_parameter : std::false_type {};
template <class Scalar, int Rank>
struct is_parameter<Parameter<Scalar, Rank>> : std::true_type {};
template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};

/// Calls f(name, parameter, role) for every parameter below `member`, in forward order. `role` is
/// that of `member` itself, if it is a parameter.
template <class Member, class F>
void walk_parameters(const std::string& name, Member& member, ParameterRole role, F& f) {
  using Plain = std::remove_const_t<Member>;
  if constexpr (is_parameter<Plain>::value) {
    f(name, member, role);
  } else if constexpr (is_optional<Plain>::value) {
    if (member) walk_parameters(name, *member, role, f);
  } else if constexpr (is_vector<Plain>::value) {
    for (std::size_t i = 0; i < member.size(); ++i) {
      walk_parameters(name + "." + std::to_string(i), member[i], role, f);
    }
  } else {
    Plain::visit(member, [&](std::string_view part, auto& child,
                             ParameterRole child_role = ParameterRole::other) {
      const std::string dot = name.empty() ? "" : ".";
      walk_parameters(tessera::concat(name, dot, part), child, child_role, f);
    });
  }
}

/// Collects what walk_parameters meets. One type for all models, so that a walk over the blocks of
/// one is compiled for all.
template <class Scalar>
struct ParameterList {
  void operator()(const std::string& name, auto& parameter, ParameterRole role) {
    found.push_back({name, parameter.value.shape(), parameter.value.values(), parameter.trainable,
                     &parameter.value, role});
  }
  std::vector<NamedParameter<Scalar>> found;
};

/// Gives a walk to a function that asks for names and parameters alone.
template <class F>
struct WithoutRole {
  void operator()(const std::string& name, auto& parameter, ParameterRole) { f(name, parameter); }
  F& f;
};

/// Throws std::invalid_argument if a walk met one parameter, or one name, twice.
template <class Scalar>
void check_each_once(const std::vector<NamedParameter<Scalar>>& parameters) {
  std::unordered_set<std::string_view> names;
  std::unordered_map<const void*, std::string_view> keys;
  for (const NamedParameter<Scalar>& parameter : parameters) {
    if (!names.insert(parameter.name).second) {
      refuse("named_parameters", "two parameters are called ", parameter.name);
    }
    const auto [known, added] = keys.emplace(parameter.key, parameter.name);
    if (!added) {
      refuse("named_parameters", "one parameter is called ", known->second, " and ",
             parameter.name);
    }
  }
}

}  // namespace detail

/// Calls f(name, parameter) for every Parameter of a model, in forward order.
template <class Model, class F>
  requires Module<std::remove_const_t<Model>>
void for_each_parameter(Model& model, F&& f) {
  detail::WithoutRole<F> without_role{f};
  detail::walk_parameters("", model, ParameterRole::other, without_role);
}

/// Every parameter of a model in forward order. Throws std::invalid_argument if `visit` names one
/// parameter twice, or two of them alike.
template <Module Model>
std::vector<NamedParameter<typename Model::scalar_type>> named_parameters(Model& model) {
  detail::ParameterList<typename Model::scalar_type> parameters;
  detail::walk_parameters("", model, ParameterRole::other, parameters);
  detail::check_each_once(parameters.found);
  return std::move(parameters.found);
}
template <Module Model>
std::vector<NamedParameter<const typename Model::scalar_type>> named_parameters(
    const Model& model) {
  std::vector<NamedParameter<const typename Model::scalar_type>> found;
  // The walk changes nothing; a second one, for const models, would only be compiled again.
  for (auto& [name, shape, values, trainable, key, role] :
       named_parameters(const_cast<Model&>(model))) {
    found.push_back({std::move(name), shape, values, trainable, key, role});
  }
  return found;
}

/// Number of values in a model's parameters, frozen tables included.
template <Module Model>
Index parameter_count(const Model& model) {
  Index count = 0;
  for (const auto& parameter : named_parameters(model)) count += std::ssize(parameter.values);
  return count;
}

/// Freezes or frees every parameter of a model.
template <Module Model>
void set_trainable(Model& model, bool trainable) {
  for_each_parameter(model,
                     [&](const std::string&, auto& parameter) { parameter.trainable = trainable; });
}

}  // namespace tessera
