#include "engine/trust/signature_file.h"

#include <doctest/doctest.h>

#include "engine/trust/bounds.h"
#include "engine/trust/ssh_signature.h"
#include "test_keys.h"

using namespace murder;
using namespace murder::trust;
using namespace murder::trust::test;

namespace {

std::string blob_of(const std::string& key, const std::string& signature = "signature") {
  return encode(TestSignature{.key = key, .signature = signature});
}

}  // namespace

TEST_CASE("a file of a statement and its signatures is read as it was written") {
  const codec::SignedStatement one{.text = "a statement\n", .signatures = {blob_of("a")}};
  const codec::SignedStatement two{.text = "a statement\n",
                                   .signatures = {blob_of("a"), blob_of("b")}};
  CHECK(parse_signature_file(encode_signature_file(one)) == one);
  CHECK(parse_signature_file(encode_signature_file(two)) == two);
  CHECK(parse_signature_file(encode_signature_file(two) + "\n") == two);
}

TEST_CASE("anything else is not such a file") {
  const std::string armour = add_armour(blob_of("a"));
  for (const std::string& text :
       {std::string(), std::string("a statement\n"), armour, "a statement\n" + armour + "x",
        "a statement\n" + armour + "x\n" + armour, "a statement " + armour,
        "a statement\n" + armour.substr(0, armour.size() - 4),
        std::string(limits::statement_bytes_max + 1, 's') + "\n" + armour}) {
    CHECK_FALSE(parse_signature_file(text));
  }
  std::string many = "a statement\n";
  for (size_t count = 0; count < limits::signatures_max; ++count) {
    many += armour;
  }
  CHECK(parse_signature_file(many));
  CHECK_FALSE(parse_signature_file(many + armour));
}

TEST_CASE("a signature is added, and takes the place of one of the same key") {
  codec::SignedStatement statement{.text = "a statement\n"};
  CHECK(add_signature(statement, blob_of("a", "first")));
  CHECK(add_signature(statement, blob_of("b")));
  CHECK(add_signature(statement, blob_of("a", "second")));
  CHECK(statement.signatures == std::vector{blob_of("a", "second"), blob_of("b")});
  CHECK_FALSE(add_signature(statement, "nonsense"));
  for (size_t count = 2; count < limits::signatures_max; ++count) {
    CHECK(add_signature(statement, blob_of(std::string(count, 'c'))));
  }
  CHECK_FALSE(add_signature(statement, blob_of("d")));
  CHECK(add_signature(statement, blob_of("b", "again")));
}
