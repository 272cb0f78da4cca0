// Archives that name things twice or through links of their own: the later entry counts, as GNU tar
// has it.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/archive/unpack.h"
#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

namespace {

class Tree1 {
 public:
  explicit Tree1(const std::vector<RawEntry>& entries) {
    MemorySource source(raw_tar(entries));
    Notes notes;
    const Result<Unpacked> unpacked = unpack(
        source, {.archive_name = "some.tar", .directory = temporary_.path(), .tag = "v1"}, notes);
    REQUIRE_MESSAGE(unpacked, (unpacked ? "" : unpacked.error().text));
  }

  [[nodiscard]] std::string operator/(const std::string& name) const {
    return temporary_ / ("v1/" + name);
  }
  [[nodiscard]] struct stat status_of(const std::string& name) const {
    struct stat status {};
    CHECK(::lstat((*this / name).c_str(), &status) == 0);
    return status;
  }

 private:
  TemporaryDirectory temporary_;
};

}  // namespace

TEST_CASE("a file that is named twice, as a hard link to itself, is one file") {
  const Tree1 tree({{.path = "dir/a", .content = "content"},
                    {.path = "dir/a", .type = EntryType::hard_link, .link_target = "dir/a"},
                    {.path = "b", .type = EntryType::hard_link, .link_target = "./dir//a"},
                    {.path = "b", .type = EntryType::hard_link, .link_target = "dir/a"},
                    {.path = "dir/a", .type = EntryType::hard_link, .link_target = "b"}});
  CHECK(read_file(tree / "dir/a") == "content");
  CHECK(tree.status_of("dir/a").st_nlink == 2);
  CHECK(tree.status_of("b").st_ino == tree.status_of("dir/a").st_ino);
}

TEST_CASE("a directory replaces a file or a link of its name, whatever the link leads to") {
  const Tree1 tree({{.path = "file", .content = "x"},
                    {.path = "file", .type = EntryType::directory, .mode = 0750},
                    {.path = "file/inner", .content = "y"},
                    {.path = "real/kept", .content = "k"},
                    {.path = "link", .type = EntryType::symlink, .link_target = "real"},
                    {.path = "link", .type = EntryType::directory, .mode = 0755},
                    {.path = "link/inner", .content = "z"},
                    {.path = "out", .type = EntryType::symlink, .link_target = "../.."},
                    {.path = "out", .type = EntryType::directory, .mode = 0755},
                    {.path = "out/inner", .content = "o"}});
  CHECK(read_file(tree / "file/inner") == "y");
  CHECK((tree.status_of("file").st_mode & 07777U) == 0750);
  CHECK(S_ISDIR(tree.status_of("link").st_mode));
  CHECK(names_in(tree / "real") == std::vector<std::string>{"kept"});
  CHECK(read_file(tree / "link/inner") == "z");
  CHECK(read_file(tree / "out/inner") == "o");
}

TEST_CASE("what is no directory replaces one that is empty") {
  const Tree1 tree({{.path = "a", .type = EntryType::directory},
                    {.path = "a", .content = "file"},
                    {.path = "b", .type = EntryType::directory},
                    {.path = "b", .type = EntryType::symlink, .link_target = "a"},
                    {.path = "c/d", .type = EntryType::directory},
                    {.path = "c/d", .type = EntryType::hard_link, .link_target = "a"},
                    // And back, with what a cursor may have kept of it.
                    {.path = "e/f", .type = EntryType::directory},
                    {.path = "e/f", .content = "x"},
                    {.path = "e/f", .type = EntryType::directory, .mode = 0711},
                    {.path = "e/f/g", .content = "deep"}});
  CHECK(read_file(tree / "a") == "file");
  CHECK(S_ISLNK(tree.status_of("b").st_mode));
  CHECK(tree.status_of("c/d").st_ino == tree.status_of("a").st_ino);
  CHECK(read_file(tree / "e/f/g") == "deep");
  CHECK((tree.status_of("e/f").st_mode & 07777U) == 0711);
}

TEST_CASE("a name leads through links that stay inside the tree") {
  const Tree1 tree({{.path = "usr/lib", .type = EntryType::directory, .mode = 0755},
                    {.path = "lib", .type = EntryType::symlink, .link_target = "usr/lib"},
                    {.path = "lib/x", .content = "1"},
                    {.path = "lib/new/deep/y", .content = "2"},
                    {.path = "lib/dir", .type = EntryType::directory, .mode = 0700},
                    {.path = "chain", .type = EntryType::symlink, .link_target = "./lib//"},
                    {.path = "chain/z", .type = EntryType::symlink, .link_target = "x"},
                    {.path = "same", .type = EntryType::symlink, .link_target = "."},
                    {.path = "same/same/top", .content = "3"},
                    {.path = "hard", .type = EntryType::hard_link, .link_target = "chain/x"},
                    {.path = "usr/link", .type = EntryType::symlink, .link_target = "lib/new"},
                    {.path = "usr/link/deep/w", .content = "4"}});
  CHECK(read_file(tree / "usr/lib/x") == "1");
  CHECK(read_file(tree / "usr/lib/new/deep/y") == "2");
  CHECK(read_file(tree / "usr/lib/new/deep/w") == "4");
  CHECK((tree.status_of("usr/lib/dir").st_mode & 07777U) == 0700);
  CHECK(read_file(tree / "usr/lib/z") == "1");
  CHECK(read_file(tree / "top") == "3");
  CHECK(tree.status_of("hard").st_ino == tree.status_of("usr/lib/x").st_ino);
  CHECK(S_ISLNK(tree.status_of("lib").st_mode));
}
