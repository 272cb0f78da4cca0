// Extended attributes, owners, set-id bits and groups of trees that are packed and unpacked.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "engine/archive/pack_tree.h"
#include "engine/archive/tar_header.h"
#include "engine/archive/unpack.h"
#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

namespace {

// The value, empty when there is none.
std::string attribute_of(const std::string& path, const char* name) {
  std::string value(1000, '\0');
  const ssize_t size = ::lgetxattr(path.c_str(), name, value.data(), value.size());
  value.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
  return value;
}

bool set_attribute(const std::string& path, const char* name, std::string_view value) {
  return ::lsetxattr(path.c_str(), name, value.data(), value.size(), 0) == 0;
}

struct Packed {
  std::string tar;
  std::vector<std::string> warnings;
};

Packed pack(const std::string& path, bool keep_attributes) {
  const Result<Fd> root = open_file(path, O_RDONLY | O_DIRECTORY);
  REQUIRE(root);
  Notes notes;
  const Result<Tree> tree =
      walk_tree(root->get(), {.root_name = path, .keep_attributes = keep_attributes}, notes);
  REQUIRE(tree);
  MemorySink sink;
  REQUIRE(pack_tree(root->get(), *tree, {.root_name = path}, sink, notes));
  return {.tar = sink.content, .warnings = notes.warnings};
}

std::vector<std::string> unpack_to(const std::string& tar, const UnpackOptions& options) {
  MemorySource source(tar);
  Notes notes;
  const Result<Unpacked> unpacked = unpack(source, options, notes);
  REQUIRE_MESSAGE(unpacked, (unpacked ? "" : unpacked.error().text));
  return notes.warnings;
}

// As the kernel has it: version 2, then tag, permissions and id of each entry: user::rw-,
// user:1234:r--, group::r--, mask::r--, other::---.
const std::string access_list(
    "\x02\0\0\0"
    "\x01\0\x06\0\xff\xff\xff\xff"
    "\x02\0\x04\0\xd2\x04\0\0"
    "\x04\0\x04\0\xff\xff\xff\xff"
    "\x10\0\x04\0\xff\xff\xff\xff"
    "\x20\0\0\0\xff\xff\xff\xff",
    44);
// cap_net_bind_service=ep
const std::string capability("\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);

}  // namespace

TEST_CASE("extended attributes come back when asked for, else they are counted") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree");
  make_directory(temporary / "tree/dir");
  write_file(temporary / "tree/dir/file", "content");
  const std::string binary("a\0\n=b", 5);
  if (!set_attribute(temporary / "tree/dir/file", "user.origin", binary)) {
    MESSAGE("no user attributes in " << temporary.path());
    return;
  }
  REQUIRE(set_attribute(temporary / "tree/dir", "user.od=d%", "on a directory"));
  REQUIRE(set_attribute(temporary / "tree", "user.root", ""));
  const bool has_access_lists =
      set_attribute(temporary / "tree/dir/file", "system.posix_acl_access", access_list);
  const bool has_capabilities =
      set_attribute(temporary / "tree/dir/file", "security.capability", capability);

  const Packed without = pack(temporary / "tree", false);
  REQUIRE(without.warnings.size() == 1);
  CHECK(without.warnings[0].find("of 3 entries") != std::string::npos);
  CHECK(without.warnings[0].find("--xattrs") != std::string::npos);
  CHECK(without.tar.find("SCHILY") == std::string::npos);

  const Packed with = pack(temporary / "tree", true);
  CHECK(with.warnings.empty());
  CHECK(with.tar == pack(temporary / "tree", true).tar);
  CHECK(unpack_to(with.tar, {.archive_name = "a",
                             .directory = temporary.path(),
                             .tag = "out",
                             .keep_attributes = true})
            .empty());
  CHECK(attribute_of(temporary / "out/dir/file", "user.origin") == binary);
  CHECK(attribute_of(temporary / "out/dir", "user.od=d%") == "on a directory");
  if (has_access_lists) {
    CHECK(attribute_of(temporary / "out/dir/file", "system.posix_acl_access") == access_list);
  }
  if (has_capabilities) {
    CHECK(attribute_of(temporary / "out/dir/file", "security.capability") == capability);
  }
  CHECK(pack(temporary / "out", true).tar == with.tar);

  const std::vector<std::string> warnings =
      unpack_to(with.tar, {.archive_name = "a", .directory = temporary.path(), .tag = "plain"});
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("--xattrs") != std::string::npos);
  CHECK(attribute_of(temporary / "plain/dir/file", "user.origin").empty());
}

