#include "tessera/io/torch/pickle_check.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

namespace {

std::string tree_error(PickleDocument document, PickleId root) {
  document.root = root;
  return file_error([&] { detail::cut_pickle_tree(document, "a.pth"); });
}

/// Levels of what is left under `root`, and the reasons why something is not.
struct Cut {
  std::size_t depth = 0;
  std::set<std::string> reasons;

  Cut(PickleDocument document, PickleId root) {
    document.root = root;
    detail::cut_pickle_tree(document, "a.pth");
    walk(document, root, 1);
  }

 private:
  void walk(const PickleDocument& document, PickleId id, std::size_t level) {
    if (const auto* left_out = document.get<PickleLeftOut>(id)) {
      reasons.insert(document.reasons[left_out->reason]);
      return;
    }
    depth = std::max(depth, level);
    for (std::size_t i = 0; i < detail::pickle_child_count(document[id]); ++i) {
      walk(document, detail::pickle_child(document[id], i), level + 1);
    }
  }
};

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

TEST_CASE("depth has a limit, however the values were built") {
  const std::set<std::string> deep{"lies deeper than 64"};
  CHECK(Cut(nested(63), 63).reasons.empty());
  CHECK(Cut(nested(63), 63).depth == 64);
  CHECK(Cut(nested(64), 64).reasons == deep);
  CHECK(Cut(nested(64), 64).depth == 64);
  CHECK(Cut(nested(100'000), 100'000).reasons == deep);
  CHECK(Cut(nested(100'000), 100'000).depth == 64);
  // Deep only through a value that was visited before, under a shallower parent.
  PickleDocument document = nested(60);
  document.values.push_back(PickleTuple{{60}});
  for (PickleId i = 61; i < 65; ++i) document.values.push_back(PickleTuple{{i}});
  document.values.push_back(PickleList{{60, 65}});
  const Cut cut(document, 66);
  CHECK(cut.reasons == deep);
  CHECK(cut.depth <= 64);
}

TEST_CASE("a value that holds itself is cut") {
  PickleDocument document;
  document.values = {PickleList{{0}}};
  CHECK(Cut(document, 0).reasons == std::set<std::string>{"holds itself"});
  document.values = {PickleList{{1}}, PickleDict{{{2, 3}}}, std::int64_t{1},
                     PickleObject{2, 2, 0, 2}};
  CHECK(Cut(document, 0).reasons == std::set<std::string>{"holds itself"});
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

TEST_CASE("the contents of unknown objects do not count, and can be cut all the same") {
  PickleDocument document;
  document.globals.push_back({"lib", "Trainer"});
  document.values.push_back(PickleGlobalRef{0});
  for (PickleId i = 0; i < 20; ++i) {
    document.values.push_back(PickleList{std::vector<PickleId>(10, i)});
    if (i == 5) document.values.back() = PickleObject{0, i, 0, 0};
  }
  CHECK(tree_error(document, 8) == "(no exception)");
  CHECK(detail::is_unknown_object(document, 6));
  CHECK_FALSE(detail::is_unknown_object(document, 5));
}

}  // namespace tessera::io::test
