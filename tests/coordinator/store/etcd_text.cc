#include "coordinator/store/etcd_text.h"

#include <doctest/doctest.h>

using namespace murder;
using namespace murder::store;

namespace {

Json json(std::string_view text) {
  const Result<Json> parsed = parse_json(text);
  REQUIRE(parsed);
  return *parsed;
}

}  // namespace

TEST_CASE("a range is asked for by its keys in base64") {
  CHECK(text_of(EtcdRange{.from = "foo"}) == R"({"key":"Zm9v"})");
  CHECK(text_of(EtcdRange{.from = "a", .end = "b", .limit = 7, .keys_only = true}) ==
        R"({"key":"YQ==","range_end":"Yg==","limit":"7","keys_only":true})");
  CHECK(end_of_prefix("blob/") == "blob0");
}

TEST_CASE("values of a range are read, numbers that are 0 are missing") {
  const auto found = read_range(json(
      R"({"header":{"revision":"9"},"kvs":[{"key":"Zm9v","value":"YmFy",
      "mod_revision":"18446744073709551615",
      "lease":"7"},{"key":"YQ=="}],"more":true,"count":"5"})"));
  REQUIRE(found);
  CHECK(found->count == 5);
  CHECK(found->has_more);
  REQUIRE(found->values.size() == 2);
  CHECK(found->values[0].key == "foo");
  CHECK(found->values[0].value == "bar");
  CHECK(found->values[0].mod_revision == UINT64_MAX);
  CHECK(found->values[0].lease == 7);
  CHECK(found->values[1].value.empty());
  CHECK(found->values[1].lease == 0);
  CHECK(read_range(json(R"({"header":{}})"))->values.empty());
}

TEST_CASE("what is not etcd's is refused") {
  CHECK_FALSE(read_range(json("{}")));
  CHECK_FALSE(read_range(json("[]")));
  CHECK_FALSE(read_range(json(R"({"header":{},"kvs":[{"key":"*"}]})")));
  CHECK_FALSE(read_outcome(json(R"({"succeeded":true})")));
}

TEST_CASE("a transaction says what must hold, what is done and what is read otherwise") {
  EtcdTransaction transaction;
  transaction.require_revision("k", 12);
  transaction.put("a", "b", 3);
  transaction.erase("c", "d");
  transaction.otherwise_read("k");
  CHECK(transaction.operation_count() == 2);
  CHECK(transaction.text() ==
        R"({"compare":[{"target":"MOD","result":"EQUAL","key":"aw==","mod_revision":"12"}],)"
        R"("success":[)"
        R"({"request_put":{"key":"YQ==","value":"Yg==","lease":"3"}},)"
        R"({"request_delete_range":{"key":"Yw==","range_end":"ZA=="}}],"failure":[)"
        R"({"request_range":{"key":"aw=="}}]})");
}

TEST_CASE("an outcome tells what was read instead") {
  const auto done =
      read_outcome(json(R"({"header":{"revision":"44"},"succeeded":true,"responses":[{}]})"));
  REQUIRE(done);
  CHECK(done->succeeded);
  CHECK(done->revision == 44);
  const auto refused = read_outcome(json(
      R"({"header":{"revision":"5"},"responses":[{"response_range":{"header":{},
      "kvs":[{"key":"aw==",
      "value":"dg==","mod_revision":"3"}],"count":"1"}},{"response_range":{"header":{}}}]})"));
  REQUIRE(refused);
  CHECK_FALSE(refused->succeeded);
  REQUIRE(refused->instead.size() == 1);
  CHECK(refused->instead[0].value == "v");
}

TEST_CASE("leases") {
  CHECK(text_of_lease_grant(4) == R"({"TTL":"4"})");
  CHECK(text_of_lease(7587) == R"({"ID":"7587"})");
  CHECK(read_lease_id(json(R"({"header":{},"ID":"758","TTL":"4"})")) == 758);
  CHECK(read_lease_id(json("{}")) == 0);
  CHECK(read_lease_is_kept(json(R"({"result":{"ID":"7","TTL":"4"}})")));
  CHECK_FALSE(read_lease_is_kept(json(R"({"result":{"ID":"7"}})")));
}

TEST_CASE("errors are told in etcd's words, bounded and printable") {
  CHECK(read_error_text(R"({"error":"etcdserver: no leader","code":14})") ==
        "etcdserver: no leader");
  CHECK(read_error_text(R"({"error":{"grpc_code":14,"message":"lost"}})") == "lost");
  CHECK(read_error_text(R"({"message":"new","code":14})") == "new");
  CHECK(read_error_text("<html>\n") == "<html>\\n");
  CHECK(read_error_text(std::string(5000, 'x')).size() == 300);
}
