#include "tessera/nn/attention.hpp"

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/gradients.hpp"
#include "support/models/random_model.hpp"
#include "support/throws.hpp"

namespace tessera::test {
namespace {

/// Attention of one image [1, L, dim] as loops over heads, queries, keys and values.
Tensor<double, 3> attention_by_loops(const Attention<double>& module, const Tensor<double, 3>& x) {
  const Tensor<double, 3> qkv = module.qkv(Var(x)).value();
  const Index length = x.dim(1);
  const Index dim = x.dim(2);
  const Index head_dim = dim / module.heads;
  Tensor<double, 3> merged(x.shape());
  for (Index head = 0; head < module.heads; ++head) {
    const Index first = head * head_dim;
    for (Index i = 0; i < length; ++i) {
      std::vector<double> weights;
      double sum = 0;
      for (Index j = 0; j < length; ++j) {
        double score = 0;
        for (Index c = first; c < first + head_dim; ++c) score += qkv(0, i, c) * qkv(0, j, dim + c);
        weights.push_back(std::exp(score / std::sqrt(static_cast<double>(head_dim))));
        sum += weights.back();
      }
      for (Index j = 0; j < length; ++j) {
        const double share = weights[static_cast<std::size_t>(j)] / sum;
        for (Index c = first; c < first + head_dim; ++c) {
          merged(0, i, c) += share * qkv(0, j, 2 * dim + c);
        }
      }
    }
  }
  return module.proj(Var(merged)).value();
}

TEST_CASE("Attention: is what its formula says") {
  for (const bool qkv_bias : {true, false}) {
    Attention<double> module(12, 3, qkv_bias);
    CHECK(module.qkv.bias.has_value() == qkv_bias);
    randomize(module, 1);
    const auto x = random_tensor<3>({1, 5, 12}, 2);
    check_close(module(Var(x)).value(), attention_by_loops(module, x));
  }
}

TEST_CASE("Attention: images do not see each other") {
  Attention<double> module(8, 2);
  randomize(module, 1);
  auto x = random_tensor<3>({2, 3, 8}, 2);
  const auto before = module(Var(x)).value();
  x(1, 0, 0) += 1;
  const auto after = module(Var(x)).value();
  CHECK(std::equal(before.row(0), before.row(3), after.row(0)));
  CHECK_FALSE(std::equal(before.row(3), before.end(), after.row(3)));
}

TEST_CASE("Attention: the queries of the last tokens alone give the last rows") {
  for (const bool qkv_bias : {true, false}) {
    Attention<double> module(12, 3, qkv_bias);
    randomize(module, 3);
    const Var<double, 3> x(random_tensor<3>({2, 5, 12}, 4));
    const auto all = module.attend(x, 5);
    for (const Index count : {1, 3, 5}) {
      check_close(module.attend(x, count).value(), slice_tokens(all, 5 - count, count).value());
    }
    CHECK(module.attend(x, 0).shape() == Shape<3>{2, 0, 12});
    const auto residual = slice_tokens(x, 3, 2);
    check_close(module.plus(x, residual).value(),
                add(residual, slice_tokens(module(x), 3, 2)).value());
  }
}

TEST_CASE("Attention: dropout follows the projection, in training alone") {
  Attention<double> module(8, 2, true, 0.5);
  randomize(module, 1);
  const auto x = random_tensor<3>({2, 3, 8}, 2);
  Generator generator(5);
  Tape<double> tape(generator);
  const Var<double, 3> recorded(x, &tape);
  const auto found = module.plus(recorded, recorded);
  Generator same(5);
  Tape<double> other(same);
  const auto projected = module.proj(module.attend(Var<double, 3>(x, &other), 3));
  check_close(found.value(), add(Var<double, 3>(x), dropout(projected, 0.5)).value());
  check_close(module(Var(x)).value(), projected.value());
}

TEST_CASE("Attention: gradients") {
  for (const Index queries : {4, 2}) {
    for (const bool qkv_bias : {true, false}) {
      WithInput model(Attention<double>(8, 2, qkv_bias), random_tensor<3>({2, 4, 8}, 5));
      CHECK(gradient_error(queries == 4 ? "Attention" : "Attention, last queries", model,
                           [&](Tape<double>* tape) {
                             const auto x = model.input.on(tape);
                             const auto last = slice_tokens(x, 4 - queries, queries);
                             return random_sum(model.module.plus(x, last));
                           }) == "");
    }
  }
}

TEST_CASE("Attention: what makes no module is refused") {
  CHECK(error_of([] { Attention<float>(12, 0); }) ==
        "Attention: num_heads = 0 must be positive and divide dim = 12");
  CHECK(error_of([] { Attention<float>(12, 5); }) ==
        "Attention: num_heads = 5 must be positive and divide dim = 12");
  CHECK(error_of([] { Attention<float>(0, 1); }) ==
        "Attention: num_heads = 1 must be positive and divide dim = 0");
  CHECK(error_of([] { Attention<float>(12, 3, true, -0.1); }) ==
        "Attention: drop_rate = -0.1 is outside [0, 1)");
}

}  // namespace
}  // namespace tessera::test
