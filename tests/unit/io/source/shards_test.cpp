#include "tessera/io/source/shards.hpp"

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

namespace fs = std::filesystem;

namespace {

std::string error_of(const std::string& json, std::size_t memory = 100'000) {
  std::string message;
  const std::size_t allocated = tessera::test::heap_bytes_of(
      [&] { message = file_error([&] { parse_shard_index(json, "index.json"); }); });
  CHECK(allocated < memory);
  return message;
}

std::string map_of(const std::string& file) { return R"({"weight_map":{"w":")" + file + R"("}})"; }

/// One-element tensors of these names.
TensorTable table_of(const std::vector<std::string>& names) {
  TensorTable table;
  for (const std::string& name : names)
    table.tensors.push_back({name, Dtype::f32, {1}, {}, {}, {}});
  return table;
}

}  // namespace

TEST_CASE("an index is read into names and metadata") {
  const ShardIndex index = parse_shard_index(
      R"( {"metadata":{"total_size":92,"a":-1,"b":0.5,"c":true,"d":null,"e":"x"},)"
      R"("weight_map":{"w":"one.bin","v":"two.bin","u":"one.bin"}} )");
  CHECK(index.metadata == TensorMetadata{{"a", "-1"},
                                         {"b", "0.5"},
                                         {"c", "True"},
                                         {"d", "None"},
                                         {"e", "x"},
                                         {"total_size", "92"}});
  CHECK(index.file_of.size() == 3);
  CHECK(index.file_of.at("u") == "one.bin");
  CHECK(parse_shard_index(R"({"weight_map":{}})").file_of.empty());
}

TEST_CASE("names of shards that lead out of the folder are refused") {
  const auto refused = [](const std::string& name, const std::string& reason) {
    return "index.json: shard '" + name + "': " + reason;
  };
  const std::string out = "name leads out of the folder";
  CHECK(error_of(map_of("../secret")) == refused("../secret", out));
  CHECK(error_of(map_of("/etc/passwd")) == refused("/etc/passwd", out));
  CHECK(error_of(map_of("sub/one.bin")) == refused("sub/one.bin", out));
  CHECK(error_of(map_of("C:one.bin")) == refused("C:one.bin", out));
  CHECK(error_of(map_of("..\\\\one.bin")) == refused("..\\one.bin", out));
  CHECK(error_of(map_of("..")) == refused("..", "is no file"));
  CHECK(error_of(map_of(".")) == refused(".", "is no file"));
  CHECK(error_of(map_of("")) == refused("", "has no name"));
  CHECK(error_of(map_of("a\\u0000b")) == refused("a.b", "name holds a control character"));
  CHECK(error_of(map_of("a\\nb")) == refused("a.b", "name holds a control character"));
  CHECK(error_of(map_of("\\u002e\\u002e\\u002fa")) == refused("../a", out));
  CHECK(error_of(map_of(std::string(256, 'n'))) ==
        refused(std::string(80, 'n') + "...", "name is longer than 255 bytes"));
  CHECK(error_of(map_of("..one.bin")) == "(no exception)");
}

TEST_CASE("indexes of another form are refused") {
  CHECK(error_of("") == "index.json: is not JSON in UTF-8 (stopped at byte 1)");
  CHECK(error_of("{") == "index.json: is not JSON in UTF-8 (stopped at byte 2)");
  CHECK(error_of("[]") == "index.json: an array has no place here");
  CHECK(error_of("3") == "index.json: a number has no place here");
  CHECK(error_of("{}") == "index.json: weight_map is missing");
  CHECK(error_of(R"({"metadata":{}})") == "index.json: weight_map is missing");
  CHECK(error_of(R"({"weight_map":[]})") ==
        "index.json: field 'weight_map': an array has no place here");
  CHECK(error_of(R"({"weight_map":"a"})") ==
        "index.json: field 'weight_map': a string has no place here");
  CHECK(error_of(R"({"weights":{}})") == "index.json: unknown field 'weights'");
  CHECK(error_of(R"({"weight_map":{},"weight_map":{}})") ==
        "index.json: field 'weight_map' occurs twice");
  CHECK(error_of(R"({"weight_map":{"w":"a","w":"a"}})") == "index.json: tensor 'w': occurs twice");
  CHECK(error_of(R"({"weight_map":{"w":3}})") ==
        "index.json: tensor 'w': a number has no place here");
  CHECK(error_of(R"({"weight_map":{"w":null}})") ==
        "index.json: tensor 'w': null has no place here");
  CHECK(error_of(R"({"weight_map":{"w":["a"]}})") ==
        "index.json: tensor 'w': an array has no place here");
  CHECK(error_of(R"({"metadata":{"a":1,"a":1},"weight_map":{}})") ==
        "index.json: metadata 'a': occurs twice");
  CHECK(error_of(R"({"weight_map":{}} x)") ==
        "index.json: is not JSON in UTF-8 (stopped at byte 19)");
  CHECK(error_of("{\"weight_map\":{\"\xFF\":\"a\"}}") ==
        "index.json: is not JSON in UTF-8 (stopped at byte 17)");
  CHECK(error_of(std::string("{\"weight_map\":{}}\0", 18)) == "index.json: holds a zero byte");
}

