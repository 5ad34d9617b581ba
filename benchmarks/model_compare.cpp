// Models of this library for compare.py, which loads them beside those of PyTorch.
#include <exception>
#include <string>

#include "tessera/io/load_weights.hpp"
#include "tessera/tessera.hpp"

using namespace tessera;

namespace {

/// How one call computes.
struct Settings {
  Index threads;
  int medium;  ///< bfloat16 products

  operator ExecutionSettings() const {
    return {.threads = threads,
            .matmul_precision = medium != 0 ? MatmulPrecision::medium : MatmulPrecision::highest};
  }
};

/// Images [batch, 3, 224, 224] and two sets of tokens [batch, counts[i]]: kept and masked ones of
/// an MAE, context and targets of an I-JEPA.
struct Batch {
  Index size;
  const float* images;
  Index counts[5];
  const Index* tokens[5];

  Tensor<float, 4> image_tensor() const {
    auto tensor = Tensor<float, 4>::empty({size, 3, 224, 224});
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
  explicit MAEWork(const std::string& file) : mae_(mae_vit_base_patch16()) {
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
  explicit EncoderWork(const std::string& file) : encoder_(vit_base_patch16()) {
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

class IJEPAWork : public Work {
 public:
  explicit IJEPAWork(const std::string& file) : ijepa_(ijepa_vit_small_patch16()) {
    io::load_weights(file, ijepa_);
    set_trainable(ijepa_.target_encoder, false);
  }
  void pack() override { pack_weights(ijepa_); }
  Tensor<float, 3> infer(const Batch& batch) const override {
    return ijepa_.encoder.encode(batch.image_tensor()).value();
  }
  float train(const Batch& batch) override {
    const std::vector<TokenIndex> context{batch.index(0)};
    const std::vector<TokenIndex> targets{batch.index(1), batch.index(2), batch.index(3),
                                          batch.index(4)};
    Tape<float> tape;
    const auto loss = ijepa_.loss(Var(batch.image_tensor(), &tape), context, targets);
    tape.backward(loss);
    optimizer_.step(ijepa_, tape);
    update_ema(ijepa_.target_encoder, ijepa_.encoder, 0.996);
    return loss.value().item();
  }

 private:
  IJEPA<float> ijepa_;
  AdamW<float> optimizer_{{.lr = 1e-4, .weight_decay = 0.05}};
};

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

/// A model with the weights of a file: "mae" (ViT-B/16), "encoder" (ViT-B/16) or "ijepa"
/// (ViT-S/16). Null: see tessera_error.
Work* tessera_model(const char* kind, const char* file) {
  Work* work = nullptr;
  guarded([&] {
    const std::string name = kind;
    if (name == "mae") work = new MAEWork(file);
    if (name == "encoder") work = new EncoderWork(file);
    if (name == "ijepa") work = new IJEPAWork(file);
    require(work != nullptr, "tessera_model", "there is no model \"", name, "\"");
  });
  return work;
}

void tessera_delete(Work* work) { delete work; }

/// Replaces the weights by packed ones, for inference in this precision.
bool tessera_pack(Work* work, int medium) {
  return guarded([&] {
    const ExecutionScope scope(Settings{1, medium});
    work->pack();
  });
}

bool tessera_infer(const Work* work, const Batch* batch, Index threads, int medium, float* out) {
  return guarded([&] {
    const ExecutionScope scope(Settings{threads, medium});
    const Tensor<float, 3> result = work->infer(*batch);
    std::copy_n(result.data(), result.size(), out);
  });
}

/// One step of training; *loss is the one before it.
bool tessera_train(Work* work, const Batch* batch, Index threads, int medium, float* loss) {
  return guarded([&] {
    const ExecutionScope scope(Settings{threads, medium});
    *loss = work->train(*batch);
  });
}

/// Compiler, and the instruction set that is used.
const char* tessera_build() {
  static const std::string text =
      text_of(TESSERA_COMPILER, ", flags \"", TESSERA_FLAGS, "\", kernels ", current_isa());
  return text.c_str();
}

}  // extern "C"
