#pragma once

#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/io/checkpoint.hpp"
#include "tessera/io/weights/load.hpp"

namespace tessera::io::test {

/// The kept quarter of the patches and the others, as the MAE code picks them: the least noise.
inline std::pair<TokenIndex, TokenIndex> selection_of_noise(const Tensor<double, 2>& noise) {
  const Index count = noise.dim(1);
  const Index kept = count / 4;
  TokenIndex keep({noise.dim(0), kept + 1});
  TokenIndex mask({noise.dim(0), count - kept});
  for (Index b = 0; b < noise.dim(0); ++b) {
    std::vector<Index> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), Index{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](Index i, Index j) { return noise(b, i) < noise(b, j); });
    keep(b, 0) = 0;
    for (Index k = 0; k < kept; ++k) keep(b, k + 1) = 1 + order[static_cast<std::size_t>(k)];
    std::sort(order.begin() + kept, order.end());
    for (Index k = kept; k < count; ++k) mask(b, k - kept) = 1 + order[static_cast<std::size_t>(k)];
  }
  return {std::move(keep), std::move(mask)};
}

/// rows [B, N, D] at the patches of idx [B, K], which counts one prefix token.
template <class Scalar>
Tensor<Scalar, 3> rows_at(const Tensor<Scalar, 3>& rows, const TokenIndex& idx) {
  Tensor<Scalar, 3> found({idx.dim(0), idx.dim(1), rows.dim(2)});
  for (Index b = 0; b < idx.dim(0); ++b) {
    for (Index k = 0; k < idx.dim(1); ++k) {
      std::copy_n(rows.row(b * rows.dim(1) + idx(b, k) - 1), rows.dim(2),
                  found.row(b * idx.dim(1) + k));
    }
  }
  return found;
}

/// Loads a case and compares every output it has; returns what differs, "" if nothing does.
template <class Scalar>
class PublishedCase {
 public:
  explicit PublishedCase(const Case& published) : PublishedCase(published, published.open()) {}
  /// The same model from another file.
  PublishedCase(const Case& published, Checkpoint file)
      : case_(published), expected_(published.expected), file_(std::move(file)) {}

  std::string mismatch() {
    const std::string kind = case_.kind();
    if (kind == "decoder") return decoder();
    if (kind == "predictor") return predictor();
    if (kind == "ijepa") return ijepa();
    if (kind == "mae") return mae();
    compare_encoder(load_encoder<Scalar>(file_));
    return found_;
  }

  /// A predictor without its encoders goes into an I-JEPA made for it.
  IJEPA<Scalar> predictor_model() const {
    IJEPA<Scalar> ijepa({.encoder = {.image_size = {expected_.integer("image_height"),
                                                    expected_.integer("image_width")},
                                     .patch_size = expected_.integer("patch_size"),
                                     .embed_dim = expected_.integer("embed_dim"),
                                     .depth = 1,
                                     .num_heads = expected_.integer("num_heads"),
                                     .class_token = false},
                         .predictor_embed_dim = expected_.integer("decoder_embed_dim"),
                         .predictor_depth = expected_.integer("decoder_depth"),
                         .predictor_num_heads = expected_.integer("decoder_num_heads"),
                         .predictor_mlp_ratio = double(expected_.integer("decoder_mlp_hidden")) /
                                                double(expected_.integer("decoder_embed_dim"))});
    load_weights(file_, ijepa, {.allow_missing = true});
    return ijepa;
  }

 private:
  bool has(const std::string& name) const { return expected_.contains(name); }
  Tensor<Scalar, 4> images() const { return expected_.tensor<Scalar, 4>("input.images"); }

  template <int Rank>
  void compare(const std::string& name, const Var<Scalar, Rank>& actual) {
    found_ += expected_.mismatch("output." + name, actual.value());
  }

