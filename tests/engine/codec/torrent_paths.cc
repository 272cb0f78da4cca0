#include "engine/codec/torrent_paths.h"

#include <doctest/doctest.h>

#include <map>

namespace murder::codec {
namespace {

FileEntry file(std::string path) {
  return {.path = std::move(path), .size_bytes = 1};
}

FileEntry link(std::string path, std::string target) {
  return {.path = std::move(path), .is_symlink = true, .symlink_target = std::move(target)};
}

// The targets after resolving, by link; the error under "".
std::map<std::string, std::string> resolved(std::vector<FileEntry> files) {
  std::map<std::string, std::string> targets;
  if (const Status status = resolve_links(files); !status) {
    targets[""] = status.error().text;
    return targets;
  }
  for (const FileEntry& each : files) {
    if (each.is_symlink) {
      targets[each.path] = each.symlink_target;
    }
  }
  return targets;
}

using Targets = std::map<std::string, std::string>;

bool names_nothing(const std::vector<FileEntry>& files) {
  const Targets targets = resolved(files);
  return targets.contains("") && targets.at("").find("names nothing") != std::string::npos;
}

}  // namespace

TEST_CASE("a target is taken from the root") {
  CHECK(resolved({link("d/l", "a"), file("a")}) == Targets{{"d/l", "a"}});
  CHECK(resolved({link("l", "d/e"), file("d/e/f")}) == Targets{{"l", "d/e"}});
}

TEST_CASE("a target that names nothing from the root is taken from the link's directory") {
  CHECK(resolved({link("d/l", "big"), file("d/big")}) == Targets{{"d/l", "d/big"}});
  CHECK(resolved({link("d/up", "../a"), file("a"), file("d/x")}) == Targets{{"d/up", "a"}});
  CHECK(resolved({link("d/e/l", "../../x/./y"), file("x/y")}) == Targets{{"d/e/l", "x/y"}});
}

TEST_CASE("the root comes first where both name something") {
  CHECK(resolved({link("d/l", "a"), file("a"), file("d/a")}) == Targets{{"d/l", "a"}});
}

TEST_CASE("the root itself may be a target") {
  CHECK(resolved({link("d/l", ".."), file("a")}) == Targets{{"d/l", ""}});
  CHECK(resolved({link("l", "."), file("a")}) == Targets{{"l", ""}});
}

TEST_CASE("a target may lead through links, and to one") {
  CHECK(resolved({link("lib", "usr/lib"), link("x", "lib/a"), file("usr/lib/a")}) ==
        Targets{{"lib", "usr/lib"}, {"x", "usr/lib/a"}});
  CHECK(resolved({link("a", "b"), link("b", "c"), file("c")}) == Targets{{"a", "b"}, {"b", "c"}});
  // ".." behind a link is the parent of where the link leads, as the kernel has it.
  CHECK(resolved({link("lib", "usr/lib"), link("x", "lib/../b"), file("usr/lib/a"),
                  file("usr/b")}) == Targets{{"lib", "usr/lib"}, {"x", "usr/b"}});
}

TEST_CASE("a target that names nothing is refused") {
  CHECK(names_nothing({link("l", "x"), file("a")}));
  CHECK(names_nothing({link("l", "../a"), file("a")}));
  CHECK(names_nothing({link("d/l", "../../a"), file("a")}));
  CHECK(names_nothing({link("l", "a/.."), file("a")}));
  CHECK(names_nothing({link("l", "a/b"), file("a")}));
  CHECK(names_nothing({link("l", "a"), file("ab"), file("a-/b")}));
  CHECK(names_nothing({link("l", "p"), {.path = "p", .size_bytes = 1, .is_padding = true}}));
}

TEST_CASE("a circle of links is refused") {
  CHECK(names_nothing({link("l", "l")}));
  CHECK(names_nothing({link("a", "b"), link("b", "a")}));
  CHECK(names_nothing({link("a", "b/x"), link("b", "a")}));
  std::vector<FileEntry> chain = {file("end")};
  for (int each = 0; each < 60; ++each) {
    chain.push_back(link("l" + std::to_string(each), "l" + std::to_string(each + 1)));
  }
  chain.push_back(link("l60", "end"));
  CHECK(names_nothing(chain));  // longer than a kernel follows
}

TEST_CASE("links that take too long to follow are refused, deep ones sooner than flat ones") {
  const auto tree = [](const std::string& directory) {
    std::vector<FileEntry> files = {file(directory + "x")};
    for (int each = 0; each < 100; ++each) {
      files.push_back(link(directory + std::to_string(each), directory + "x"));
    }
    return files;
  };
  // Each is walked twice.
  std::vector<FileEntry> flat = tree("");
  CHECK(resolve_links(flat, 300));
  std::vector<FileEntry> twice = tree("");
  const Status refused = resolve_links(twice, 199);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::limit);
  std::string deep;
  for (int level = 0; level < 20; ++level) {
    deep += "directory/";
  }
  std::vector<FileEntry> counted_by_parts = tree(deep);
  CHECK_FALSE(resolve_links(counted_by_parts, 2ULL * 100 * 21 * 2));
  std::vector<FileEntry> enough = tree(deep);
  CHECK(resolve_links(enough, 2ULL * 100 * 21 * 30));
}

TEST_CASE("a name is shown without what steers a terminal") {
  CHECK(shown_name("a\nb") == "\"a\\nb\"");
  CHECK(shown_name(std::string(200, 'x')) == '"' + std::string(100, 'x') + "...\"");
}

}  // namespace murder::codec
