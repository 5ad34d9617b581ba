// Files made to break readers: each is refused with an error that names it, and from opening it to
// loading it no more than 64 MB are held at a time.

#include <functional>

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/checkpoint.hpp"
#include "support/io/pickle.hpp"
#include "tessera/io/weights/load.hpp"

namespace tessera::io::test {

namespace {

/// How many times a text: with the number of the repetition put in for '#'.
std::string counted(std::size_t times, const std::string& text) {
  std::string all;
  const std::size_t place = text.find('#');
  for (std::size_t i = 0; i < times; ++i) {
    if (i > 0) all += ',';
    all += text.substr(0, place) + std::to_string(i) + text.substr(place + 1);
  }
  return all;
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

std::string with_length(const std::string& header, const std::string& data = "") {
  return number_bytes<std::uint64_t>(header.size()) + header + data;
}

std::string torch_zip(const std::string& pickle) {
  return zip_text({{.name = "a/data.pkl", .data = "\x80\x02" + pickle + "."}});
}

/// Opens and loads as far as it goes.
std::string error_of_loading(const std::filesystem::path& path) {
  return file_error([&] {
    const Checkpoint file =
        open_checkpoint(path, {.num_heads = 3, .image_size = Size{8, 8}, .layer_norm_eps = 1e-6});
    (void)load_encoder<float>(file);
  });
}

struct Crafted {
  const char* what;
  std::string name;
  std::string bytes;
};

const std::string u8 = R"({"dtype":"U8","shape":[0],"data_offsets":[0,0]})";

std::vector<std::function<Crafted()>> large_files() {
  const std::string tensor = p_global("torch._utils", "_rebuild_tensor_v2") + "q\x01(" +
                             p_storage("FloatStorage", "0", 0) + p_int(0) + "))tq\x02";
  return {
      [] {
        return Crafted{"tensors up to the limit", "a.safetensors",
                       with_length("{" + counted(50'000, "\"blocks.#.norm1.weight\":" + u8) + "}")};
      },
      [] {
        return Crafted{
            "a header of 10 MB of long names", "a.safetensors",
            with_length("{" + counted(2'300, "\"#" + std::string(4'000, 'n') + "\":" + u8) + "}")};
      },
      [] {
        return Crafted{
            "names of wrappers", "a.safetensors",
            with_length("{" + counted(2'300, "\"a" + repeated(".module", 580) + ".#\":" + u8) +
                        "}")};
      },
      [] {
        return Crafted{
            "names of our own, with a header of 9.8 MB", "a.safetensors",
            with_length("{\"__metadata__\":{\"tessera.naming\":\"tessera\"," +
                        std::string("\"tessera.kind\":\"encoder\"},") +
                        counted(49'900, "\"#" + std::string(140, 'n') + "\":" + u8) + "}")};
      },
      [] {
        return Crafted{
            "unknown names, with a header of 9.8 MB", "a.safetensors",
            with_length(
                "{" + counted(49'900, "\"encoder.blocks.0." + std::string(120, 'n') + "#\":" + u8) +
                "}")};
      },
      [] {
        return Crafted{
            "first blocks without end", "a.safetensors",
            with_length("{" + counted(49'900, "\"a#.b.c.d.blocks.0.norm1.weight\":" + u8) + "}")};
      },
      [] {
        return Crafted{"one name of 9 MB", "a.safetensors",
                       with_length("{\"" + std::string(9'000'000, 'n') + "\":" + u8 + "}")};
      },
      [] {
        return Crafted{
            "more metadata than the limit", "a.safetensors",
            with_length("{\"__metadata__\":{" + counted(1'000'000, "\"#\":\"\"") + "}}")};
      },
      [] {
        return Crafted{"sixteen dimensions everywhere", "a.safetensors",
                       with_length("{" +
                                   counted(50'000,
                                           "\"#\":{\"dtype\":\"U8\",\"shape\":[0,1,1,1,1,1,1,1,1,1,"
                                           "1,1,1,1,1,1],\"data_offsets\":[0,0]}") +
                                   "}")};
      },
      [] {
        return Crafted{"shards without end", "a.json",
                       "{\"weight_map\":{" + counted(600'000, "\"#\":\"a\"") + "}}"};
      },
      [] {
        return Crafted{"an index of much metadata", "a.json",
                       "{\"metadata\":{" + counted(900'000, "\"#\":1") + "}}"};
      },
      [] {
        return Crafted{"an index with one long name", "a.json",
                       "{\"weight_map\":{\"" + std::string(7'900'000, 'n') + "\":\"a\"}}"};
      },
      [] { return Crafted{"values without end", "a.pth", torch_zip(repeated("]", 2'000'000))}; },
      [] { return Crafted{"a stack without end", "a.pth", torch_zip(repeated("N", 4'000'000))}; },
      [] {
        return Crafted{"items without end", "a.pth", torch_zip("]" + repeated("Na", 3'000'000))};
      },
      [] {
        return Crafted{"tuples without end", "a.pth",
                       torch_zip(repeated("(" + repeated("N", 999'000) + "t", 20))};
      },
      [] {
        return Crafted{"lists of one item up to the limit", "a.pth",
                       torch_zip("](" + repeated("]Na", 240'000) + "e")};
      },
      [] {
        std::string items;
        for (int i = 0; i < 240'000; ++i) items += "K\x01M" + number_bytes<std::uint16_t>(1);
        return Crafted{"settings without end", "a.pth", torch_zip("}(" + items + "u")};
      },
      [] {
        std::string items;
        for (int i = 0; i < 60'000; ++i) items += p_text(std::to_string(i)) + "]";
        return Crafted{"settings up to the limit and above", "a.pth",
                       torch_zip("}(" + items + "u")};
      },
      [] {
        std::string items;
        for (int i = 0; i < 40'000; ++i) {
          items += p_text(std::string(150, 'k') + std::to_string(i)) + "K\x01";
        }
        return Crafted{"long settings", "a.pth", torch_zip("}(" + items + "u")};
      },
      [tensor] {
        std::string items;
        for (int i = 0; i < 60'000; ++i) {
          items += p_text(std::to_string(i)) + (i == 0 ? tensor + "R" : "h\x01h\x02R");
        }
        return Crafted{"tensors without end", "a.pth",
                       zip_text({{.name = "a/data.pkl", .data = "\x80\x02}(" + items + "u."},
                                 {.name = "a/data/0", .data = ""}})};
      },
      [tensor] {
        std::string items;
        for (int i = 0; i < 45'000; ++i) {
          items += p_text("blocks." + std::to_string(i) + ".norm1.weight") +
                   (i == 0 ? tensor + "R" : "h\x01h\x02R");
        }
        return Crafted{"tensors up to the limit in a torch file", "a.pth",
                       zip_text({{.name = "a/data.pkl", .data = "\x80\x02}(" + items + "u."},
                                 {.name = "a/data/0", .data = ""}})};
      },
      [] {
        return Crafted{"nested without end", "a.pth",
                       torch_zip(repeated("]", 200'000) + repeated("a", 199'999))};
      },
      [] {
        std::vector<ZipItem> items;
        for (int i = 0; i < 60'000; ++i) items.push_back({.name = std::to_string(i), .data = ""});
        return Crafted{"an archive of 60,000 entries", "a.pth", zip_text(items)};
      },
  };
}

}  // namespace

TEST_CASE("large crafted files are refused in less than 64 MB from opening to loading") {
  const ScratchFolder folder;
  for (const auto& make : large_files()) {
    std::filesystem::path path;
    const char* what = nullptr;
    {
      const Crafted crafted = make();
      what = crafted.what;
      path = folder / crafted.name;
      write_file(path, bytes_of(crafted.bytes));
    }
    INFO(what);
    std::string message;
    const std::size_t peak =
        tessera::test::heap_growth_of([&] { message = error_of_loading(path); });
    INFO(message);
    INFO(peak);
    CHECK(message.starts_with(path.string() + ": "));
    CHECK(peak < 64'000'000);
    CHECK(message.size() < 1'000);
  }
}

namespace {

/// An encoder in a torch file: 512 wide, its tensors cut out of one storage.
std::string shared_encoder(Index depth, Index storage_values, bool repeat_one) {
  const std::string storage = p_storage("FloatStorage", "0", storage_values);
  std::string items;
  const auto add = [&](const std::string& name, const std::vector<std::int64_t>& shape) {
    std::vector<std::int64_t> strides(shape.size(), 0);
    for (std::size_t i = shape.size(); i-- > 0 && !repeat_one;) {
      strides[i] = i + 1 == shape.size() ? 1 : strides[i + 1] * shape[i + 1];
    }
    items += p_text(name) + p_tensor(storage, 0, shape, strides);
  };
  const auto add_layer = [&](const std::string& name, std::int64_t rows, std::int64_t columns) {
    add(name + ".weight", {rows, columns});
    add(name + ".bias", {rows});
  };
  const auto add_norm = [&](const std::string& name) {
    add(name + ".weight", {512});
    add(name + ".bias", {512});
  };
  add("cls_token", {1, 1, 512});
  add("pos_embed", {1, 5, 512});
  add("patch_embed.proj.weight", {512, 3, 4, 4});
  add("patch_embed.proj.bias", {512});
  for (Index i = 0; i < depth; ++i) {
    const std::string block = concat("blocks.", i, ".");
    add_norm(block + "norm1");
    add_layer(block + "attn.qkv", 1536, 512);
    add_layer(block + "attn.proj", 512, 512);
    add_norm(block + "norm2");
    add_layer(block + "mlp.fc1", 2048, 512);
    add_layer(block + "mlp.fc2", 512, 2048);
  }
  add_norm("norm");
  return zip_text({{.name = "a/data.pkl", .data = "\x80\x02}(" + items + "u."},
                   {.name = "a/data/0",
                    .data = std::string(static_cast<std::size_t>(storage_values) * 4, '\0')}});
}

}  // namespace

TEST_CASE("a small file does not become a large model, whatever its tensors share") {
  const ScratchFolder folder;
  const auto path = folder / "a.pth";
  const auto peak_of = [&](const std::string& bytes, std::string& message) {
    write_file(path, bytes_of(bytes));
    release_cached_memory();
    return tessera::test::heap_growth_of([&] {
      message = file_error([&] {
        const Checkpoint file = open_checkpoint(
            path, {.num_heads = 8, .image_size = Size{8, 8}, .layer_norm_eps = 1e-6});
        (void)load_encoder<float>(file);
      });
    });
  };
  std::string message;
  // One value that stands for 60 blocks, and 4 MB that stand for 200.
  CHECK(peak_of(shared_encoder(60, 1, true), message) < 4'000'000);
  CHECK(message.find("too many for a file of") != std::string::npos);
  CHECK(peak_of(shared_encoder(200, 1 << 20, false), message) < 4'000'000);
  CHECK(message.find("too many for a file of") != std::string::npos);
  // What is allowed loads, in proportion to the file: 13 MB out of one value, 26 MB out of 4 MB.
  CHECK(peak_of(shared_encoder(1, 1, true), message) < 20'000'000);
  CHECK(message == "(no exception)");
  CHECK(peak_of(shared_encoder(2, 1 << 20, false), message) < 32'000'000);
  CHECK(message == "(no exception)");
}

TEST_CASE("shards full of settings are refused in less than 64 MB") {
  const ScratchFolder folder;
  std::string map;
  for (int i = 0; i < 12; ++i) {
    const std::string name = std::to_string(i);
    const std::string settings =
        counted(5, "\"" + name + "-#\":\"" + std::string(1'900'000, 'x') + "\"");
    write_file(
        folder / (name + ".safetensors"),
        bytes_of(with_length("{\"__metadata__\":{" + settings + "},\"" + name + "\":" + u8 + "}")));
    map += (i > 0 ? ",\"" : "\"") + name + "\":\"" + name + ".safetensors\"";
  }
  const auto path = folder / "a.json";
  write_file(path, bytes_of("{\"weight_map\":{" + map + "}}"));
  std::string message;
  CHECK(tessera::test::heap_growth_of([&] { message = error_of_loading(path); }) < 64'000'000);
  CHECK(message ==
        path.string() + ": metadata of the shards: more than 10000 keys or 8000000 bytes");
}

TEST_CASE("crafted settings are refused in less than 64 MB") {
  const ScratchFolder folder;
  const auto path = EditedFile("hf_vit").write(folder / "model.safetensors");
  const std::string deep_key = std::string(900, 'k');
  std::string array = "{\"" + deep_key + "\":[" + repeated("1,", 90'000) + "1]}";
  for (const std::string& json :
       {array, "{" + counted(200'000, "\"#\":\"\"") + "}",
        "{\"" + std::string(3'900'000, 'n') + "\":1}",
        "{\"a\":\"" + std::string(3'900'000, 'n') + "\",}", std::string(5'000'000, ' ')}) {
    write_file(folder / "config.json", bytes_of(json));
    std::string message;
    const std::size_t peak =
        tessera::test::heap_growth_of([&] { message = error_of_loading(path); });
    INFO(message);
    CHECK(message.starts_with((folder / "config.json: ").string()));
    CHECK(peak < 64'000'000);
  }
}

TEST_CASE("every way to damage a real file is refused in little memory") {
  const ScratchFolder folder;
  std::size_t refused = 0;
  const auto check = [&](const std::filesystem::path& path) {
    std::string message;
    const std::size_t peak =
        tessera::test::heap_growth_of([&] { message = error_of_loading(path); });
    INFO(message);
    CHECK(message.starts_with(path.string() + ": "));
    CHECK(peak < 1'000'000);
    ++refused;
  };
  for (const char* name : {"timm_fc_norm_head", "hf_vit", "mae_encoder"}) {
    // Cut off, at eighty places.
    const auto source = Case(name).path();
    const std::vector<std::byte> bytes = read_file(source, 1 << 20);
    const auto cut = folder / ("cut" + source.extension().string());
    for (std::size_t i = 0; i < 80; ++i) {
      write_file(cut, std::span(bytes).first(bytes.size() * i / 80));
      check(cut);
    }
    // Each tensor missing, of another shape, of another name, and doubled by another naming.
    const EditedFile whole(name);
    for (const auto& [tensor, values] : whole.tensors) {
      if (tensor.starts_with("head.") || tensor.starts_with("pooler.")) continue;
      const auto path = folder / "edited.safetensors";
      EditedFile file = whole;
      file.tensors.erase(tensor);
      // Norms may be elsewhere or nowhere, and a model without a class token or a bias is another.
      const bool optional = tensor.ends_with("cls_token") || tensor.ends_with("qkv.bias");
      if (!optional) check(file.write(path));
      file = whole;
      file.add(tensor, {1, 2, 3, 4, 5});
      check(file.write(path));
      file = whole;
      file.rename(tensor, tensor + "_");
      check(file.write(path));
    }
  }
  CHECK(refused > 300);
}

}  // namespace tessera::io::test
