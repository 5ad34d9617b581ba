// Models of this library for compare.py, which loads them beside those of PyTorch.
#include <exception>
#include <string>

#include "tessera/io/weights.hpp"
#include "tessera/tessera.hpp"

using namespace tessera;

namespace {

/// How one call computes; precision 0, 1, 2: highest, high, medium.
ExecutionSettings settings(Index threads, int precision) {
  return {.threads = threads, .matmul_precision = static_cast<MatmulPrecision>(precision)};
}

/// Images [batch, 3, side, side] and sets of tokens [batch, counts[i]]: kept and masked ones of an
/// MAE, context and four targets of an I-JEPA.
struct Batch {
  Index size;
  Index side;
  const float* images;
  Index counts[5];
  const Index* tokens[5];

  Tensor<float, 4> image_tensor() const {
    auto tensor = Tensor<float, 4>::empty({size, 3, side, side});
    std::copy_n(images, tensor.size(), tensor.data());
    return tensor;
  }
  TokenIndex index(int which) const {
    auto tensor = TokenIndex::empty({size, counts[which]});
    std::copy_n(tokens[which], tensor.size(), tensor.data());
    return tensor;
  }
};

/// What compare.py holds a pointer to. A call that a kind of model has no meaning for is an error.
class Work {
 public:
  virtual ~Work() = default;
  virtual void pack() = 0;
  virtual Tensor<float, 3> infer(const Batch& batch) const = 0;
  virtual float train(const Batch& batch) = 0;
};

class MAEWork : public Work {
 public:
  MAEWork(const MAEConfig& config, const std::string& file) : mae_(config) {
    io::load_weights(file, mae_);
  }
  void pack() override { pack_weights(mae_); }
  Tensor<float, 3> infer(const Batch& batch) const override {
    return mae_.forward(batch.image_tensor(), batch.index(0), batch.index(1)).value();
  }
  float train(const Batch& batch) override {
    Tape<float> tape;
    const auto loss = mae_.loss(Var(batch.image_tensor(), &tape), batch.index(0), batch.index(1));
    tape.backward(loss);
    optimizer_.step(mae_, tape);
    return loss.value().item();
  }

 private:
  MAE<float> mae_;
  AdamW<float> optimizer_{{.lr = 1e-4, .beta2 = 0.95, .weight_decay = 0.05}};
};

class EncoderWork : public Work {
 public:
  EncoderWork(const MaskedVisionTransformerConfig& config, const std::string& file)
      : encoder_(config) {
    io::load_weights(file, encoder_);
  }
  void pack() override { pack_weights(encoder_); }
  Tensor<float, 3> infer(const Batch& batch) const override {
    return encoder_.encode(batch.image_tensor()).value();
  }
  float train(const Batch& /*batch*/) override { throw std::logic_error("nothing to train"); }

 private:
  MaskedVisionTransformer<float> encoder_;
};

/// Inference is context and predictor: a file for it has no target encoder.
class IJEPAWork : public Work {
 public:
  IJEPAWork(const IJEPAConfig& config, const std::string& file) : ijepa_(config) {
    const io::LoadReport report = io::load_weights(file, ijepa_, {.allow_missing = true});
    if (!report.missing.empty()) ijepa_.target_encoder = {};
  }
  void pack() override {
    pack_weights(ijepa_.encoder);
    pack_weights(ijepa_.predictor_embed);
    pack_weights(ijepa_.predictor);
    pack_weights(ijepa_.predictor_proj);
  }
  Tensor<float, 3> infer(const Batch& batch) const override {
    return ijepa_.forward_context(batch.image_tensor(), context(batch), targets(batch)).value();
  }
  float train(const Batch& batch) override {
    Tape<float> tape;
    const auto loss = ijepa_.loss(Var(batch.image_tensor(), &tape), context(batch), targets(batch));
    tape.backward(loss);
    optimizer_.step(ijepa_, tape);
    update_ema(ijepa_.target_encoder, ijepa_.encoder, 0.996);
    return loss.value().item();
  }

 private:
  static std::vector<TokenIndex> context(const Batch& batch) { return {batch.index(0)}; }
  static std::vector<TokenIndex> targets(const Batch& batch) {
    return {batch.index(1), batch.index(2), batch.index(3), batch.index(4)};
  }

  IJEPA<float> ijepa_;
  AdamW<float> optimizer_{{.lr = 1e-4, .weight_decay = 0.05}};
};

/// A model by the name of its preset, for images of side x side pixels.
Work* make_work(const std::string& preset, Index side, const std::string& file) {
  if (preset.starts_with("mae_")) {
    MAEConfig config = mae_config(preset);
    config.encoder.image_size = {side, side};
    return new MAEWork(config, file);
  }
  if (preset.starts_with("ijepa_")) {
    IJEPAConfig config = ijepa_config(preset);
    config.encoder.image_size = {side, side};
    return new IJEPAWork(config, file);
  }
  MaskedVisionTransformerConfig config = vit_config(preset);
  config.image_size = {side, side};
  return new EncoderWork(config, file);
}

/// Runs f; an exception becomes a message that tessera_error() gives.
thread_local std::string last_error;

template <class F>
bool guarded(const F& f) {
  try {
    f();
    return true;
  } catch (const std::exception& error) {
    last_error = error.what();
    return false;
  }
}

}  // namespace

extern "C" {

const char* tessera_error() { return last_error.c_str(); }

/// A model with the weights of a file. Null: see tessera_error.
Work* tessera_model(const char* preset, Index side, const char* file) {
  Work* work = nullptr;
  guarded([&] { work = make_work(preset, side, file); });
  return work;
}

void tessera_delete(Work* work) { delete work; }

/// Replaces the weights by packed ones, for inference in this precision.
bool tessera_pack(Work* work, int precision) {
  return guarded([&] {
    const ExecutionScope scope(settings(1, precision));
    work->pack();
  });
}

bool tessera_infer(const Work* work, const Batch* batch, Index threads, int precision, float* out) {
  return guarded([&] {
    const ExecutionScope scope(settings(threads, precision));
    const Tensor<float, 3> result = work->infer(*batch);
    std::copy_n(result.data(), result.size(), out);
  });
}

/// One step of training; *loss is the one before it.
bool tessera_train(Work* work, const Batch* batch, Index threads, int precision, float* loss) {
  return guarded([&] {
    const ExecutionScope scope(settings(threads, precision));
    *loss = work->train(*batch);
  });
}

/// Compiler, and the instruction set that is used.
const char* tessera_build() {
  static const std::string text =
      concat(TESSERA_COMPILER, ", flags \"", TESSERA_FLAGS, "\", kernels ", current_isa());
  return text.c_str();
}

}  // extern "C"
