#include "tessera/data/folder_source.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "tessera/io/image.hpp"

namespace tessera::data::test {

namespace fs = std::filesystem;
using io::test::file_error;
using io::test::ScratchFolder;

namespace {

/// A picture of one pixel of that gray.
void draw(const fs::path& path, std::uint8_t gray) {
  fs::create_directories(path.parent_path());
  io::write_file(path, io::encode_png(io::Image({1, 1, 3}, gray)));
}

std::vector<std::string> names_of(const ImageSource& source) {
  std::vector<std::string> names;
  for (Index i = 0; i < source.size(); ++i) names.push_back(source.name(i));
  return names;
}

}  // namespace

TEST_CASE("a folder's pictures are sorted by bytes and labeled by their first folder") {
  const ScratchFolder folder;
  draw(folder / "zebra/a.png", 1);
  draw(folder / "ape/b.PNG", 2);
  draw(folder / "ape/deep/er/c.jpg", 3);  // a PNG by its bytes, which count
  draw(folder / "Bee/a.png", 4);
  io::write_file(folder / "ape/notes.txt", io::test::bytes_of("no picture"));
  draw(folder / "ape/.hidden.png", 5);
  draw(folder / ".cache/a.png", 6);

  const FolderSource source(folder / "");
  CHECK(names_of(source) ==
        std::vector<std::string>{"Bee/a.png", "ape/b.PNG", "ape/deep/er/c.jpg", "zebra/a.png"});
  CHECK(source.classes() == std::vector<std::string>{"Bee", "ape", "zebra"});
  CHECK(source.label(2) == 1);
  CHECK(source.label(3) == 2);
  CHECK((source.image(2) == io::Image({1, 1, 3}, 3)));
  CHECK(source.fingerprint() == FolderSource(folder / "").fingerprint());

  const FolderSource unlabeled(folder / "", {.labels = FolderLabels::none});
  CHECK(unlabeled.classes().empty());
  CHECK(unlabeled.label(0) == no_label);

  draw(folder / "top.png", 7);
  CHECK(FolderSource(folder / "").classes().empty());
  CHECK(FolderSource(folder / "").fingerprint() != source.fingerprint());
  CHECK(file_error([&] { FolderSource(folder / "", {.labels = FolderLabels::folders}); }) ==
        (folder / "").string() + ": picture top.png lies in no class folder");
}

TEST_CASE("links stay within the folder unless they are wanted") {
  const ScratchFolder folder;
  const ScratchFolder elsewhere;
  draw(folder / "set/a/x.png", 1);
  draw(elsewhere / "y.png", 2);
  fs::create_symlink(folder / "set/a/x.png", folder / "set/a/z.png");
  CHECK(names_of(FolderSource(folder / "set")) == std::vector<std::string>{"a/x.png", "a/z.png"});

  fs::create_directory_symlink(elsewhere / "", folder / "set/b");
  CHECK(file_error([&] {
          FolderSource(folder / "set");
        }).find("set/b: is a link out of the folder, to ") != std::string::npos);
  const FolderSource wanted(folder / "set", {.links_out_of_folder = true});
  CHECK(names_of(wanted) == std::vector<std::string>{"a/x.png", "a/z.png", "b/y.png"});

  fs::create_directory_symlink(folder / "set", folder / "set/a/loop");
  CHECK(file_error([&] { FolderSource(folder / "set", {.links_out_of_folder = true}); }) ==
        (folder / "set/a/loop").string() + ": is a link to a folder of the set itself, " +
            fs::canonical(folder / "set").string());
}

TEST_CASE("links that go in circles end in an error, not in a walk without end") {
  const ScratchFolder folder;
  draw(folder / "set/a/x.png", 1);
  draw(folder / "set/b/y.png", 2);
  fs::create_directory_symlink("../b", folder / "set/a/to_b");
  fs::create_directory_symlink("../a", folder / "set/b/to_a");
  CHECK(file_error([&] {
          FolderSource(folder / "set");
        }).find(": is a link to a folder of the set itself, ") != std::string::npos);

  const ScratchFolder elsewhere;
  draw(elsewhere / "one/z.png", 3);
  draw(folder / "other/x.png", 1);
  fs::create_directory_symlink(elsewhere / "one", folder / "other/first");
  fs::create_directory_symlink(elsewhere / "one", folder / "other/second");
  CHECK(file_error([&] {
          FolderSource(folder / "other", {.links_out_of_folder = true});
        }).find(": is a second link to the folder ") != std::string::npos);

  fs::create_directory(folder / "self");
  fs::create_symlink("self.png", folder / "self/self.png");
  CHECK(file_error([&] {
          FolderSource(folder / "self");
        }).find("self.png: is a link that leads nowhere: ") != std::string::npos);
}

TEST_CASE("folders without pictures, and pictures that are none, are named") {
  const ScratchFolder folder;
  CHECK(file_error([&] { FolderSource(folder / "missing"); }) ==
        (folder / "missing").string() + ": cannot be opened: No such file or directory");
  fs::create_directory(folder / "empty");
  CHECK(file_error([&] { FolderSource(folder / "empty"); }) ==
        (folder / "empty").string() + ": holds no picture (.jpg, .jpeg, .png or .webp)");
  CHECK(file_error([&] {
          FolderSource(folder / "empty/x.png");
        }).ends_with("cannot be opened: No such file or directory"));

  draw(folder / "set/x.png", 1);
  const FolderSource source(folder / "set");
  io::write_file(folder / "set/x.png", io::test::bytes_of("no picture any more"));
  CHECK(file_error([&] { source.image(0); }).starts_with((folder / "set/x.png").string() + ": "));
  CHECK(file_error([&] { FolderSource(folder / "set/x.png"); }) ==
        (folder / "set/x.png").string() + ": is not a folder");
}

}  // namespace tessera::data::test
