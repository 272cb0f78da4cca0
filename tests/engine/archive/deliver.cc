#include "engine/archive/deliver.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "engine/archive/release_name.h"
#include "engine/archive/verify.h"
#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

TEST_CASE("a file goes into a directory under its name, else to the name that was given") {
  TemporaryDirectory temporary;
  write_file(temporary / "content", "new");
  make_directory(temporary / "dir");
  CHECK(deliver_file({.file_path = temporary / "content", .name = "v1", .to = temporary / "dir"})
            .value() == temporary / "dir/v1");
  CHECK(read_file(temporary / "dir/v1") == "new");
  CHECK(deliver_file({.file_path = temporary / "content", .name = "v1", .to = temporary / "other"})
            .value() == temporary / "other");
  CHECK(read_file(temporary / "other") == "new");
  CHECK(names_in(temporary.path()) == std::vector<std::string>{"content", "dir", "other"});
}

TEST_CASE("a file that is there is replaced and keeps its mode, also behind a link") {
  TemporaryDirectory temporary;
  write_file(temporary / "content", "new");
  write_file(temporary / "real", "old", 0751);
  REQUIRE(::symlink("real", (temporary / "link").c_str()) == 0);
  REQUIRE(
      deliver_file({.file_path = temporary / "content", .name = "v1", .to = temporary / "link"}));
  CHECK(read_file(temporary / "real") == "new");
  struct stat status {};
  REQUIRE(::lstat((temporary / "real").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0751);
  REQUIRE(::lstat((temporary / "link").c_str(), &status) == 0);
  CHECK(S_ISLNK(status.st_mode));
}

TEST_CASE("who may read an executable may run it, the umask and a replaced file's mode heeded") {
  TemporaryDirectory temporary;
  write_file(temporary / "content", "new");
  write_file(temporary / "old", "old", 0640);
  const mode_t umask_before = ::umask(027);
  for (const char* name : {"made", "old"}) {
    CHECK(deliver_file({.file_path = temporary / "content",
                        .name = name,
                        .to = temporary.path(),
                        .is_executable = true}));
    struct stat status {};
    REQUIRE(::stat((temporary / name).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0750);
  }
  CHECK(
      deliver_file({.file_path = temporary / "content", .name = "plain", .to = temporary.path()}));
  struct stat status {};
  REQUIRE(::stat((temporary / "plain").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0640);
  ::umask(umask_before);
}

TEST_CASE("a file is not delivered over a directory, into nowhere, or over itself") {
  TemporaryDirectory temporary;
  write_file(temporary / "content", "new");
  make_directory(temporary / "dir");
  make_directory(temporary / "dir/v1");
  CHECK_FALSE(
      deliver_file({.file_path = temporary / "content", .name = "v1", .to = temporary / "dir"}));
  CHECK_FALSE(deliver_file(
      {.file_path = temporary / "content", .name = "v1", .to = temporary / "missing/name"}));
  CHECK_FALSE(deliver_file(
      {.file_path = temporary / "content", .name = "v1", .to = temporary / "missing/"}));
  CHECK(deliver_file(
      {.file_path = temporary / "content", .name = "content", .to = temporary.path()}));
  CHECK(read_file(temporary / "content") == "new");
}

TEST_CASE("the files of a torrent become a tree in one step") {
  TemporaryDirectory temporary;
  make_directory(temporary / "content");
  make_directory(temporary / "content/sub");
  write_file(temporary / "content/a", "one");
  write_file(temporary / "content/sub/b", "two");
  codec::Metainfo metainfo;
  metainfo.is_single_file = false;
  metainfo.files = {{.path = "a", .offset = 0, .size_bytes = 3},
                    {.path = ".pad/5", .offset = 3, .size_bytes = 5, .is_padding = true},
                    {.path = "sub/b", .offset = 8, .size_bytes = 3}};
  Notes notes;
  const DeliverTreeOptions options{
      .content_directory = temporary / "content", .directory = temporary / "to", .tag = "v1"};
  CHECK(deliver_tree(metainfo, options, notes).value() == temporary / "to/v1");
  CHECK(names_in(temporary / "to/v1") == std::vector<std::string>{"a", "sub"});
  CHECK(read_file(temporary / "to/v1/sub/b") == "two");
  CHECK_FALSE(deliver_tree(metainfo, options, notes));
  REQUIRE(::unlink((temporary / "content/a").c_str()) == 0);
  DeliverTreeOptions other = options;
  other.tag = "v2";
  CHECK_FALSE(deliver_tree(metainfo, other, notes));
  CHECK(names_in(temporary / "to") == std::vector<std::string>{"v1"});
}

TEST_CASE("what changed since it was verified is not delivered") {
  TemporaryDirectory temporary;
  make_directory(temporary / "content");
  codec::Metainfo metainfo;
  metainfo.geometry = {.total_bytes = 3, .piece_bytes = 16384};
  metainfo.files = {{.path = "a", .size_bytes = 3}};
  write_file(temporary / "content/a", "one");
  metainfo.piece_digests =
      hash_pieces(temporary / "content/a", metainfo.geometry, {}, *std::make_unique<Notes>())
          .value();
  const auto file_arrives = [&] {
    const bool arrives = deliver_file({.file_path = temporary / "content/a",
                                       .name = "a",
                                       .to = temporary / "file",
                                       .metainfo = &metainfo})
                             .has_value();
    CHECK(arrives == (::access((temporary / "file").c_str(), F_OK) == 0));
    return arrives;
  };
  const auto tree_arrives = [&] {
    Notes notes;
    metainfo.is_single_file = false;
    const bool arrives = deliver_tree(metainfo,
                                      {.content_directory = temporary / "content",
                                       .directory = temporary / "to",
                                       .tag = "v1"},
                                      notes)
                             .has_value();
    metainfo.is_single_file = true;
    CHECK(arrives == (::access((temporary / "to/v1").c_str(), F_OK) == 0));
    return arrives;
  };
  for (const char* changed : {"onE", "one and more", "", "on"}) {
    CAPTURE(changed);
    write_file(temporary / "content/a", changed);
    CHECK_FALSE(file_arrives());
    CHECK_FALSE(tree_arrives());
  }
  write_file(temporary / "content/a", "one");
  CHECK(file_arrives());
  CHECK(tree_arrives());
}

TEST_CASE("symbolic links of a torrent lead to where they say") {
  TemporaryDirectory temporary;
  make_directory(temporary / "content");
  make_directory(temporary / "content/lib");
  write_file(temporary / "content/lib/one", "one");
  write_file(temporary / "content/top", "top");
  codec::Metainfo metainfo;
  metainfo.is_single_file = false;
  metainfo.files = {
      {.path = "a", .is_symlink = true, .symlink_target = "lib/one"},
      {.path = "lib/beside", .is_symlink = true, .symlink_target = "lib/one"},
      {.path = "lib/deep/up", .is_symlink = true, .symlink_target = "top"},
      {.path = "lib/deep/near", .is_symlink = true, .symlink_target = "lib/one"},
      {.path = "lib/one", .size_bytes = 3},
      {.path = "top", .size_bytes = 3},
      {.path = "nowhere", .is_symlink = true, .symlink_target = "missing"},
  };
  Notes notes;
  REQUIRE(deliver_tree(
      metainfo,
      {.content_directory = temporary / "content", .directory = temporary / "to", .tag = "v1"},
      notes));
  const auto target = [&](const char* name) {
    return std::filesystem::read_symlink((temporary / "to/v1/") + name).string();
  };
  CHECK(target("a") == "lib/one");
  CHECK(target("lib/beside") == "one");
  CHECK(target("lib/deep/up") == "../../top");
  CHECK(target("lib/deep/near") == "../one");
  CHECK(target("nowhere") == "missing");
  CHECK(read_file(temporary / "to/v1/lib/deep/up") == "top");
  CHECK(read_file(temporary / "to/v1/lib/deep/near") == "one");
}

TEST_CASE("no tag leads a tree out of its directory") {
  TemporaryDirectory temporary;
  make_directory(temporary / "content");
  make_directory(temporary / "to");
  write_file(temporary / "to/other", "stays");
  write_file(temporary / "beside", "stays");
  codec::Metainfo metainfo;
  metainfo.is_single_file = false;
  Notes notes;
  for (const char* tag : {"..", ".", "../to", "-x"}) {
    CAPTURE(tag);
    CHECK(deliver_tree(metainfo,
                       {.content_directory = temporary / "content",
                        .directory = temporary / "to",
                        .tag = tag,
                        .replace = true},
                       notes)
              .error()
              .code == ErrorCode::invalid_input);
    CHECK(names_in(temporary / "to") == std::vector<std::string>{"other"});
    CHECK(read_file(temporary / "beside") == "stays");
  }
}

TEST_CASE("the name of a release tells its tag, and whether it is packed") {
  CHECK(tag_of_name("v1.tar.zst") == "v1");
  CHECK(tag_of_name("v1.tar.gz") == "v1");
  CHECK(tag_of_name("a.tar.tar") == "a.tar");
  CHECK(tag_of_name("app.bin") == "app.bin");
  CHECK(tag_of_name(".tar") == ".tar");
  CHECK(is_packed_tree_name("v1.tar"));
  CHECK_FALSE(is_packed_tree_name("v1.zst"));
}

TEST_CASE("a name that gives no valid tag is refused") {
  CHECK(valid_tag_of_name("v1.tar.zst").value() == "v1");
  CHECK(valid_tag_of_name("app.bin").value() == "app.bin");
  for (const char* name :
       {"...tar", "..tar", "-rf.tar", "a\nb.tar", "\x1b[31m.tar.zst", "\xff.tar.gz", "..", "."}) {
    CAPTURE(name);
    CHECK(valid_tag_of_name(name).error().code == ErrorCode::invalid_input);
  }
}
