#include "engine/trust/base64.h"

#include <doctest/doctest.h>

using namespace murder::trust;

TEST_CASE("base64 of RFC 4648, both ways") {
  const char* pairs[][2] = {{"", ""},
                            {"f", "Zg=="},
                            {"fo", "Zm8="},
                            {"foo", "Zm9v"},
                            {"foob", "Zm9vYg=="},
                            {"fooba", "Zm9vYmE="},
                            {"foobar", "Zm9vYmFy"},
                            {"\xff\xfe\xfd", "//79"}};
  for (const auto& [bytes, text] : pairs) {
    CHECK(encode_base64(bytes) == text);
    CHECK(decode_base64(text) == bytes);
  }
  CHECK(decode_base64(" Zm9v\r\nYg =\t=\n") == "foob");
}

TEST_CASE("what is not base64, or not in its one spelling, is none") {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "=Zg=", "Zg==Zg==", "Zh==", "Zm9=",
                           "Zm9v====", "Zm9v=", "Zm-v", "Zm9v!", "===="}) {
    CAPTURE(text);
    CHECK_FALSE(decode_base64(text));
  }
}
