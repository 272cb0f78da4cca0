#include "engine/archive/read_ahead.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

TEST_CASE("reading ahead ends when packing does, wherever either is") {
  TemporaryDirectory temporary;
  make_directory(temporary / "a");
  for (int number = 0; number < 50; ++number) {
    write_file(temporary / ("a/" + std::to_string(number)), std::string(3000, 'x'));
  }
  write_file(temporary / "empty", "");
  // More than it may be ahead: without being told of progress it has to wait here.
  write_file(temporary / "large", "");
  REQUIRE(::truncate((temporary / "large").c_str(), 256LL * 1024 * 1024) == 0);
  write_file(temporary / "vanishes", "x");
  write_file(temporary / "zz", "x");
  const Fd root = std::move(*open_file(temporary.path(), O_RDONLY | O_DIRECTORY));
  Notes notes;
  const Result<Tree> tree = walk_tree(root.get(), {.root_name = "tree"}, notes);
  REQUIRE(tree);
  REQUIRE(::unlink((temporary / "vanishes").c_str()) == 0);
  REQUIRE(::unlink((temporary / "a/7").c_str()) == 0);
  REQUIRE(::mkfifo((temporary / "a/7").c_str(), 0644) == 0);
  uint64_t total_bytes = 0;
  for (const TreeEntry& entry : tree->entries) {
    total_bytes += ReadAhead::entry_cost_bytes + entry.size_bytes;
  }
  for (const uint64_t packed_bytes : {uint64_t{0}, total_bytes / 3, total_bytes}) {
    for (const uint64_t step : {uint64_t{100'000}, total_bytes}) {
      ReadAhead ahead(root.get(), *tree);
      for (uint64_t at = 0; at < packed_bytes; at += step) {
        ahead.packed(std::min(step, packed_bytes - at));
      }
    }
  }
}
