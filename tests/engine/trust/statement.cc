#include "engine/trust/statement.h"

#include <doctest/doctest.h>

#include <string>

using namespace murder;
using namespace murder::trust;

namespace {

constexpr std::string_view whole =
    "murder-release 1\n"
    "application shop/eu\n"
    "tag v42\n"
    "info-hash 7c2f0c4d7a0a9f6d2f2a1f6f5c8e0b3a4d5e6f70\n"
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n"
    "size 701234\n"
    "serial 1795969872\n"
    "time 2026-11-29T16:31:12Z\n"
    "expires 2026-12-29T16:31:12Z\n";

std::string replaced(std::string_view from, std::string_view to) {
  std::string text(whole);
  REQUIRE(text.find(from) != std::string::npos);
  return text.replace(text.find(from), from.size(), to);
}

std::string refusal(const std::string& text) {
  const Result<ReleaseStatement> statement = parse_statement(text);
  return statement ? "" : statement.error().text;
}

}  // namespace

TEST_CASE("a statement is read, and written as it was") {
  const Result<ReleaseStatement> statement = parse_statement(whole);
  REQUIRE(statement);
  CHECK(statement->application == "shop/eu");
  CHECK(statement->tag == "v42");
  CHECK(statement->info_hash.hex() == "7c2f0c4d7a0a9f6d2f2a1f6f5c8e0b3a4d5e6f70");
  CHECK(statement->sha256.hex() ==
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
  CHECK(statement->size_bytes == 701234);
  CHECK(statement->serial == 1795969872);
  CHECK(statement->time_s == 1795969872);
  CHECK(statement->expires_s == 1795969872 + 30 * 86400);
  CHECK(validate_statement(*statement));
  CHECK(encode_statement(*statement) == whole);
}

TEST_CASE("application and expiry may be left out") {
  const std::string no_application = replaced("application shop/eu\n", "");
  CHECK(parse_statement(no_application)->application.empty());
  CHECK(encode_statement(*parse_statement(no_application)) == no_application);
  const std::string no_end = replaced("expires 2026-12-29T16:31:12Z\n", "");
  CHECK_FALSE(parse_statement(no_end)->expires_s);
  CHECK(encode_statement(*parse_statement(no_end)) == no_end);
}

TEST_CASE("there is one spelling of a statement") {
  CHECK(refusal(replaced("murder-release 1", "murder-release 2")) ==
        "a statement of another version than 1: a newer murder may know it");
  CHECK(refusal(replaced("murder-release 1", "murder-order 1")) ==
        "a statement that is not one of a release");
  CHECK(refusal(replaced("tag v42\n", "")) == "a statement without the field tag in its place");
  const std::pair<std::string_view, std::string_view> wrongs[] = {
      {"murder-release 1", "murder-release 1 "},
      {"murder-release 1", "murder-release  1"},
      {"application shop/eu", "application "},
      {"application shop/eu", "application"},
      {"application shop/eu", "application shop\x1b"},
      {"application shop/eu", "application -shop"},
      {"tag v42", "tag ../v42"},
      {"tag v42", "tag "},
      {"tag v42", "tag v42\r"},
      {"tag v42", "Tag v42"},
      {"tag v42", "tag v42\ntag v42"},
      {"info-hash 7c2f", "info-hash 7C2f"},
      {"info-hash 7c2f", "info-hash 7c2"},
      {"sha256 9f86", "sha256 9F86"},
      {"sha256 9f86", "sha256 9f8"},
      {"size 701234", "size 0701234"},
      {"size 701234", "size +701234"},
      {"size 701234", "size 701234 "},
      {"size 701234", "size -1"},
      {"size 701234", "size"},
      {"size 701234", "size 9223372036854775808"},
      {"serial 1795969872", "serial 18446744073709551616"},
      {"time 2026-11-29T16:31:12Z", "time 2026-11-29"},
      {"expires 2026-12-29T16:31:12Z", "expires 2026-11-29T16:31:12Z"},
      {"expires 2026-12-29T16:31:12Z", "expires never"},
      {"expires 2026-12-29T16:31:12Z\n", "expires 2026-12-29T16:31:12Z"},
      {"expires 2026-12-29T16:31:12Z\n", "expires 2026-12-29T16:31:12Z\n\n"},
      {"expires 2026-12-29T16:31:12Z\n", "expires 2026-12-29T16:31:12Z\nmore x\n"},
      {"serial 1795969872\ntime 2026-11-29T16:31:12Z",
       "time 2026-11-29T16:31:12Z\nserial 1795969872"},
  };
  for (const auto& wrong : wrongs) {
    CAPTURE(wrong.second);
    CHECK_FALSE(refusal(replaced(wrong.first, wrong.second)).empty());
  }
  CHECK_FALSE(refusal(std::string(whole) + std::string(1, '\0')).empty());
  CHECK_FALSE(refusal("").empty());
  CHECK_FALSE(refusal(replaced("v42", std::string(4096, 'x'))).empty());
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::string cut(whole.substr(0, size));
    const Result<ReleaseStatement> statement = parse_statement(cut);
    CHECK((!statement || encode_statement(*statement) == cut));
  }
}

TEST_CASE("what cannot be said in a statement is not valid") {
  const ReleaseStatement right = *parse_statement(whole);
  ReleaseStatement wrong = right;
  wrong.tag = "a/b";
  CHECK_FALSE(validate_statement(wrong));
  wrong = right;
  wrong.application = "a\nb";
  CHECK_FALSE(validate_statement(wrong));
  wrong.application = std::string(201, 'x');
  CHECK_FALSE(validate_statement(wrong));
  wrong.application = std::string(200, 'x');
  CHECK(validate_statement(wrong));
  wrong = right;
  wrong.serial = uint64_t{1} << 63U;
  CHECK_FALSE(validate_statement(wrong));
  wrong = right;
  wrong.time_s = -1;
  CHECK_FALSE(validate_statement(wrong));
  wrong.time_s = 253402300800;
  CHECK_FALSE(validate_statement(wrong));
  wrong = right;
  wrong.expires_s = wrong.time_s;
  CHECK_FALSE(validate_statement(wrong));
}
