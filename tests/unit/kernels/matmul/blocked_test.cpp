#include "tessera/kernels/matmul/blocked.hpp"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "support/bf16_tiles.hpp"
#include "support/each_isa.hpp"

namespace tessera::kernels {

namespace {

struct Sizes {
  Index rows, cols, depth;
};

// One element; primes; a row, a column and one step of k; one more and one less than tiles, panels,
// blocks of k, blocks of rows and cells; strides of 4 KiB, of a small a and of one that cells copy;
// enough rows and columns for all of [K, N] to be packed at once, in several blocks of k.
const Sizes shapes[] = {{1, 1, 1},      {1, 97, 53},     {97, 1, 31},    {29, 37, 1},
                        {13, 31, 511},  {15, 33, 513},   {50, 64, 1024}, {113, 65, 40},
                        {63, 129, 30},  {35, 40, 1030},  {64, 128, 17},  {1025, 33, 9},
                        {7, 2, 1030},   {113, 65, 1021}, {5, 1021, 40},  {1021, 33, 20},
                        {34, 35, 2100}, {520, 33, 1021}, {70, 230, 1030}};

enum class Form { nn, nt, tn, panels };

constexpr Form forms[] = {Form::nn, Form::nt, Form::tn, Form::panels};

/// A product in every layout, inside larger matrices so that strides are not widths.
struct Example {
  Example(const Sizes& s, Form f)
      : sizes(s),
        form(f),
        a(test::random_tensor<2, float>(
            {(f == Form::tn ? s.depth : s.rows) + 1, (f == Form::tn ? s.rows : s.depth) + gap}, 1)),
        b(test::random_tensor<2, float>(
            {(by_cols() ? s.cols : s.depth) + 1, (by_cols() ? s.depth : s.cols) + gap}, 2)) {
    if (form != Form::panels) return;
    const Index count = panel_count(sizes.cols);
    panels = Tensor<float, 1>({count * panel_cols * sizes.depth});
    for (Index p = 0; p < count; ++p) {
      pack_panel_transposed(b.row(p * panel_cols), b.dim(1), sizes.depth,
                            std::min(panel_cols, sizes.cols - p * panel_cols),
                            panels.data() + p * panel_cols * sizes.depth);
    }
  }

  bool by_cols() const { return form == Form::nt || form == Form::panels; }

  Gemm into(Tensor<float, 2>& c, bool accumulate) const {
    const bool tn = form == Form::tn;
    const BLayout layout = form == Form::panels ? BLayout::panels_of_f32
                           : by_cols()          ? BLayout::n_by_k
                                                : BLayout::k_by_n;
    return {.a = {a.data(), tn ? 1 : a.dim(1), tn ? a.dim(1) : 1},
            .b = {form == Form::panels ? panels.data() : b.data(), sizes.depth, sizes.cols,
                  b.dim(1), layout},
            .c = view(c).block(0, 0, sizes.rows, sizes.cols),
            .accumulate = accumulate};
  }

  /// In double, with `start` for every element that is not computed or is added to.
  Tensor<double, 2> expected(double start, bool accumulate) const {
    Tensor<double, 2> c({sizes.rows + 1, sizes.cols + gap}, start);
    for (Index i = 0; i < sizes.rows; ++i) {
      for (Index j = 0; j < sizes.cols; ++j) {
        double sum = accumulate ? start : 0.0;
        for (Index k = 0; k < sizes.depth; ++k) {
          sum += static_cast<double>(form == Form::tn ? a(k, i) : a(i, k)) *
                 static_cast<double>(by_cols() ? b(j, k) : b(k, j));
        }
        c(i, j) = sum;
      }
    }
    return c;
  }