  void compare_encoder(const MaskedVisionTransformer<Scalar>& encoder) {
    compare("encode", encoder.encode(images()));
    if (has("output.pooled")) compare("pooled", encoder.forward(images()));
    if (has("output.latent")) {
      const auto noise = expected_.tensor<double, 2>("input.noise");
      compare("latent", encoder.encode(images(), {.idx_keep = selection_of_noise(noise).first}));
    }
    // Code that does not mask in the encoder leaves its mask token out.
    if (!has("output.masked") || !file_.contains("encoder.mask_token")) return;
    TokenSelection selection = expected_.selection();
    if (has("input.mask_patches")) {
      const auto patches = expected_.tensor<bool, 2>("input.mask_patches");
      const Index prefix = encoder.num_prefix_tokens();
      TokenMask mask({patches.dim(0), prefix + patches.dim(1)});
      for (Index b = 0; b < patches.dim(0); ++b) {
        std::copy_n(patches.row(b), patches.dim(1), mask.row(b) + prefix);
      }
      selection.mask = mask;
    }
    compare("masked", encoder.encode(images(), selection));
  }

  std::string mae() {
    const auto mae = load_mae<Scalar>(file_);
    compare_encoder(mae.encoder);
    const auto [keep, mask] = selection_of_noise(expected_.tensor<double, 2>("input.noise"));
    const auto all = expected_.tensor<double, 3>("output.pred");
    const auto masked = rows_at(all, mask);
    const auto prediction = mae.forward(images(), keep, mask).value();
    const double apart =
        tessera::test::relative_difference<Scalar>(prediction.values(), masked.values());
    if (!(apart <= tessera::test::parity_tolerance<Scalar>)) {
      found_ += concat(case_.name(), ": predictions differ by ", apart);
    }
    compare("loss", mae.loss(images(), keep, mask));
    return found_;
  }

  std::vector<TokenIndex> masks(const std::string& name) const {
    const auto all = expected_.index<3>(name);
    std::vector<TokenIndex> found;
    for (Index i = 0; i < all.dim(0); ++i) {
      TokenIndex one({all.dim(1), all.dim(2)});
      std::copy_n(all.row(i * all.dim(1)), one.size(), one.data());
      found.push_back(one);
    }
    return found;
  }

  std::string ijepa() {
    auto ijepa = load_ijepa<Scalar>(file_);
    const auto enc = masks("input.masks_enc");
    const auto pred = masks("input.masks_pred");
    compare("encode.encoder", ijepa.encoder.encode(images()));
    compare("encode.target_encoder", ijepa.target_encoder.encode(images()));
    compare("predict.encoder", ijepa.forward_context(images(), enc, pred));
    for (const EncoderChoice choice : {EncoderChoice::context, EncoderChoice::target}) {
      const auto encoder = load_encoder<Scalar>(file_, {.encoder = choice});
      compare(choice == EncoderChoice::context ? "encode.encoder" : "encode.target_encoder",
              encoder.encode(images()));
    }
    ijepa.encoder = ijepa.target_encoder;
    compare("predict.target_encoder", ijepa.forward_context(images(), enc, pred));
    return found_;
  }

  std::string decoder() {
    const auto decoder = load_decoder<Scalar>(file_);
    const auto tokens = expected_.tensor<Scalar, 3>("input.tokens");
    compare("decode", decoder.forward(tokens));
    compare("selected", decoder.forward(tokens, expected_.selection()));
    return found_;
  }

  std::string predictor() {
    const IJEPA<Scalar> ijepa = predictor_model();
    const auto enc = masks("input.masks_enc");
    const auto context = ijepa.predictor_embed(Var(expected_.tensor<Scalar, 3>("input.context")));
    const Index batch = enc[0].dim(0);
    std::vector<Var<Scalar, 3>> predictions;
    for (const TokenIndex& target : masks("input.masks_pred")) {
      for (std::size_t e = 0; e < enc.size(); ++e) {
        Tensor<Scalar, 3> part({batch, context.dim(1), context.dim(2)});
        std::copy_n(context.value().row(static_cast<Index>(e) * batch * context.dim(1)),
                    part.size(), part.data());
        predictions.push_back(ijepa.predictor.predict(Var(part), enc[e], target));
      }
    }
    compare("predict", ijepa.predictor_proj(concat_batch<Scalar>(predictions)));
    return found_;
  }

  const Case& case_;
  const Fixture& expected_;
  Checkpoint file_;
  std::string found_;
};

}  // namespace tessera::io::test
