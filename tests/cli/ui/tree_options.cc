#include "cli/ui/tree_options.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "engine/host/owner.h"

using namespace murder;
using namespace murder::cli;

namespace {

codec::Metainfo metainfo_of(uint64_t archive_bytes) {
  codec::Metainfo metainfo;
  metainfo.geometry = {.total_bytes = archive_bytes, .piece_bytes = 16384};
  return metainfo;
}

}  // namespace

TEST_CASE("what an archive may unpack to is what its torrent states, else 100 times its size") {
  codec::Metainfo metainfo = metainfo_of(50'000'000);
  CHECK(unpacked_bytes_max_of(metainfo) == 5'000'000'000);
  metainfo.unpacked_size = codec::UnpackedSize{.bytes = 7'000, .entries = 3};
  CHECK(unpacked_bytes_max_of(metainfo) == 7'000 + 3 * 512);
  // 0 would be no limit.
  metainfo.unpacked_size = codec::UnpackedSize{};
  CHECK(unpacked_bytes_max_of(metainfo) == 1);
  metainfo.unpacked_size = codec::UnpackedSize{.bytes = INT64_MAX, .entries = INT64_MAX};
  CHECK(unpacked_bytes_max_of(metainfo) > INT64_MAX);
  CHECK(unpacked_bytes_max_of(metainfo_of(200)) == 1024 * 1024);
  CHECK(unpacked_bytes_max_of(metainfo_of(UINT64_MAX)) >= INT64_MAX / 2);
}

TEST_CASE("an option wins over what the torrent states") {
  const codec::Metainfo metainfo = metainfo_of(1'000'000);
  host::DeliveryOptions delivery;
  PlacingOptions options;
  REQUIRE(apply(options, metainfo, delivery));
  CHECK(delivery.unpacked_bytes_max == 100'000'000);
  CHECK_FALSE(delivery.owner);
  options.unpacked_bytes_max = 0;
  options.keep_setid = true;
  REQUIRE(apply(options, metainfo, delivery));
  CHECK(delivery.unpacked_bytes_max == 0);
  CHECK(delivery.keep_set_id);
  options.owner = "no such user";
  CHECK(apply(options, metainfo, delivery).error().text.find("--owner") == 0);
}

TEST_CASE("an owner is said as chown takes it") {
  constexpr auto as_it_is = static_cast<uint32_t>(-1);
  const auto check = [](const std::string& text, uint32_t user, uint32_t group) {
    CAPTURE(text);
    const Result<archive::Owner> owner = host::parse_owner(text);
    REQUIRE(owner);
    CHECK(owner->user == user);
    CHECK(owner->group == group);
  };
  check("root", 0, as_it_is);
  check("root:", 0, 0);
  check("root:root", 0, 0);
  check("12", 12, as_it_is);
  check("12:34", 12, 34);
  check(":34", as_it_is, 34);
  for (const char* wrong :
       {"", ":", "no such user", "root:no such group", "1x", "4294967295", "-1", "1:2:3"}) {
    CAPTURE(wrong);
    CHECK_FALSE(host::parse_owner(wrong));
  }
}
