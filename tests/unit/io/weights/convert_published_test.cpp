// Every file of a real package, converted to every naming that can hold its model, computes the
// same. With TESSERA_CONVERT_FOLDER set, the files stay there for tests/reference/read_back.py,
// those of Hugging Face each in a folder with its config.json.

#include <cstdlib>

#include "support/catch.hpp"
#include "support/io/published_checkpoints.hpp"
#include "support/io/published_namings.hpp"
#include "tessera/io/naming/dialects.hpp"
#include "tessera/io/naming/translate.hpp"
#include "tessera/io/weights/convert.hpp"
#include "tessera/io/weights/hugging_face_config.hpp"

namespace tessera::io::test {

namespace {

/// A conversion makes no model: a predictor alone stays alone.
std::set<std::string> convertible(const Case& published) {
  std::set<std::string> namings = namings_for(published);
  if (published.kind() == "predictor") namings.erase("lightly");
  return namings;
}

}  // namespace

TEST_CASE("every published file is converted to every naming that can hold it") {
  const ScratchFolder scratch;
  const char* kept = std::getenv("TESSERA_CONVERT_FOLDER");
  const std::filesystem::path folder = kept != nullptr ? std::filesystem::path(kept) : scratch / "";
  Index files = 0;
  for (const std::string& name : case_names()) {
    const Case published(name);
    const Checkpoint file = published.open();
    std::set<std::string> held;
    for (const Naming& naming : namings) {
      const std::string id(naming.id);
      INFO(name << " to " << id);
      auto path = folder / (name + "." + id + ".safetensors");
      try {
        convert_weights(file, path, id);
      } catch (const std::invalid_argument&) {
        continue;
      }
      held.insert(id);
      if (id.starts_with("hugging_face")) {
        const auto own = folder / (name + "." + id);
        std::filesystem::create_directory(own);
        std::filesystem::rename(path, own / "model.safetensors");
        path = own;
        const std::string config = hugging_face_config(file, read_facts(file));
        write_file(own / "config.json", bytes_of(config));
      }
      const Checkpoint converted = open_checkpoint(path);
      CHECK(converted.naming_id() == id);
      const bool part = read_facts(converted).kind != read_facts(file).kind;
      if (!part) CHECK(PublishedCase<float>(published, converted).mismatch() == "");
      if (can_be_read_back(published, id) && !part) {
        ++files;
      } else {
        std::filesystem::remove_all(path);
      }
    }
    INFO(name);
    CHECK(held == convertible(published));
  }
  CHECK(files > 200);
}

}  // namespace tessera::io::test
