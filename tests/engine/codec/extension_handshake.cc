#include "engine/codec/extension_handshake.h"

#include <doctest/doctest.h>

#include "engine/base/types.h"

using murder::as_bytes_of;
using murder::IpAddress;
using murder::codec::decode_extension_handshake;
using murder::codec::encode_extension_handshake;
using murder::codec::ExtensionHandshake;

TEST_CASE("an extension handshake reads back as it was written") {
  ExtensionHandshake handshake{.client = "murder 0.1.0",
                               .listen_port = uint16_t{6881},
                               .your_ip = IpAddress::parse("192.0.2.1"),
                               .requests_max = 500,
                               .metadata_bytes = 31235,
                               .block_bytes_max = 131072,
                               .upload_only = true,
                               .free = true,
                               .rack = "a7",
                               .extensions = {{"mu_a", 3}, {"ut_metadata", 1}}};
  CHECK(*decode_extension_handshake(as_bytes_of(encode_extension_handshake(handshake))) ==
        handshake);
  handshake.your_ip = IpAddress::parse("2001:db8::1");
  CHECK(*decode_extension_handshake(as_bytes_of(encode_extension_handshake(handshake))) ==
        handshake);
  CHECK(encode_extension_handshake({}) == "d1:mdee");
  CHECK(*decode_extension_handshake(as_bytes_of("d1:mdee")) == ExtensionHandshake{});
}

TEST_CASE("the extended id of an extension is the first that is told, and 0 when none is") {
  const ExtensionHandshake handshake{.extensions = {{"b", 2}, {"a", 1}, {"b", 3}}};
  CHECK(handshake.id_of("a") == 1);
  CHECK(handshake.id_of("b") == 2);
  CHECK(handshake.id_of("c") == 0);
}

TEST_CASE("the keys are those of BEP 10, in order") {
  const ExtensionHandshake handshake{.client = "x",
                                     .listen_port = uint16_t{1},
                                     .requests_max = 2,
                                     .upload_only = true,
                                     .extensions = {{"b", 2}, {"a", 1}, {"b", 3}}};
  CHECK(encode_extension_handshake(handshake) ==
        "d1:md1:ai1e1:bi2ee1:pi1e4:reqqi2e11:upload_onlyi1e1:v1:xe");
}

TEST_CASE("members of a wrong type or range are absent, not an error") {
  const auto handshake = decode_extension_handshake(as_bytes_of(
      "d1:md1:ai256e1:bi-1e1:c1:x1:di0ee13:metadata_sizei-1e8:mu_block1:x1:pi65536e4:reqq"
      "i4294967296e11:upload_only1:11:vi1e6:yourip5:12345e"));
  REQUIRE(handshake);
  CHECK(*handshake == ExtensionHandshake{.extensions = {{"d", 0}}});
  CHECK(decode_extension_handshake(as_bytes_of("d1:mi1e1:pi0ee"))->listen_port == std::nullopt);
}

TEST_CASE("what is no dictionary is an error") {
  for (const char* text : {"", "le", "i1e", "d", "random bytes"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_extension_handshake(as_bytes_of(text)));
  }
}
