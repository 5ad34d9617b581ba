// A tiny I-JEPA with the values that the published code gives for it.

#include <array>

#include "support/catch.hpp"
#include "support/models/predict_scattered.hpp"
#include "support/models/published_models.hpp"
#include "support/near.hpp"
#include "tessera/models/ijepa.hpp"

namespace tessera::test {
namespace {

template <class Scalar>
IJEPA<Scalar> published_ijepa() {
  IJEPA<Scalar> ijepa({.encoder = {.image_size = {16, 16},
                                   .patch_size = 4,
                                   .embed_dim = 12,
                                   .depth = 2,
                                   .num_heads = 3,
                                   .class_token = false,
                                   .global_pool = GlobalPool::avg},
                       .predictor_embed_dim = 8,
                       .predictor_depth = 2,
                       .predictor_num_heads = 2});
  const auto as_it_is = [](const std::string& name) {
    return name == "mask_token" ? std::string() : name;
  };
  CHECK(fill_as_published(ijepa.encoder, 0, as_it_is) == 28);
  CHECK(fill_as_published(ijepa.target_encoder, 500, as_it_is) == 28);
  const std::size_t tensors = fill_as_published(ijepa, 200, [](std::string name) -> std::string {
    if (!name.starts_with("predictor")) return "";
    name = with_prefix(name, "predictor.blocks", "predictor_blocks");
    name = with_prefix(name, "predictor.norm", "predictor_norm");
    return with_prefix(name, "predictor.mask_token", "mask_token");
  });
  CHECK(tensors == 31);
  return ijepa;
}

struct Published {
  const char* name;  // of the parameter
  double one_context;
  double two_contexts;
};

const std::vector<TokenIndex> targets{TokenIndex({2, 2}, {8, 9, 11, 12}),
                                      TokenIndex({2, 2}, {12, 13, 14, 15})};
const TokenIndex first_context({2, 5}, {0, 1, 2, 3, 4, 5, 6, 7, 9, 10});
const TokenIndex second_context({2, 5}, {2, 3, 6, 7, 10, 0, 1, 2, 3, 4});

TEMPLATE_TEST_CASE("published I-JEPA: features, loss and norms of gradients", "[golden]", float,
                   double) {
  const std::array<Published, 9> gradients{{
      {"encoder.patch_embed.proj.weight", .04627690571, .03939498473},
      {"encoder.blocks.0.attn.qkv.weight", .01236240374, .0122744347},
      {"encoder.blocks.1.mlp.fc2.bias", .006875758815, .006447510161},
      {"encoder.norm.weight", .005370190915, .004785513413},
      {"predictor.mask_token", .05037098491, .05970418385},
      {"predictor_embed.weight", .03385365196, .04511270124},
      {"predictor.blocks.0.attn.qkv.weight", .07540535577, .07524212236},
      {"predictor.norm.bias", .05301048879, .05836055832},
      {"predictor_proj.weight", .3533326265, .3651263266},
  }};
  const auto ijepa = published_ijepa<TestType>();
  for (const bool two : {false, true}) {
    const std::string source =
        two ? "published I-JEPA, tiny, two contexts" : "published I-JEPA, tiny, one context";
    const auto check = [&](const std::string& what, double actual, double published,
                           double largest = 0) {
      CHECK(golden_mismatch<TestType>(source, what, actual, published, largest) == "");
    };
    std::vector<TokenIndex> contexts{first_context};
    if (two) contexts.push_back(second_context);
    Tape<TestType> tape;
    const Var<TestType, 4> images(published_images<TestType>(), &tape);

    const Tensor<TestType, 3> z = ijepa.forward_context(images, contexts, targets).value();
    const Tensor<TestType, 3> h = ijepa.forward_target(images, contexts, targets).value();
    REQUIRE(z.shape() == Shape<3>{two ? 8 : 4, 2, 12});
    REQUIRE(h.shape() == z.shape());
    const std::array z_first{.3557176735, -.001505874693, .3001378045, .005301658197};
    const std::array h_first{-.02296019355, .7851607784, -2.858642482, .5874406443};
    const std::array h_last{.2206574172, 1.071904836, .3133490363};
    const std::array z_last = two ? std::array{-.9899109716, .3658620971, -.3641062775}
                                  : std::array{-.6832595162, .1037828445, -.4022099144};
    const double z_largest = largest_of(z.values());
    const double h_largest = largest_of(h.values());
    const Index last = z.rows() - 1;
    for (std::size_t i = 0; i < 4; ++i) {
      check("prediction", z.row(0)[i], z_first[i], z_largest);
      check("target", h.row(0)[i], h_first[i], h_largest);
    }
    for (std::size_t i = 0; i < 3; ++i) {
      check("prediction", z.row(last)[i], z_last[i], z_largest);
      check("target", h.row(last)[i], h_last[i], h_largest);
    }

    const auto loss = ijepa.loss(images, contexts, targets);
    check("loss", loss.value().item(), two ? .564050634102 : .541708095856);
    tape.backward(loss);
    std::size_t found = 0;
    for (const auto& parameter : named_parameters(ijepa)) {
      for (const Published& published : gradients) {
        if (parameter.name != published.name) continue;
        check(concat("gradient of ", published.name),
              std::sqrt(sum_of_squares(tape.gradient_values(parameter.key))),
              two ? published.two_contexts : published.one_context);
        ++found;
      }
    }
    CHECK(found == gradients.size());
  }
}

TEST_CASE("published I-JEPA: disjoint places give the same in the form of a full sequence",
          "[golden]") {
  const auto ijepa = published_ijepa<double>();
  const auto images = published_images<double>();
  const auto context =
      ijepa.predictor_embed(ijepa.encoder.encode(images, {.idx_keep = first_context}));
  std::vector<Var<double, 3>> rows;
  for (const TokenIndex& target : targets) {
    rows.push_back(predict_scattered(ijepa.predictor, context, first_context, target));
  }
  const auto scattered = ijepa.predictor_proj(concat_batch<double>(rows)).value();
  const auto side_by_side =
      ijepa.forward_context(images, std::span(&first_context, 1), targets).value();
  REQUIRE(scattered.shape() == side_by_side.shape());
  for (Index i = 0; i < scattered.size(); ++i) {
    CHECK(scattered.data()[i] == near(side_by_side.data()[i], 1e-14));
  }
}

}  // namespace
}  // namespace tessera::test
