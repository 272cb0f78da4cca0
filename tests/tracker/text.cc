#include "tracker/text.h"

#include <doctest/doctest.h>

#include "tracker/bounds.h"

using namespace murder::tracker;

namespace {

constexpr size_t bytes_max = murder::limits::tracker_swarm_name_bytes_max;

std::string shown(std::string_view name) {
  return presentable_name(name, bytes_max);
}

}  // namespace

TEST_CASE("a name keeps its UTF-8 and loses controls and broken bytes") {
  CHECK(shown("web-v42.tar.zst") == "web-v42.tar.zst");
  CHECK(shown("gr\xC3\xBC\xC3\x9F"
              "e \xF0\x9F\x9A\x80") ==
        "gr\xC3\xBC\xC3\x9F"
        "e \xF0\x9F\x9A\x80");
  CHECK(shown(std::string_view("a\nb\0c\x7F", 6)) == "a?b?c?");
  CHECK(shown("web-\xFF\xC3\xBC") == "web-???");
  CHECK(shown("\xED\xA0\x80") == "???");  // a surrogate
}

TEST_CASE("a name cannot act on a terminal or on the line it stands in") {
  CHECK(shown("a\x1B[31mb") == "a?[31mb");
  CHECK(shown("a\xC2\x9B"
              "31mb") == "a?31mb");  // CSI of C1
  CHECK(shown("a\xC2\x80\xC2\x9F\xC2\xA0") == "a??\xC2\xA0");
  CHECK(shown("a\xE2\x80\xAE"
              "cod.exe") == "a?cod.exe");  // right to left
  CHECK(shown("\xE2\x81\xA6x\xE2\x80\xA8y\xEF\xBB\xBF") == "?x?y?");
  CHECK(shown("\xE2\x80\xA2 \xE2\x82\xAC") == "\xE2\x80\xA2 \xE2\x82\xAC");
  CHECK(shown("\xE2\x80") == "??");
}

TEST_CASE("a name that is too long is cut between characters") {
  CHECK(shown(std::string(1000, 'x')).size() == bytes_max);
  std::string name(bytes_max - 1, 'x');
  name += "\xC3\xBC";
  CHECK(shown(name) == std::string(bytes_max - 1, 'x'));
}
