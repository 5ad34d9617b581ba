#include "tessera/kernels/attention.hpp"

#include "support/close.hpp"
#include "support/each_isa.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

namespace {

using test::random_tensor;

struct Case {
  Index batch, heads, head_dim, queries, keys;
};

/// Attention of plain loops in double: [batch, queries, heads * head_dim] and [batch, heads,
/// queries].
struct Plain {
  Tensor<double, 3> out;
  Tensor<double, 3> logsumexp;
};

Plain plain_attention(const Case& of, const Tensor<double, 3>& q, const Tensor<double, 3>& k,
                      const Tensor<double, 3>& v) {
  Plain result{Tensor<double, 3>(q.shape()), Tensor<double, 3>({of.batch, of.heads, of.queries})};
  for (Index b = 0; b < of.batch; ++b) {
    for (Index h = 0; h < of.heads; ++h) {
      const Index first = h * of.head_dim;
      for (Index i = 0; i < of.queries; ++i) {
        std::vector<double> weights;
        double sum = 0;
        for (Index j = 0; j < of.keys; ++j) {
          double dot = 0;
          for (Index c = first; c < first + of.head_dim; ++c) dot += q(b, i, c) * k(b, j, c);
          weights.push_back(std::exp(dot / std::sqrt(static_cast<double>(of.head_dim))));
          sum += weights.back();
        }
        result.logsumexp(b, h, i) = std::log(sum);
        for (Index j = 0; j < of.keys; ++j) {
          for (Index c = first; c < first + of.head_dim; ++c) {
            result.out(b, i, c) += weights[static_cast<std::size_t>(j)] / sum * v(b, j, c);
          }
        }
      }
    }
  }
  return result;
}

template <class T, class Scalar>
HeadsView<T> heads(Tensor<Scalar, 3>& tensor) {
  return {tensor.data(), tensor.dim(1), tensor.dim(2)};
}

}  // namespace

TEMPLATE_TEST_CASE("attention_forward agrees with plain loops", "", float, double) {
  // One token, one key, several blocks of queries, exactly one block, a head of one column.
  for (const Case& of :
       {Case{1, 1, 1, 1, 1}, Case{2, 3, 4, 5, 1}, Case{1, 2, 3, 300, 40}, Case{2, 1, 5, 128, 129},
        Case{1, 1, 33, 460, 1030}, Case{1, 4, 1, 7, 9}, Case{2, 2, 2, 0, 3}}) {
    INFO(of.batch << " " << of.heads << " " << of.head_dim << " " << of.queries << " " << of.keys);
    const Index width = of.heads * of.head_dim;
    auto q = random_tensor<3, TestType>({of.batch, of.queries, width}, 1);
    auto k = random_tensor<3, TestType>({of.batch, of.keys, width}, 2);
    auto v = random_tensor<3, TestType>({of.batch, of.keys, width}, 3);
    Tensor<TestType, 3> out(q.shape(), TestType(9));
    Tensor<TestType, 3> logsumexp({of.batch, of.heads, of.queries}, TestType(9));
    attention_forward<TestType>(heads<const TestType>(q), heads<const TestType>(k),
                                heads<const TestType>(v), heads<TestType>(out), logsumexp.data(),
                                {of.batch, of.heads, of.head_dim});
    const Plain expected = plain_attention(of, q.template cast<double>(), k.template cast<double>(),
                                           v.template cast<double>());
    test::check_close(out, expected.out);
    test::check_close(logsumexp, expected.logsumexp);
  }
}

TEST_CASE("attention_backward agrees with differences of the plain loops") {
  // Two blocks of queries; two blocks of keys.
  const Case of = GENERATE(Case{1, 2, 2, 130, 3}, Case{1, 2, 2, 5, 260});
  const AttentionSizes sizes{of.batch, of.heads, of.head_dim};
  auto q = random_tensor<3>({1, of.queries, 4}, 1);
  auto k = random_tensor<3>({1, of.keys, 4}, 2);
  auto v = random_tensor<3>({1, of.keys, 4}, 3);
  auto dout = random_tensor<3>({1, of.queries, 4}, 4);
  Plain plain = plain_attention(of, q, k, v);
  Tensor<double, 3> dq(q.shape(), 9.0);
  Tensor<double, 3> dk(k.shape(), 9.0);
  Tensor<double, 3> dv(v.shape(), 9.0);
  attention_backward<double>(heads<const double>(q), heads<const double>(k), heads<const double>(v),
                             heads<const double>(plain.out), plain.logsumexp.data(),
                             heads<const double>(dout), heads<double>(dq), heads<double>(dk),
                             heads<double>(dv), sizes);
  const auto check = [&](Tensor<double, 3>& input, const Tensor<double, 3>& gradient) {
    for (Index i = 0; i < input.size(); i += input.size() > 20 ? 29 : 1) {
      const double former = input.data()[i];
      const double step = 1e-5;
      input.data()[i] = former + step;
      const Tensor<double, 3> above = plain_attention(of, q, k, v).out;
      input.data()[i] = former - step;
      const Tensor<double, 3> below = plain_attention(of, q, k, v).out;
      input.data()[i] = former;
      const double numeric = ((above.array() - below.array()) * dout.array()).sum() / (2 * step);
      CHECK(std::abs(gradient.data()[i] - numeric) <= 1e-7);
    }
  };
  check(q, dq);
  check(k, dk);
  check(v, dv);
}

