#include "tessera/io/naming/translate.hpp"

#include <set>

#include "support/catch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

TEST_CASE("the number of a block is the first between dots, written as numbers are") {
  using Found = std::pair<std::string, std::string>;
  CHECK(detail::without_number("blocks.12.mlp.3.weight") == Found{"blocks.*.mlp.3.weight", "12"});
  CHECK(detail::without_number("a.encoder_layer_0.ln_1.bias") ==
        Found{"a.encoder_layer_*.ln_1.bias", "0"});
  CHECK(detail::without_number("norm1.weight") == Found{"norm1.weight", ""});
  CHECK(detail::without_number("3.weight") == Found{"3.weight", ""});
  CHECK(detail::without_number("blocks.3") == Found{"blocks.3", ""});
  CHECK(detail::without_number("blocks.03.w") == Found{"blocks.03.w", ""});
  CHECK(detail::without_number("blocks.99999.w") == Found{"blocks.99999.w", ""});
  CHECK(detail::without_number("") == Found{"", ""});
  CHECK(detail::with_number("a.*.b", "7") == "a.7.b");
  CHECK(detail::with_number("a.b", "7") == "a.b");
}

TEST_CASE("a naming is found by its id") {
  CHECK(find_naming("mae").description == "facebookresearch/mae");
  CHECK(argument_error([] { (void)find_naming("tim"); }) ==
        "find_naming: there is no naming \"tim\"; known are timm, mae, lightly, lightly_legacy, "
        "lightly_decoder, lightly_predictor, lightly_predictor_legacy, ijepa, torchvision, "
        "torchvision_legacy, lightly_torchvision, hugging_face, hugging_face_v5, dinov2, "
        "mmpretrain");
}

TEST_CASE("names are read with block numbers and parts") {
  const NameReader reader(find_naming("hugging_face"));
  const auto key = reader.find("vit.encoder.layer.11.attention.attention.key.bias");
  REQUIRE(key.has_value());
  CHECK(key->name == "encoder.blocks.11.attn.qkv.bias");
  CHECK(key->part == 1);
  CHECK(key->parts == 3);
  const auto saved = reader.find("decoder.decoder_encoder.layer.2.output.dense.weight");
  REQUIRE(saved.has_value());
  CHECK(saved->name == "decoder.blocks.2.mlp.fc2.weight");
  CHECK_FALSE(reader.find("vit.encoder.layer.x.output.dense.weight").has_value());
  CHECK_FALSE(reader.find("blocks.0.norm1.weight").has_value());
  CHECK(reader.is_head("classifier.weight"));
  CHECK(reader.is_head("pooler.dense.bias"));
  CHECK_FALSE(reader.is_head("layernorm.weight"));
}

TEST_CASE("every naming reads back what it writes") {
  for (const Naming& naming : namings) {
    const NameReader reader(naming);
    for (const Layout layout : all_layouts) {
      std::set<std::string> ours;
      for (const NameSection& section : naming.sections) {
        if (!section.written_for.contains(layout)) continue;
        detail::visit_names(
            section, [&](const std::string&, const std::string& name, const NamePair&,
                         const std::string&) { ours.insert(detail::with_number(name, "7")); });
      }
      if (ours.empty()) {
        CHECK(argument_error([&] { NameWriter(naming, layout); }) ==
              concat("NameWriter: naming ", naming.id, " has no names for such a model"));
        continue;
      }
      const NameWriter writer(naming, layout);
      for (const std::string& name : ours) {
        INFO(naming.id << ": " << name);
        const std::vector<TableName> theirs = writer.find(name);
        REQUIRE_FALSE(theirs.empty());
        for (const TableName& part : theirs) {
          const auto back = reader.find(part.name);
          REQUIRE(back.has_value());
          CHECK(back->name == name);
          CHECK(back->part == part.part);
          CHECK(back->parts == static_cast<Index>(theirs.size()));
        }
      }
      CHECK(writer.first_missing(ours).empty());
    }
  }
}

TEST_CASE("a writer says what a model of that code has and this one lacks") {
  const NameWriter writer(find_naming("mae"), Layout::plain);
  std::set<std::string> names{"encoder.cls_token",
                              "encoder.pos_embed",
                              "encoder.norm.weight",
                              "encoder.norm.bias",
                              "encoder.patch_embed.proj.weight",
                              "encoder.patch_embed.proj.bias"};
  CHECK(writer.first_missing(names) == "");
  for (const char* layer : {"norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"}) {
    for (const char* kind : {"weight", "bias"}) {
      for (const char* block : {"0", "1"}) {
        names.insert(concat("encoder.blocks.", block, ".", layer, ".", kind));
      }
    }
  }
  CHECK(writer.first_missing(names) == "");
  names.erase("encoder.blocks.1.attn.qkv.bias");
  CHECK(writer.first_missing(names) == "encoder.blocks.*.attn.qkv.bias");
  names.erase("encoder.cls_token");
  CHECK(writer.first_missing(names) == "encoder.cls_token");
  CHECK(writer.find("encoder.mask_token").empty());
}

}  // namespace tessera::io::test