  static constexpr Index gap = 3;
  Sizes sizes;
  Form form;
  Tensor<float, 2> a;
  Tensor<float, 2> b;
  Tensor<float, 1> panels;
};

}  // namespace

TEST_CASE("blocked products agree with double in every layout, on every instruction set") {
  for (const Sizes& sizes : shapes) {
    for (const Form form : forms) {
      const Example example(sizes, form);
      for (const bool accumulate : {false, true}) {
        const Tensor<double, 2> expected = example.expected(0.5, accumulate);
        for (const Isa isa : test::every_isa()) {
          INFO(sizes.rows << " x " << sizes.cols << " x " << sizes.depth << " form "
                          << static_cast<int>(form) << " isa " << static_cast<int>(isa));
          const ExecutionScope scope({.isa = isa});
          Tensor<float, 2> c({sizes.rows + 1, sizes.cols + Example::gap}, 0.5F);
          multiply(example.into(c, accumulate));
          test::check_close(c, expected);
        }
      }
    }
  }
}

TEST_CASE("columns of the first panel can be skipped") {
  const Index cols = 100;
  const Index depth = 21;
  const Example all({9, cols, depth}, Form::panels);
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    Tensor<float, 2> whole({9, cols});
    multiply(all.into(whole, false));
    for (const Index skip : {1, 8, 19, 31}) {
      const Index rest = 45;
      Tensor<float, 2> part({9, rest});
      Gemm product = all.into(whole, false);
      product.c = view(part);
      product.b.cols = rest;
      product.b.skipped_cols = skip;
      multiply(product);
      for (Index r = 0; r < 9; ++r) {
        for (Index j = 0; j < rest; ++j) REQUIRE(part(r, j) == whole(r, skip + j));
      }
    }
  }
}

TEST_CASE("an element has the same bits wherever it stands, on any number of threads",
          "[threads]") {
  const Sizes sizes{131, 250, 700};
  for (const Isa isa : test::every_isa()) {
    Tensor<float, 2> first;
    for (const Form form : {Form::nt, Form::panels, Form::nn}) {
      const Example example(sizes, form);
      if (form == Form::nn) first = {};  // other random numbers
      for (const Index threads : {1, 2, 3, 4}) {
        const ExecutionScope scope({.threads = threads, .isa = isa});
        Tensor<float, 2> c({sizes.rows + 1, sizes.cols + Example::gap}, 0.5F);
        multiply(example.into(c, true));
        if (first.size() == 0) first = c;
        CHECK((c == first));
      }
      // One row alone, two columns alone: other tiles, the same sums.
      const ExecutionScope scope({.isa = isa});
      Tensor<float, 2> part({1, 2}, 0.5F);
      Gemm product = example.into(first, true);
      product.c = view(part);
      product.b.cols = 2;
      product.a.data = product.a.at(77, 0);
      multiply(product);
      CHECK(part(0, 0) == first(77, 0));
      CHECK(part(0, 1) == first(77, 1));
    }
  }
}

TEST_CASE("in medium precision inputs are rounded to bfloat16, sums are not", "[threads]") {
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope(
        {.threads = 2, .matmul_precision = MatmulPrecision::medium, .isa = isa});
    if (gemm_input() != GemmInput::bf16) continue;  // computes in float32
    for (const Sizes& sizes : shapes) {
      for (const Form form : {Form::nn, Form::nt, Form::tn}) {
        INFO(sizes.rows << " x " << sizes.cols << " x " << sizes.depth);
        const Example example(sizes, form);
        Example rounded = example;
        for (float& value : rounded.a) value = test::as_bfloat16(value);
        for (float& value : rounded.b) value = test::as_bfloat16(value);
        for (const bool accumulate : {false, true}) {
          Tensor<float, 2> found({sizes.rows + 1, sizes.cols + Example::gap}, 0.5F);
          multiply(example.into(found, accumulate));
          test::check_close(found, rounded.expected(0.5, accumulate));
        }
      }
    }
  }
}

TEST_CASE("in high precision products have the accuracy of sixteen bits", "[threads]") {
  const ExecutionScope scope({.threads = 2, .matmul_precision = MatmulPrecision::high});
  if (gemm_input() != GemmInput::bf16_split) return;  // computes in float32
  double worst = 0;
  for (const Sizes& sizes : shapes) {
    for (const Form form : {Form::nn, Form::nt, Form::tn}) {
      INFO(sizes.rows << " x " << sizes.cols << " x " << sizes.depth);
      const Example example(sizes, form);
      Tensor<float, 2> found({sizes.rows + 1, sizes.cols + Example::gap}, 0.5F);
      multiply(example.into(found, true));
      const double apart =
          test::distance(test::values_of(found), test::values_of(example.expected(0.5, true)));
      CHECK(apart < 2e-5);
      worst = std::max(worst, apart);
    }
  }
  CHECK(worst > 1e-7);  // it is not float32 that was measured
}

TEST_CASE("what high makes of numbers that bfloat16 has not") {
  const ExecutionScope scope({.matmul_precision = MatmulPrecision::high});
  if (gemm_input() != GemmInput::bf16_split) return;  // computes in float32
  const auto product_of = [](float x, float y) {
    Tensor<float, 2> c({1, 1});
    multiply({.a = {&x, 1, 1}, .b = {&y, 1, 1, 1, BLayout::n_by_k}, .c = view(c)});
    return c(0, 0);
  };
  CHECK(std::abs(product_of(3.0e38F, 0.5F) / 1.5e38F - 1) < 2e-5F);
  CHECK(std::isnan(product_of(std::numeric_limits<float>::max(), 0.5F)));
  CHECK(std::isnan(product_of(std::numeric_limits<float>::infinity(), 1.0F)));
  CHECK(product_of(1e-39F, 1e10F) == 0.0F);
}

