#include "engine/archive/entry_tree.h"

#include <doctest/doctest.h>

#include "engine/archive/bounds.h"
#include "engine/archive/unpack.h"
#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

namespace {

// What became of it: as unpacked, and as it is only checked.
std::pair<bool, bool> verdicts_of(const std::vector<RawEntry>& entries) {
  const std::string tar = raw_tar(entries);
  TemporaryDirectory temporary;
  Notes notes;
  MemorySource source(tar);
  const Result<Unpacked> unpacked = unpack(
      source,
      {.archive_name = "v.tar", .directory = temporary.path(), .tag = "v1", .is_confined = false},
      notes);
  MemorySource again(tar);
  return {unpacked.has_value(), check_archive(again, "v.tar", nullptr, notes).has_value()};
}

RawEntry file(std::string path) {
  return {.path = std::move(path)};
}

RawEntry directory(std::string path) {
  return {.path = std::move(path), .type = EntryType::directory};
}

RawEntry soft_link(std::string path, std::string target) {
  return {.path = std::move(path), .type = EntryType::symlink, .link_target = std::move(target)};
}

RawEntry hard_link(std::string path, std::string target) {
  return {.path = std::move(path), .type = EntryType::hard_link, .link_target = std::move(target)};
}

}  // namespace

TEST_CASE("what does not fit into one tree is known without making it") {
  using Entries = std::vector<RawEntry>;
  using Verdicts = std::pair<bool, bool>;
  for (const Entries& bad : {
           Entries{hard_link("a", "b")},
           Entries{hard_link("a", "d/b"), file("d/b")},
           Entries{directory("d"), hard_link("a", "d")},
           Entries{file("d/a"), file("d")},
           Entries{file("d/a"), soft_link("d", "e")},
           Entries{file("f"), file("f/a")},
           Entries{soft_link("l", "/etc"), file("l/a")},
           Entries{soft_link("d/l", ".."), file("d/l/a")},
           Entries{soft_link("l", "nothing"), file("l/a")},
           Entries{soft_link("l", "m"), soft_link("m", "l"), file("l/a")},
       }) {
    CAPTURE(bad.back().path);
    CHECK(verdicts_of(bad) == Verdicts{false, false});
  }
  for (const Entries& good : {
           Entries{file("a"), hard_link("a", "a")},
           Entries{file("b"), directory("d"), hard_link("d", "b")},
           Entries{file("b"), directory("b"), file("b/c")},
           Entries{file("usr/lib/a"), soft_link("lib", "usr/lib"), file("lib/b"), file("lib/a")},
           Entries{soft_link("l", "nothing"), hard_link("m", "l")},
           Entries{soft_link("l", "d"), file("d/x"), file("l"), directory("l"), file("l/y")},
       }) {
    CAPTURE(good.back().path);
    CHECK(verdicts_of(good) == Verdicts{true, true});
  }
}

TEST_CASE("whoever checks and whoever unpacks agree on all orders of entries") {
  const std::vector<std::string> names = {"a", "b", "a/x", "b/x", "a/x/z", "b/x/q", "a/x/z/w"};
  const std::vector<std::string> targets = {"a", "b",  "x",       ".",  "a/x", "../b", "/etc",
                                            "z", "..", "nothing", "b/", "x/z", "./b"};
  Prng prng(17);
  uint32_t taken = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<RawEntry> entries;
    const uint64_t count = 2 + prng.below(6);
    while (entries.size() < count) {
      const std::string& name = names[prng.below(static_cast<uint32_t>(names.size()))];
      switch (prng.below(4)) {
        case 0:
          entries.push_back(directory(name));
          break;
        case 1:
          entries.push_back(
              soft_link(name, targets[prng.below(static_cast<uint32_t>(targets.size()))]));
          break;
        case 2:
          entries.push_back(
              hard_link(name, names[prng.below(static_cast<uint32_t>(names.size()))]));
          break;
        default:
          entries.push_back(file(name));
      }
    }
    const auto [unpacked, checked] = verdicts_of(entries);
    CAPTURE(round);
    CHECK(unpacked == checked);
    taken += unpacked ? 1 : 0;
  }
  CHECK(taken > 20);
  CHECK(taken < 380);
}

TEST_CASE("names beyond what a tree keeps are taken for right") {
  EntryTree tree;
  const std::string part(250, 'n');
  const uint64_t count = limits::entry_tree_bytes_max / part.size() + 1;
  for (uint64_t index = 0; index < count; ++index) {
    REQUIRE(tree.add(EntryTree::Kind::file, part + std::to_string(index), ""));
  }
  CHECK(tree.add(EntryTree::Kind::file, part + "0/below", ""));
  CHECK(tree.add_hard_link("h", "nothing"));
}
