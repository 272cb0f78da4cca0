#include "engine/base/port_range.h"

#include <doctest/doctest.h>

using murder::PortRange;

TEST_CASE("a range of ports is two ports in order, or one") {
  CHECK(PortRange::parse("51000-51099").value() == PortRange{51000, 51099});
  CHECK(PortRange::parse("51000").value() == PortRange{51000, 51000});
  CHECK(PortRange::parse("1-65535").value() == PortRange{1, 65535});
  CHECK(PortRange::parse("51000-51099").value().text() == "51000-51099");
  CHECK(PortRange::parse("7").value().text() == "7");
  for (const char* wrong : {"", "-", "0", "0-5", "5-", "-5", "9-8", "65536", "1-65536", "1-2-3",
                            "a-b", " 1", "+1", "1 - 2"}) {
    CAPTURE(wrong);
    CHECK_FALSE(PortRange::parse(wrong));
  }
}