TEST_CASE("attributes that the target cannot hold are told, and the release is there") {
  TemporaryDirectory temporary;
  REQUIRE(::chmod(temporary.path().c_str(), 0777) == 0);
  TreeEntry entry;
  entry.path = "file";
  entry.mode = 0644;
  entry.attributes = {{.name = "security.capability", .value = capability},
                      {.name = "security.selinux", .value = "label"}};
  const std::string tar = tar_header(entry) + std::string(tar_end_bytes, '\0');
  CHECK(runs_unprivileged([&] {
    const std::vector<std::string> warnings = unpack_to(tar, {.archive_name = "a",
                                                              .directory = temporary.path(),
                                                              .tag = "out",
                                                              .keep_attributes = true});
    return warnings.size() == 1 && warnings[0].find("2 extended attributes") == 0 &&
           warnings[0].find("security.capability of file") != std::string::npos;
  }));
  CHECK(exists(temporary / "out/file"));
}

TEST_CASE("set-id bits stay off unless asked for") {
  TemporaryDirectory temporary;
  const std::string tar = raw_tar({{.path = "user", .mode = 04755},
                                   {.path = "group", .mode = 02755},
                                   {.path = "dir", .type = EntryType::directory, .mode = 03775}});
  const auto mode_of = [&temporary](const std::string& name) {
    struct stat status {};
    CHECK(::stat((temporary / name).c_str(), &status) == 0);
    return status.st_mode & 07777U;
  };
  unpack_to(tar, {.archive_name = "a", .directory = temporary.path(), .tag = "off"});
  CHECK(mode_of("off/user") == 0755);
  CHECK(mode_of("off/group") == 0755);
  CHECK(mode_of("off/dir") == 01775);
  unpack_to(tar,
            {.archive_name = "a", .directory = temporary.path(), .tag = "on", .keep_set_id = true});
  CHECK(mode_of("on/user") == 04755);
  CHECK(mode_of("on/group") == 02755);
  CHECK(mode_of("on/dir") == 03775);
}

TEST_CASE("a directory that gives its group to what is made in it gives it to a release as well") {
  TemporaryDirectory temporary;
  make_directory(temporary / "to");
  if (::chown((temporary / "to").c_str(), static_cast<uid_t>(-1), 1234) != 0) {
    MESSAGE("not root: groups cannot be given");
    return;
  }
  REQUIRE(::chmod((temporary / "to").c_str(), 02775) == 0);
  const std::string tar = raw_tar({{.path = "dir", .type = EntryType::directory, .mode = 0750},
                                   {.path = "dir/file", .mode = 0640},
                                   {.path = "made/on/the/way/file"}});
  unpack_to(tar, {.archive_name = "a", .directory = temporary / "to", .tag = "v1"});
  for (const char* name :
       {"v1", "v1/dir", "v1/dir/file", "v1/made/on", "v1/made/on/the/way/file"}) {
    CAPTURE(name);
    struct stat status {};
    REQUIRE(::stat((temporary / "to/" + name).c_str(), &status) == 0);
    CHECK(status.st_gid == 1234);
    CHECK(((status.st_mode & S_ISGID) != 0) == S_ISDIR(status.st_mode));
  }
  // Elsewhere nothing is inherited.
  unpack_to(tar, {.archive_name = "a", .directory = temporary.path(), .tag = "v1"});
  struct stat status {};
  REQUIRE(::stat((temporary / "v1/dir").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0750);
  CHECK(status.st_gid == ::getegid());
}

TEST_CASE("root gives a release to its owner, links and directories on the way included") {
  if (::geteuid() != 0) {
    MESSAGE("not root: files cannot be given");
    return;
  }
  TemporaryDirectory temporary;
  TreeEntry capable;
  capable.path = "capable";
  capable.mode = 04755;
  capable.attributes = {{.name = "security.capability", .value = capability}};
  const std::string tar =
      tar_header(capable) +
      raw_tar({{.path = "dir", .type = EntryType::directory, .mode = 0755},
               {.path = "made/on/file"},
               {.path = "link", .type = EntryType::symlink, .link_target = "/nowhere"}});
  unpack_to(tar, {.archive_name = "a",
                  .directory = temporary.path(),
                  .tag = "v1",
                  .owner = Owner{.user = 4321, .group = 1234},
                  .keep_set_id = true,
                  .keep_attributes = true});
  for (const char* name : {"", "/dir", "/made", "/made/on", "/made/on/file", "/link", "/capable"}) {
    CAPTURE(name);
    struct stat status {};
    REQUIRE(::lstat((temporary / "v1" + name).c_str(), &status) == 0);
    CHECK(status.st_uid == 4321);
    CHECK(status.st_gid == 1234);
  }
  struct stat status {};
  REQUIRE(::stat((temporary / "v1/capable").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 04755);
  CHECK(attribute_of(temporary / "v1/capable", "security.capability") == capability);
  // Only the group.
  unpack_to(tar, {.archive_name = "a",
                  .directory = temporary.path(),
                  .tag = "v2",
                  .owner = Owner{.group = 1234}});
  REQUIRE(::stat((temporary / "v2/dir").c_str(), &status) == 0);
  CHECK(status.st_uid == 0);
  CHECK(status.st_gid == 1234);
}
