// Every file of a real package, exported to every naming that can hold its model, is recognized
// again and computes the same. With TESSERA_EXPORT_FOLDER set, the files stay there for
// tests/reference/read_back.py, which loads them into the real packages.

#include <cstdlib>

#include "support/catch.hpp"
#include "support/io/published_checkpoints.hpp"
#include "support/io/published_namings.hpp"
#include "tessera/io/naming/dialects.hpp"
#include "tessera/io/naming/translate.hpp"
#include "tessera/io/weights/export.hpp"

namespace tessera::io::test {

namespace {

/// An I-JEPA from a file that holds it, or its predictor alone: the rest is that of `like`.
IJEPA<float> ijepa_again(const Checkpoint& file, const IJEPA<float>& like) {
  if (read_facts(file).kind == ModelKind::ijepa) return load_ijepa<float>(file);
  IJEPA<float> ijepa = like;
  for (const auto& parameter : named_parameters(ijepa.predictor)) {
    std::ranges::fill(parameter.values, 0.0F);
  }
  load_weights(file, ijepa, {.allow_missing = true});
  return ijepa;
}

std::vector<float> values_of(const auto& model) {
  std::vector<float> all;
  for (const auto& parameter : named_parameters(model)) {
    if (parameter.name.ends_with("encoder.mask_token") || parameter.name == "mask_token") continue;
    all.insert(all.end(), parameter.values.begin(), parameter.values.end());
  }
  return all;
}

class Exporter {
 public:
  explicit Exporter(const std::filesystem::path& folder) : folder_(folder) {}

  Index files() const { return files_; }

  /// Saves in every naming; `again` makes the model from a file.
  template <class Model, class Again>
  void run(const Case& published, const Model& model, const Again& again) {
    std::set<std::string> held;
    for (const Naming& naming : namings) {
      const std::string id(naming.id);
      INFO(published.name() << " as " << id);
      const auto path = folder_ / (published.name() + "." + id + ".safetensors");
      try {
        export_weights(path, model, id);
      } catch (const std::invalid_argument&) {
        continue;
      }
      held.insert(id);
      const Checkpoint file = open_checkpoint(path);
      CHECK(file.naming_id() == id);
      CHECK(file.unexpected.empty());
      CHECK(again(file) == values_of(model));
      if (can_be_read_back(published, id))
        ++files_;
      else
        std::filesystem::remove(path);
    }
    INFO(published.name());
    CHECK(held == namings_for(published));
    const auto own = folder_ / "own.safetensors";
    save_weights(own, model);
    CHECK(again(open_checkpoint(own)) == values_of(model));
    std::filesystem::remove(own);
  }

 private:
  std::filesystem::path folder_;
  Index files_ = 0;
};

}  // namespace

TEST_CASE("every published file is exported to every naming that can hold it") {
  const ScratchFolder scratch;
  const char* kept = std::getenv("TESSERA_EXPORT_FOLDER");
  Exporter exporter(kept != nullptr ? std::filesystem::path(kept) : scratch / "");
  for (const std::string& name : case_names()) {
    const Case published(name);
    const Checkpoint file = published.open();
    const std::string kind = published.kind();
    if (kind == "mae") {
      exporter.run(published, load_mae<float>(file),
                   [](const Checkpoint& f) { return values_of(load_mae<float>(f)); });
    } else if (kind == "ijepa" || kind == "predictor") {
      const IJEPA<float> ijepa = kind == "ijepa"
                                     ? load_ijepa<float>(file)
                                     : PublishedCase<float>(published).predictor_model();
      exporter.run(published, ijepa,
                   [&](const Checkpoint& f) { return values_of(ijepa_again(f, ijepa)); });
    } else if (kind == "decoder") {
      exporter.run(published, load_decoder<float>(file),
                   [](const Checkpoint& f) { return values_of(load_decoder<float>(f)); });
    } else {
      exporter.run(published, load_encoder<float>(file),
                   [](const Checkpoint& f) { return values_of(load_encoder<float>(f)); });
    }
  }
  CHECK(exporter.files() > 200);
}

}  // namespace tessera::io::test
