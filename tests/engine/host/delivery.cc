#include "engine/host/delivery.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "../../temporary_directory.h"

namespace murder::host {
namespace {

codec::Metainfo file_release() {
  codec::Metainfo metainfo;
  metainfo.name = "disk.img";
  metainfo.is_single_file = true;
  return metainfo;
}

}  // namespace

TEST_CASE("where a file goes is known to be fit before it is fetched, as cp knows it") {
  const TemporaryDirectory directory;
  const std::string base = directory.path();
  std::filesystem::create_directories(base + "/app/disk.img");
  std::filesystem::create_directories(base + "/empty");
  std::ofstream(base + "/file") << "old";
  std::filesystem::create_symlink("file", base + "/link");
  std::filesystem::create_symlink("nowhere", base + "/dangling");
  const auto code_of = [&base](const std::string& to, bool is_directory, bool makes) {
    const Status status = check_target({.archive_path = base + "/temp/disk.img",
                                        .to = base + to,
                                        .to_is_directory = is_directory,
                                        .makes_directory = makes},
                                       file_release());
    return status ? std::optional<ErrorCode>() : status.error().code;
  };
  for (const char* fit : {"/empty", "/file", "/link", "/new"}) {
    CAPTURE(fit);
    CHECK_FALSE(code_of(fit, false, false));
  }
  CHECK(code_of("/app", false, false) == ErrorCode::exists);
  CHECK(code_of("/dangling", false, false) == ErrorCode::exists);
  CHECK(code_of("/new/name", false, false) == ErrorCode::not_found);
  CHECK(code_of("/new", true, false) == ErrorCode::not_found);
  CHECK(code_of("/file", true, false) == ErrorCode::exists);
  CHECK(code_of("/file", true, true) == ErrorCode::exists);
  CHECK_FALSE(code_of("/new/app", true, true));
  CHECK_FALSE(code_of("/empty", true, false));
}

TEST_CASE("where a tree cannot go is known before it is fetched") {
  const TemporaryDirectory directory;
  const std::string base = directory.path();
  std::ofstream(base + "/file") << "old";
  std::filesystem::create_symlink("nowhere", base + "/dangling");
  std::filesystem::create_symlink("circle", base + "/circle");
  codec::Metainfo tree;
  tree.name = "v1.tar";
  tree.is_single_file = true;
  const auto refusal_of = [&](const std::string& to) {
    const Status status =
        check_target({.archive_path = base + "/temp/v1.tar", .to = base + to, .tag = "v1"}, tree);
    return status ? "" : status.error().text;
  };
  CHECK(refusal_of("") == "");
  CHECK(refusal_of("/new/directory") == "");
  for (const char* link : {"/dangling", "/circle", "/dangling/below"}) {
    CAPTURE(link);
    CHECK(refusal_of(link).find("is a symbolic link to nothing") != std::string::npos);
  }
  CHECK(refusal_of("/file").find("is not a directory") != std::string::npos);
  CHECK(refusal_of("/" + std::string(256, 'n') + "/app").find("too long") != std::string::npos);
}

}  // namespace murder::host
