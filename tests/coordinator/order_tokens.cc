#include "coordinator/order_tokens.h"

#include <doctest/doctest.h>

#include "coordinator/bounds.h"
#include "engine/base/types.h"
#include "engine/trust/bounds.h"

using namespace murder;
using namespace murder::coordinator;

namespace {

constexpr uint64_t now_s = 1'800'000'000;
// Of "{}".
constexpr std::string_view hash_of_body =
    "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

std::string query_of(std::string_view hash, std::string_view token) {
  return "app=shop&nonce=1&body_sha256=" + std::string(hash) + "&token=" + std::string(token);
}

int status_of(OrderTokens& tokens, const std::string& query, std::string_view body = "{}",
              uint64_t at_s = now_s) {
  http::Request request{.method = "POST", .path = "/control/rollout", .query = query};
  request.body = as_bytes_of(body);
  const std::optional<http::Response> refusal = tokens.refuse(request, at_s);
  return refusal ? refusal->status : 200;
}

}  // namespace

TEST_CASE("an order counts with the body that was signed, and once") {
  OrderTokens tokens;
  CHECK(status_of(tokens, query_of(hash_of_body, "1-a"), "{ }") == 403);
  CHECK(status_of(tokens, query_of("", "1-a")) == 403);
  CHECK(status_of(tokens, "app=shop&token=1-a") == 403);
  CHECK(status_of(tokens, query_of(hash_of_body, "1-a")) == 200);
  CHECK(status_of(tokens, query_of(hash_of_body, "1-a")) == 403);
  CHECK(status_of(tokens, query_of(hash_of_body, "1-b")) == 200);
}

TEST_CASE("a token is remembered for as long as it could hold") {
  OrderTokens tokens;
  const std::string query = query_of(hash_of_body, "1-a");
  CHECK(status_of(tokens, query) == 200);
  CHECK(status_of(tokens, query, "{}", now_s + 2 * limits::token_skew_s_max) == 403);
  CHECK(status_of(tokens, query, "{}", now_s + 2 * limits::token_skew_s_max + 1) == 200);
}

TEST_CASE("there are as many as are remembered, then none is taken") {
  OrderTokens tokens;
  for (uint32_t index = 0; index < limits::order_tokens_max; ++index) {
    REQUIRE(status_of(tokens, query_of(hash_of_body, std::to_string(index))) == 200);
  }
  CHECK(status_of(tokens, query_of(hash_of_body, "more")) == 503);
  CHECK(status_of(tokens, query_of(hash_of_body, "more"), "{}",
                  now_s + 2 * limits::token_skew_s_max + 1) == 200);
}

TEST_CASE("orders that were signed before the coordinator began, or by a clock that is ahead") {
  OrderTokens tokens;
  const auto is_untimely = [&](uint64_t signed_s, uint64_t at_s) {
    const std::string query = query_of(hash_of_body, std::to_string(signed_s) + "-a");
    return tokens.is_untimely({.method = "POST", .path = "/control/rollout", .query = query}, at_s);
  };
  CHECK_FALSE(is_untimely(now_s - 100, now_s));  // it does not matter: nobody took orders before
  tokens.begin(now_s);
  CHECK(tokens.must_wait(now_s - 1));
  CHECK_FALSE(tokens.must_wait(now_s));
  CHECK(is_untimely(now_s - 1, now_s));
  CHECK(is_untimely(now_s - 100, now_s + 10));
  CHECK_FALSE(is_untimely(now_s, now_s));
  CHECK_FALSE(is_untimely(now_s, now_s + limits::token_skew_s_max));
  CHECK(is_untimely(now_s + 11, now_s + 10));
  // The clock was set back by an hour: orders count nevertheless.
  CHECK_FALSE(tokens.must_wait(now_s - 3600));
  CHECK_FALSE(is_untimely(now_s - 3600, now_s - 3600));
}
