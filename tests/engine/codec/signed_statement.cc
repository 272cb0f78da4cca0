#include "engine/codec/signed_statement.h"

#include <doctest/doctest.h>

#include "engine/codec/bounds.h"
#include "engine/codec/metainfo.h"

using namespace murder;
using namespace murder::codec;

namespace {

const SignedStatement& signed_by_two() {
  static const SignedStatement statement{.text = "a statement\n",
                                         .signatures = {std::string("\0one", 4), "two"}};
  return statement;
}

std::optional<SignedStatement> read(const std::string& torrent) {
  const Result<Metainfo> metainfo = parse_metainfo(as_bytes_of(torrent));
  REQUIRE(metainfo);
  return metainfo->signed_statement;
}

std::string draft(const std::optional<SignedStatement>& statement = {}) {
  return encode_metainfo({.name = "v1",
                          .geometry = {.total_bytes = 0, .piece_bytes = 16384},
                          .tracker_tiers = {{"http://a/announce"}},
                          .unpacked_size = UnpackedSize{.bytes = 1, .entries = 2},
                          .signed_statement = statement});
}

std::string_view info_of(const std::string& torrent) {
  const size_t begin = torrent.find("4:info");
  return std::string_view(torrent).substr(begin, torrent.find("7:privatei1ee") + 13 - begin);
}

}  // namespace

TEST_CASE("a statement travels beside the info dictionary, which stays as it is") {
  const std::string plain = draft();
  CHECK_FALSE(read(plain));
  CHECK(read(draft(signed_by_two())) == signed_by_two());
  const Result<std::string> added = with_signed_statement(as_bytes_of(plain), signed_by_two());
  CHECK(added == draft(signed_by_two()));
  CHECK(info_of(*added) == info_of(plain));
  SignedStatement other = signed_by_two();
  other.signatures.pop_back();
  CHECK(with_signed_statement(as_bytes_of(*added), other) == draft(other));
}

TEST_CASE("a torrent with its keys out of order, or something behind it, can be signed too") {
  const std::string torrent =
      "d4:infod6:lengthi0e4:name1:a12:piece lengthi1e6:pieces0:e1:z1:z7:comm"
      "ent1:ce\n";
  const Result<std::string> added = with_signed_statement(as_bytes_of(torrent), signed_by_two());
  REQUIRE(added);
  CHECK(added->starts_with("d7:comment1:c4:infod"));
  CHECK(added->ends_with("1:z1:ze"));
  CHECK(read(*added) == signed_by_two());
  CHECK_FALSE(with_signed_statement(as_bytes_of("le"), signed_by_two()));
  CHECK_FALSE(with_signed_statement(as_bytes_of("d"), signed_by_two()));
}

TEST_CASE("what is not a statement with signatures, or beyond its bounds, counts as absent") {
  const std::string plain = draft();
  const auto with_value = [&](const std::string& value) {
    std::string torrent = plain;
    return torrent.insert(torrent.find("14:unpacked"), "14:signed release" + value);
  };
  CHECK(read(with_value("d10:signaturesl1:xe9:statement1:se")));
  for (const char* value : {"i1e", "de", "d10:signaturesle9:statementi1ee",
                            "d10:signatures0:9:statement1:se", "d10:signaturesli1ee9:statement1:se",
                            "d9:statement1:se", "d10:signaturesle9:statement0:e"}) {
    CAPTURE(value);
    CHECK_FALSE(read(with_value(value)));
  }
  CHECK_FALSE(
      read(draft(SignedStatement{.text = std::string(limits::statement_bytes_max + 1, 's')})));
  CHECK_FALSE(read(draft(SignedStatement{
      .text = "s", .signatures = {std::string(limits::signature_bytes_max + 1, 's')}})));
  CHECK_FALSE(
      read(draft(SignedStatement{.text = "s", .signatures = std::vector<std::string>(17, "s")})));
  CHECK(read(draft(SignedStatement{.text = "s", .signatures = std::vector<std::string>(16, "s")})));
}
