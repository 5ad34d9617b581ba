#include "tessera/kernels/matmul/bf16_pairs.hpp"

#include <bit>
#include <cmath>

#include "support/bfloat16_bits.hpp"
#include "support/catch.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

namespace {

/// The bfloat16 of lane r and step k in a block of either order.
std::uint32_t bits_at(const Tensor<float, 2>& block, WordOrder order, Index r, Index k) {
  const float word = order == WordOrder::by_lane ? block(r, k / 2) : block(k / 2, r);
  const auto bits = std::bit_cast<std::uint32_t>(word);
  return k % 2 == 0 ? bits & 0xffffU : bits >> 16;
}

/// A source of 16 lanes and 32 steps in either layout, cut to any part of it.
struct Source {
  Tensor<float, 2> by_lane{{block_lanes, 50}};
  Tensor<float, 2> by_step{{block_depth, 50}};

  explicit Source(const std::vector<float>& values) {
    std::size_t next = 0;
    for (Index r = 0; r < block_lanes; ++r) {
      for (Index k = 0; k < block_depth; ++k) {
        by_lane(r, k) = by_step(k, r) = values[next++ % values.size()];
      }
    }
  }
  Lanes lanes(bool lane_by_lane) const {
    return lane_by_lane ? Lanes{by_lane.data(), 50, 1} : Lanes{by_step.data(), 1, 50};
  }
};

template <WordOrder order, WordPart part, class Expected>
void check_block(const Source& source, const Expected& expected) {
  for (const bool lane_by_lane : {true, false}) {
    for (const Index lanes : {0, 1, 15, 16}) {
      for (const Index depth : {1, 2, 17, 32}) {
        INFO("lane by lane " << lane_by_lane << ", " << lanes << " x " << depth);
        Tensor<float, 2> block({17, 20}, -1.0F);
        make_words<order, part>(source.lanes(lane_by_lane), lanes, depth, block.data(), 20);
        for (Index r = 0; r < block_lanes; ++r) {
          for (Index k = 0; k < block_depth; ++k) {
            const bool there = r < lanes && k < depth;
            REQUIRE(bits_at(block, order, r, k) == (there ? expected(source.by_lane(r, k)) : 0U));
          }
        }
        CHECK(block(15, 16) == -1.0F);
        CHECK(block(16, 0) == -1.0F);
      }
    }
  }
}

}  // namespace

TEST_CASE("blocks of words hold rounded values in either order, from either layout") {
  if (machine_isa() < Isa::avx512_bf16) return;  // nothing here can make them
  const Source source(test::hard_values());
  check_block<WordOrder::by_lane, WordPart::rounded>(source, test::bfloat16_bits);
  check_block<WordOrder::by_step, WordPart::rounded>(source, test::bfloat16_bits);
}

TEST_CASE("the rest is what rounding left over, rounded, and zero where nothing can be left") {
  if (machine_isa() < Isa::avx512_bf16) return;  // nothing here can make them
  const Source source(test::hard_values());
  const auto rest = [](float x) {
    const float rounded = std::bit_cast<float>(test::bfloat16_bits(x) << 16);
    return test::bfloat16_bits(std::isfinite(rounded) ? x - rounded : 0.0F);
  };
  check_block<WordOrder::by_lane, WordPart::rest>(source, rest);
  check_block<WordOrder::by_step, WordPart::rest>(source, rest);
}

}  // namespace tessera::kernels
