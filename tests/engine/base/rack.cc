#include "engine/base/rack.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/base/bounds.h"

using namespace murder;

TEST_CASE("names that racks have are taken") {
  for (const char* name : {"r7", "dc1/row-2/r07", "10.1.0.0", "fra:R_12", "7"}) {
    CAPTURE(name);
    CHECK(is_rack_name(name));
    CHECK(validate_rack_name(name));
  }
  CHECK(is_rack_name(std::string(limits::rack_name_bytes_max, 'r')));
}

TEST_CASE("what could steer a terminal, a page or a command is no name of a rack") {
  for (const std::string& name :
       {std::string(), std::string("r 7"), std::string("r\n"), std::string("r\0", 2),
        std::string("<b>"), std::string("r\"7"), std::string("r'7"), std::string("größe"),
        std::string("-r"), std::string("r,7"), std::string("r&x=1"),
        std::string(limits::rack_name_bytes_max + 1, 'r')}) {
    CAPTURE(name);
    CHECK_FALSE(is_rack_name(name));
    CHECK(validate_rack_name(name).error().code == ErrorCode::invalid_input);
  }
}
