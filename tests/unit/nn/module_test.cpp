#include "tessera/nn/module.hpp"

#include "support/catch.hpp"
#include "support/throws.hpp"
#include "tessera/nn/layer_norm.hpp"

namespace tessera::test {
namespace {

struct Leaf {
  using scalar_type = float;

  Leaf() { weight.value = Tensor<float, 2>({2, 3}); }

  Parameter<float, 2> weight;
  std::optional<Parameter<float, 1>> bias;

  static void visit(auto& self, auto&& visitor) {
    visitor("weight", self.weight);
    visitor("bias", self.bias);
  }
};

struct Tree {
  using scalar_type = float;

  Tree() : leaves(3) {
    token.value = Tensor<float, 3>({1, 1, 4});
    table = {Tensor<float, 3>({1, 5, 2}), false};
  }

  Parameter<float, 3> token;
  std::vector<Leaf> leaves;
  std::optional<Leaf> extra;
  Parameter<float, 3> table;

  static void visit(auto& self, auto&& visitor) {
    visitor("token", self.token);
    visitor("leaves", self.leaves);
    visitor("extra", self.extra);
    visitor("table", self.table);
  }
};

/// Names one member twice, or two members alike.
struct Careless {
  using scalar_type = float;

  Leaf first;
  Leaf second;
  bool alike = false;

  static void visit(auto& self, auto&& visitor) {
    visitor("first", self.first);
    if (self.alike) {
      visitor("first", self.second);
    } else {
      visitor("second", self.first);
    }
  }
};

struct Listed {
  using scalar_type = float;

  std::optional<Parameter<float, 2>> maybe;
  std::vector<Parameter<float, 2>> list{2};

  static void visit(auto& self, auto&& visitor) {
    visitor("maybe", self.maybe, ParameterRole::token);
    visitor("list", self.list, ParameterRole::token);
  }
};

static_assert(Module<Tree> && Module<Leaf>);
static_assert(!Module<int>);
static_assert(!Module<Parameter<float, 1>>);

std::vector<std::string> names(const Tree& tree) {
  std::vector<std::string> found;
  for (const auto& parameter : named_parameters(tree)) found.push_back(parameter.name);
  return found;
}

TEST_CASE("module: names follow the members in forward order") {
  Tree tree;
  tree.leaves[1].bias = Parameter<float, 1>{Tensor<float, 1>({2})};
  tree.extra.emplace();
  CHECK(names(tree) == std::vector<std::string>{"token", "leaves.0.weight", "leaves.1.weight",
                                                "leaves.1.bias", "leaves.2.weight", "extra.weight",
                                                "table"});
}

TEST_CASE("module: a named parameter is a view of the model") {
  Tree tree;
  const auto parameters = named_parameters(tree);
  REQUIRE(parameters.size() == 5);
  CHECK(parameters[1].name == "leaves.0.weight");
  CHECK(std::vector<Index>(parameters[1].shape.begin(), parameters[1].shape.end()) ==
        std::vector<Index>{2, 3});
  CHECK(parameters[1].key == &tree.leaves[0].weight.value);
  CHECK(parameters[1].trainable);
  CHECK_FALSE(parameters[4].trainable);
  parameters[1].values[5] = 7;
  CHECK(tree.leaves[0].weight.value(1, 2) == 7);
  static_assert(std::is_same_v<decltype(named_parameters(std::declval<const Tree&>())),
                               std::vector<NamedParameter<const float>>>);
}

TEST_CASE("module: a parameter has the role that visit gives it") {
  LayerNorm<float> norm(3, 1e-6);
  const auto parameters = named_parameters(norm);
  REQUIRE(parameters.size() == 2);
  CHECK(parameters[0].role == ParameterRole::norm_weight);
  CHECK(parameters[1].role == ParameterRole::norm_bias);
  const LayerNorm<float>& constant = norm;
  CHECK(named_parameters(constant)[1].role == ParameterRole::norm_bias);
  Tree tree;
  for (const auto& parameter : named_parameters(tree)) {
    CHECK(parameter.role == ParameterRole::other);
  }
}

TEST_CASE("module: roles reach optional parameters and lists of them") {
  Listed model;
  model.maybe = Parameter<float, 2>{Tensor<float, 2>({1, 1})};
  const auto parameters = named_parameters(model);
  REQUIRE(parameters.size() == 3);
  for (const auto& parameter : parameters) CHECK(parameter.role == ParameterRole::token);
}

TEST_CASE("module: the count has frozen tables in it and absent members not") {
  Tree tree;
  CHECK(parameter_count(tree) == 4 + 3 * 6 + 10);
  tree.extra.emplace();
  CHECK(parameter_count(tree) == 4 + 4 * 6 + 10);
}

TEST_CASE("module: set_trainable freezes and frees everything below") {
  Tree tree;
  for (const bool trainable : {false, true}) {
    set_trainable(tree, trainable);
    for (const auto& parameter : named_parameters(tree)) CHECK(parameter.trainable == trainable);
  }
}

TEST_CASE("module: a copy shares nothing") {
  Tree tree;
  Tree copy = tree;
  named_parameters(tree)[0].values[0] = 1;
  CHECK(copy.token.value(0, 0, 0) == 0);
}

TEST_CASE("module: a visit that names things twice is refused") {
  Careless careless;
  CHECK(error_of([&] { named_parameters(careless); }) ==
        "named_parameters: one parameter is called first.weight and second.weight");
  careless.alike = true;
  CHECK(error_of([&] { named_parameters(careless); }) ==
        "named_parameters: two parameters are called first.weight");
}

}  // namespace
}  // namespace tessera::test