TEST_CASE("deep and huge indexes are refused in little memory") {
  const std::string deep(1'000'000, '[');
  CHECK(error_of(deep) == "index.json: an array has no place here");
  CHECK(error_of(R"({"metadata":{"a":)" + deep) ==
        "index.json: field 'a': an array has no place here");
  std::string objects = R"({"metadata":)";
  for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
  CHECK(error_of(objects) == "index.json: field 'a': an object has no place here");
  CHECK(error_of(std::string(8'000'001, ' ')) ==
        "index.json: has 8000001 bytes; the limit is 8000000");
  std::string many = R"({"weight_map":{)";
  for (int i = 0; i < 4097; ++i) {
    many += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":\"" + std::to_string(i) + "\"";
  }
  CHECK(error_of(many + "}}", 10'000'000) == "index.json: more than 4096 shards");
}

TEST_CASE("shards must hold exactly what the index says") {
  const ScratchFolder folder;
  for (const std::string name : {"one", "two"}) write_file(folder / name, bytes_of(name));
  const fs::path path = folder / "index.json";
  const ShardIndex index{{{"k", "index"}}, {{"a", "one"}, {"b", "two"}, {"c", "one"}}};
  const auto read = [&](const std::vector<std::string>& one, const std::vector<std::string>& two) {
    return read_shards(path, index, [&](const fs::path& shard) {
      TensorTable table = table_of(shard.filename() == "one" ? one : two);
      table.metadata = {{"format", "pt"}, {"k", "shard"}};
      return table;
    });
  };
  const TensorTable joined = read({"c", "a"}, {"b"});
  REQUIRE(joined.tensors.size() == 3);
  CHECK(joined.tensors[0].name == "c");
  CHECK(joined.tensors[2].name == "b");
  CHECK(joined.metadata == TensorMetadata{{"format", "pt"}, {"k", "index"}});

  const std::string begin = path.string() + ": tensor ";
  CHECK(file_error([&] { read({"a"}, {"b"}); }) == begin + "'c': is not in its shard 'one'");
  CHECK(file_error([&] { read({"a", "c", "d"}, {"b"}); }) ==
        begin + "'d': is not in the index, but in shard 'one'");
  CHECK(file_error([&] { read({"a", "c"}, {"a", "b"}); }) ==
        begin + "'a': also stands in shard 'two'");
  CHECK(file_error([&] { read({"c", "a"}, {}); }) == begin + "'b': is not in its shard 'two'");
}

TEST_CASE("metadata of index and shards is joined up to a limit") {
  const ScratchFolder folder;
  ShardIndex index{{{"total_size", "8"}}, {}};
  for (const char* name : {"a", "b", "c"}) {
    index.file_of[name] = name;
    write_file(folder / name, bytes_of("x"));
  }
  const auto read = [&](std::size_t bytes) {
    return read_shards(folder / "index.json", index, [&](const fs::path& path) {
      const std::string name = path.filename().string();
      TensorTable table = table_of({name});
      table.metadata = {{"format", "pt"}, {"only in " + name, std::string(bytes, 'x')}};
      return table;
    });
  };
  CHECK(read(2'000'000).metadata.size() == 5);
  CHECK(file_error([&] { (void)read(3'000'000); }) ==
        (folder / "index.json").string() +
            ": metadata of the shards: more than 10000 keys or 8000000 bytes");
  CHECK(error_of(R"({"weight_map":{")" + std::string(4097, 'n') + R"(":"a"}})") ==
        "index.json: tensor '" + std::string(80, 'n') + "...': names are limited to 4096 bytes");
}

TEST_CASE("missing shards and links out of the folder are refused before anything is opened") {
  const ScratchFolder outside;
  write_file(outside / "secret", bytes_of("x"));
  const ScratchFolder folder;
  write_file(folder / "one", bytes_of("x"));
  fs::create_symlink("one", folder / "inside");
  fs::create_symlink(outside / "secret", folder / "link");
  fs::create_symlink("missing", folder / "dangling");
  int opened = 0;
  const auto error = [&](const std::string& shard) {
    const ShardIndex index{{}, {{"a", "one"}, {"b", shard}}};
    return file_error([&] {
      read_shards(folder / "index.json", index, [&](const fs::path& path) {
        CHECK(path.filename() == "one");
        ++opened;
        return table_of({opened == 1 ? "b" : "a"});
      });
    });
  };
  const std::string begin = (folder / "index.json").string() + ": shard ";
  CHECK(error("link") == begin + "'link': is a link that leads out of the folder");
  CHECK(error("two") == begin + "'two': No such file or directory");
  CHECK(error("dangling") == begin + "'dangling': No such file or directory");
  CHECK(opened == 0);
  CHECK(error("inside") == "(no exception)");
  CHECK(opened == 2);
}

TEST_CASE("the download cache of the hub keeps files in blobs") {
  const ScratchFolder cache;
  fs::create_directories(cache / "blobs");
  fs::create_directories(cache / "snapshots/0123");
  write_file(cache / "blobs/abc", bytes_of("x"));
  write_file(cache / "secret", bytes_of("x"));
  fs::create_symlink("../../blobs/abc", cache / "snapshots/0123/one");
  fs::create_symlink("../../secret", cache / "snapshots/0123/two");
  const fs::path path = cache / "snapshots/0123/index.json";
  const auto read = [&](const std::string& shard) {
    return file_error([&] {
      read_shards(path, ShardIndex{{}, {{"a", shard}}},
                  [](const fs::path&) { return table_of({"a"}); });
    });
  };
  CHECK(read("one") == "(no exception)");
  CHECK(read("two") == path.string() + ": shard 'two': is a link that leads out of the folder");
}

}  // namespace tessera::io::test