TEST_CASE("attention_backward of float agrees with that of double on every instruction set") {
  const Case of{1, 2, 40, 115, 300};
  const auto gradients = [&]<class Scalar>(Scalar) {
    const Index width = of.heads * of.head_dim;
    auto q = random_tensor<3, Scalar>({1, of.queries, width}, 1);
    auto k = random_tensor<3, Scalar>({1, of.keys, width}, 2);
    auto v = random_tensor<3, Scalar>({1, of.keys, width}, 3);
    auto dout = random_tensor<3, Scalar>({1, of.queries, width}, 4);
    Tensor<Scalar, 3> out(q.shape());
    Tensor<Scalar, 3> logsumexp({1, of.heads, of.queries});
    Tensor<Scalar, 3> dq(q.shape());
    Tensor<Scalar, 3> dk(k.shape());
    Tensor<Scalar, 3> dv(v.shape());
    const AttentionSizes sizes{of.batch, of.heads, of.head_dim};
    attention_forward<Scalar>(heads<const Scalar>(q), heads<const Scalar>(k),
                              heads<const Scalar>(v), heads<Scalar>(out), logsumexp.data(), sizes);
    attention_backward<Scalar>(heads<const Scalar>(q), heads<const Scalar>(k),
                               heads<const Scalar>(v), heads<const Scalar>(out), logsumexp.data(),
                               heads<const Scalar>(dout), heads<Scalar>(dq), heads<Scalar>(dk),
                               heads<Scalar>(dv), sizes);
    return std::vector<test::Values>{test::values_of(dq), test::values_of(dk), test::values_of(dv)};
  };
  const auto expected = gradients(0.0);
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    const auto found = gradients(0.0F);
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(test::distance(found[i], expected[i]) <= test::tolerance<float>);
    }
  }
}

TEST_CASE("attention_backward without queries gives keys and values no gradient") {
  Tensor<double, 3> none({2, 0, 4});
  Tensor<double, 3> k({2, 3, 4}, 1.0);
  Tensor<double, 3> dk({2, 3, 4}, 9.0);
  Tensor<double, 3> dv({2, 3, 4}, 9.0);
  attention_backward<double>(heads<const double>(none), heads<const double>(k),
                             heads<const double>(k), heads<const double>(none), nullptr,
                             heads<const double>(none), heads<double>(none), heads<double>(dk),
                             heads<double>(dv), {2, 2, 2});
  CHECK(dk == Tensor<double, 3>({2, 3, 4}));
  CHECK(dv == Tensor<double, 3>({2, 3, 4}));
}

TEMPLATE_TEST_CASE("without keys attention is zero, and so are all gradients", "", float, double) {
  Tensor<TestType, 3> none({2, 0, 4});
  Tensor<TestType, 3> q({2, 3, 4}, TestType(1));
  Tensor<TestType, 3> out({2, 3, 4}, TestType(9));
  Tensor<TestType, 3> logsumexp({2, 2, 3}, TestType(9));
  attention_forward<TestType>(heads<const TestType>(q), heads<const TestType>(none),
                              heads<const TestType>(none), heads<TestType>(out), logsumexp.data(),
                              {2, 2, 2});
  CHECK(out == Tensor<TestType, 3>({2, 3, 4}));
  for (const TestType value : logsumexp) {
    CHECK(value == -std::numeric_limits<TestType>::infinity());
  }
  Tensor<TestType, 3> dq({2, 3, 4}, TestType(9));
  attention_backward<TestType>(heads<const TestType>(q), heads<const TestType>(none),
                               heads<const TestType>(none), heads<const TestType>(out),
                               logsumexp.data(), heads<const TestType>(q), heads<TestType>(dq),
                               heads<TestType>(none), heads<TestType>(none), {2, 2, 2});
  CHECK(dq == Tensor<TestType, 3>({2, 3, 4}));
}

}  // namespace tessera::kernels
