#include "tessera/ops/attention.hpp"

#include "support/ops.hpp"
#include "support/weighted_sum.hpp"
#include "tessera/ops/add.hpp"
#include "tessera/ops/linear.hpp"
#include "tessera/ops/tokens/get_at_index.hpp"

namespace tessera::test {

namespace {

const auto of_packed = [](Index heads) {
  return [heads](const auto& qkv) { return attention(qkv, heads); };
};
const auto of_queries = [](Index heads) {
  return [heads](const auto& q, const auto& kv) { return attention(q, kv, heads); };
};

}  // namespace

TEMPLATE_TEST_CASE("attention of hand computed numbers", "", float, double) {
  // One head of one column. Query 0 weighs all keys alike; query log 3 weighs key 1 three times
  // as much as key 0.
  const auto log3 = static_cast<TestType>(std::log(3.0));
  const Var<TestType, 3> qkv = Tensor<TestType, 3>({1, 2, 3}, {0, 0, 4, log3, 1, 8});
  check_close(attention(qkv, 1).value(), Tensor<double, 3>({1, 2, 1}, {6, 7}));
}

TEST_CASE("attention agrees with explicit softmax loops, heads side by side") {
  const Index batch = 2;
  const Index length = 150;  // two blocks of queries
  const Index heads = 3;
  const Index width = 12;
  const Tensor<double, 3> qkv = random_tensor<3>({batch, length, 3 * width}, 1);
  Tensor<double, 3> expected({batch, length, width});
  for (Index b = 0; b < batch; ++b) {
    for (Index h = 0; h < heads; ++h) {
      for (Index i = 0; i < length; ++i) {
        std::vector<double> weight;
        double sum = 0;
        for (Index j = 0; j < length; ++j) {
          double dot = 0;
          for (Index c = 4 * h; c < 4 * h + 4; ++c) dot += qkv(b, i, c) * qkv(b, j, width + c);
          weight.push_back(std::exp(dot / 2));  // sqrt(head width 4)
          sum += weight.back();
        }
        for (Index j = 0; j < length; ++j) {
          for (Index c = 4 * h; c < 4 * h + 4; ++c) {
            expected(b, i, c) +=
                weight[static_cast<std::size_t>(j)] / sum * qkv(b, j, 2 * width + c);
          }
        }
      }
    }
  }
  check_close(attention(Var<double, 3>(qkv), heads).value(), expected);
  check_close(attention(Var<float, 3>(qkv.cast<float>()), heads).value(), expected);
}

TEST_CASE("attention of chosen queries is those rows of the whole, gradients included") {
  // Projections of the same tokens, so that the gradients can be compared.
  const Index width = 8;
  const TokenIndex idx({2, 3}, {4, 0, 4, 1, 2, 3});
  const auto part = [&](const auto& tokens, const auto& weight) {
    const auto q = linear_outputs(get_at_index(tokens, idx), weight, std::nullopt, 0, width);
    const auto kv = linear_outputs(tokens, weight, std::nullopt, width, 2 * width);
    return attention(q, kv, 2);
  };
  const auto whole = [&](const auto& tokens, const auto& weight) {
    return get_at_index(attention(linear(tokens, weight), 2), idx);
  };
  expect_twins(part, whole, random_tensor<3>({2, 5, width}, 1),
               random_tensor<2>({3 * width, width}, 2));
}

TEST_CASE("gradient of attention") {
  struct Sizes {
    Index batch, length, heads, width;
  };
  // Ordinary, one token, one column a head, no images, no tokens.
  for (const auto& [batch, length, heads, width] :
       {Sizes{2, 5, 2, 6}, Sizes{1, 1, 1, 1}, Sizes{2, 3, 4, 4}, Sizes{0, 3, 1, 2},
        Sizes{2, 0, 2, 4}}) {
    INFO(batch << " " << length << " " << heads << " " << width);
    expect_gradient(of_packed(heads), random_tensor<3>({batch, length, 3 * width}, 1));
  }
}

TEST_CASE("gradient of attention over several blocks of queries") {
  expect_gradient(of_packed(2), random_tensor<3>({1, 259, 12}, 1));
  expect_gradient(of_queries(1), random_tensor<3>({1, 130, 3}, 1), random_tensor<3>({1, 4, 6}, 2));
}

TEST_CASE("gradient of attention of chosen queries") {
  struct Sizes {
    Index batch, queries, keys, heads, width;
  };
  // More keys, more queries, one of each, no queries, no queries and no keys, no images.
  for (const auto& [batch, queries, keys, heads, width] :
       {Sizes{2, 2, 5, 2, 6}, Sizes{2, 6, 3, 3, 3}, Sizes{1, 1, 1, 1, 1}, Sizes{2, 0, 3, 2, 4},
        Sizes{2, 0, 0, 2, 4}, Sizes{0, 2, 3, 1, 2}}) {
    INFO(batch << " " << queries << " " << keys << " " << heads << " " << width);
    expect_gradient(of_queries(heads), random_tensor<3>({batch, queries, width}, 1),
                    random_tensor<3>({batch, keys, 2 * width}, 2));
  }
}

TEST_CASE("attention's backward computes in the precision of its forward") {
  const Tensor<float, 3> qkv = random_tensor<3, float>({2, 40, 48}, 1);
  const Tensor<float, 3> q = random_tensor<3, float>({2, 20, 16}, 2);
  const Tensor<float, 3> kv = random_tensor<3, float>({2, 40, 32}, 3);
  const auto gradients = [&](MatmulPrecision forward, MatmulPrecision backward) {
    Tape<float> tape;
    const auto inputs = std::tuple(tape.variable(qkv), tape.variable(q), tape.variable(kv));
    const auto loss = [&] {
      const ExecutionScope scope({.matmul_precision = forward});
      const auto& [packed, queries, keys] = inputs;
      return add(
          weighted_sum(attention(packed, 2), random_tensor<3, float>({2, 40, 16}, 4)),
          weighted_sum(attention(queries, keys, 2), random_tensor<3, float>({2, 20, 16}, 5)));
    }();
    const ExecutionScope scope({.matmul_precision = backward});
    tape.backward(loss);
    const auto& [packed, queries, keys] = inputs;
    return std::tuple(*tape.gradient(packed), *tape.gradient(queries), *tape.gradient(keys));
  };
  for (const MatmulPrecision precision : {MatmulPrecision::highest, MatmulPrecision::medium}) {
    CHECK(gradients(precision, MatmulPrecision::highest) ==
          gradients(precision, MatmulPrecision::medium));
  }
}

TEMPLATE_TEST_CASE("attention has the same bits on any number of threads", "[threads]", float,
                   double) {
  expect_same_bits<TestType>(of_packed(2), random_tensor<3>({2, 300, 18}, 1));
  expect_same_bits<TestType>(of_queries(2), random_tensor<3>({2, 140, 6}, 1),
                             random_tensor<3>({2, 40, 12}, 2));
}

TEST_CASE("attention refuses what does not fit") {
  const Tensor<double, 3> qkv = random_tensor<3>({2, 3, 18}, 1);
  const Tensor<double, 3> q = random_tensor<3>({2, 3, 6}, 2);
  const Tensor<double, 3> kv = random_tensor<3>({2, 4, 12}, 3);
  expect_refused("attention: heads = 0 must be positive", of_packed(0), qkv);
  expect_refused("attention: heads = -2 must be positive", of_packed(-2), qkv);
  expect_refused("attention: the last axis of qkv [2, 3, 18] must be a multiple of 3 x 4 heads",
                 of_packed(4), qkv);
  expect_refused("attention: the last axis of qkv [2, 3, 0] must be a multiple of 3 x 1 heads",
                 of_packed(1), Tensor<double, 3>({2, 3, 0}));
  expect_refused("attention: heads = 0 must be positive", of_queries(0), q, kv);
  expect_refused("attention: the last axis of q [2, 3, 6] must be a multiple of 4 heads",
                 of_queries(4), q, kv);
  expect_refused("attention: kv [2, 4, 6] must have the batch and twice the width of q [2, 3, 6]",
                 of_queries(2), q, random_tensor<3>({2, 4, 6}, 3));
  expect_refused("attention: kv [1, 4, 12] must have the batch and twice the width of q [2, 3, 6]",
                 of_queries(2), q, random_tensor<3>({1, 4, 12}, 3));
  expect_refused("attention: kv [2, 0, 12] holds no token for q [2, 3, 6] to attend to",
                 of_queries(2), q, Tensor<double, 3>({2, 0, 12}));
  expect_refuses_two_tapes("attention", of_queries(2), q, kv);
}

}  // namespace tessera::test