TEST_CASE("pairs too have the same bits wherever an element stands, on any number of threads",
          "[threads]") {
  const Sizes sizes{131, 250, 2100};
  std::vector<std::pair<Isa, Form>> isas_and_forms;
  for (const Isa isa : test::every_isa()) {
    for (const Form form : {Form::nt, Form::nn}) isas_and_forms.emplace_back(isa, form);
  }
  for (const MatmulPrecision precision : {MatmulPrecision::medium, MatmulPrecision::high}) {
    for (const auto& [isa, form] : isas_and_forms) {
      const Example example(sizes, form);
      Tensor<float, 2> first;
      for (const Index threads : {1, 2, 3, 4}) {
        const ExecutionScope scope({.threads = threads, .matmul_precision = precision, .isa = isa});
        Tensor<float, 2> c({sizes.rows + 1, sizes.cols + Example::gap}, 0.5F);
        multiply(example.into(c, true));
        if (first.size() == 0) first = c;
        CHECK((c == first));
      }
      const ExecutionScope scope({.matmul_precision = precision, .isa = isa});
      Tensor<float, 2> part({1, 2}, 0.5F);
      Gemm product = example.into(first, true);
      product.c = view(part);
      product.b.cols = 2;
      product.a.data = product.a.at(77, 0);
      multiply(product);
      CHECK(part(0, 0) == first(77, 0));
      CHECK(part(0, 1) == first(77, 1));
    }
  }
}

TEST_CASE("an epilogue follows the sum over all blocks of k", "[threads]") {
  const Sizes sizes{113, 65, 1030};
  const Index stride = sizes.cols;
  const auto bias = test::random_tensor<1, float>({sizes.cols}, 3);
  const auto residual = test::random_tensor<2, float>({sizes.rows, stride}, 4);
  const Example example(sizes, Form::panels);
  for (const Index skip : {0, 19}) {
    for (const bool accumulate : {false, true}) {
      const Tensor<double, 2> sums = example.expected(0.5, accumulate);
      Tensor<double, 2> input({sizes.rows, stride}, 7.0);
      Tensor<double, 2> expected({sizes.rows, stride}, 0.5);
      for (Index r = 0; r < sizes.rows; ++r) {
        for (Index j = 0; j < sizes.cols - skip; ++j) {
          input(r, j) = sums(r, skip + j) + static_cast<double>(bias(j));
          expected(r, j) = gelu(input(r, j)) + static_cast<double>(residual(r, j));
        }
      }
      for (const Isa isa : test::every_isa()) {
        for (const Index threads : {1, 3}) {
          INFO("isa " << static_cast<int>(isa) << " skip " << skip);
          const ExecutionScope scope({.threads = threads, .isa = isa});
          Tensor<float, 2> kept({sizes.rows, stride}, 7.0F);
          Tensor<float, 2> c({sizes.rows, stride}, 0.5F);
          Gemm product = example.into(c, accumulate);
          product.c = view(c).block(0, 0, sizes.rows, sizes.cols - skip);
          product.b.cols = sizes.cols - skip;
          product.b.skipped_cols = skip;
          product.epilogue = {.bias = bias.data(),
                              .gelu = true,
                              .gelu_input = kept.data(),
                              .residual = residual.data()};
          multiply(product);
          test::check_close(kept, input);
          test::check_close(c, expected);
        }
      }
    }
  }
}

TEST_CASE("without depth there is nothing to add, but the epilogue is applied") {
  const auto bias = test::random_tensor<1, float>({40}, 1);
  Tensor<float, 2> c({3, 40}, 2.0F);
  Gemm product{.a = {nullptr, 0, 1},
               .b = {nullptr, 0, 40, 0, BLayout::n_by_k},
               .c = view(c),
               .accumulate = true,
               .epilogue = {.bias = bias.data()}};
  multiply(product);
  for (Index j = 0; j < 40; ++j) CHECK(c(2, j) == 2.0F + bias(j));
  product.accumulate = false;
  multiply(product);
  for (Index j = 0; j < 40; ++j) CHECK(c(1, j) == bias(j));
}

}  // namespace tessera::kernels
