#include "tessera/io/torch/pickle_value.hpp"

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

namespace {

std::string tree_error(PickleDocument document, PickleId root) {
  document.root = root;
  return file_error([&] { detail::check_pickle_tree(document, "a.pth"); });
}

/// `levels` lists, each in the next one, around a number; the last is the outermost.
PickleDocument nested(std::size_t levels) {
  PickleDocument document;
  document.values.push_back(std::int64_t{1});
  for (std::size_t i = 0; i < levels; ++i) {
    document.values.push_back(PickleList{{static_cast<PickleId>(i)}});
  }
  return document;
}

}  // namespace

TEST_CASE("a value is four words at most") {
  CHECK(sizeof(PickleValue) <= 32);  // half a million of them must stay small
}

TEST_CASE("values are got by type and dictionaries searched by key") {
  PickleDocument document;
  document.values = {std::string_view("a"), std::int64_t{5}, std::int64_t{7},
                     PickleDict{{{1, 1}, {0, 2}}}};
  CHECK(*document.get<std::int64_t>(2) == 7);
  CHECK(document.get<bool>(2) == nullptr);
  CHECK(document.find(3, "a") == PickleId{2});
  CHECK(document.find(3, "b") == std::nullopt);
  CHECK(document.find(0, "a") == std::nullopt);
}

TEST_CASE("untyped storages are counted in bytes") {
  CHECK(PickleStorage{"0", std::nullopt, 1, 0, 1}.element_bytes() == 1);
  CHECK(PickleStorage{"0", Dtype::f64, 1, 0, 1}.element_bytes() == 8);
}

TEST_CASE("depth has a limit, however the values were built") {
  CHECK(tree_error(nested(63), 63) == "(no exception)");
  CHECK(tree_error(nested(64), 64) == "a.pth: values are nested deeper than 64");
  CHECK(tree_error(nested(100'000), 100'000) == "a.pth: values are nested deeper than 64");
  // Deep only through a value that was visited before, under a shallower parent.
  PickleDocument document = nested(60);
  document.values.push_back(PickleTuple{{60}});
  for (PickleId i = 61; i < 65; ++i) document.values.push_back(PickleTuple{{i}});
  document.values.push_back(PickleList{{60, 65}});
  CHECK(tree_error(document, 66) == "a.pth: values are nested deeper than 64");
}

TEST_CASE("a value that holds itself is refused") {
  PickleDocument document;
  document.values = {PickleList{{0}}};
  CHECK(tree_error(document, 0) == "a.pth: a value holds itself");
  document.values = {PickleList{{1}}, PickleDict{{{2, 3}}}, std::int64_t{1}, PickleObject{2, 2, 0}};
  CHECK(tree_error(document, 0) == "a.pth: a value holds itself");
}

TEST_CASE("shared values count at every use") {
  PickleDocument document;
  document.values.push_back(std::string_view("lol"));
  for (PickleId i = 0; i < 20; ++i) {
    document.values.push_back(PickleList{std::vector<PickleId>(10, i)});
  }
  std::string message;
  CHECK(tessera::test::heap_bytes_of([&] { message = tree_error(document, 20); }) < 20'000);
  CHECK(message == "a.pth: shared values unfold to more than 2000000");
  CHECK(tree_error(document, 6) == "(no exception)");  // 1'111'111 values
  CHECK(tree_error(document, 7) == "a.pth: shared values unfold to more than 2000000");
}

}  // namespace tessera::io::test
