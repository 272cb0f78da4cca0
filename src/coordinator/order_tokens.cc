#include "coordinator/order_tokens.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "coordinator/bounds.h"
#include "coordinator/json_response.h"
#include "coordinator/operator_request.h"
#include "engine/base/ensure.h"
#include "engine/codec/query.h"
#include "engine/hash/sha256.h"
#include "engine/trust/bounds.h"

namespace murder::coordinator {
namespace {

// By which a clock may seem to be set back without being it.
constexpr uint64_t clock_back_s_max = 5;

std::string sha256_text(std::span<const uint8_t> bytes) {
  hash::Sha256Stream stream;
  stream.update(bytes);
  return stream.finish().hex();
}

}  // namespace

std::optional<http::Response> OrderTokens::refuse(const http::Request& request, uint64_t now_s) {
  forget(now_s);
  if (parameter_of(request.query, "body_sha256") != sha256_text(request.body)) {
    return json_error(403, "an order needs the parameter body_sha256, that of its body");
  }
  std::string token(parameter_of(request.query, "token"));
  if (tokens_.contains(token)) {
    return json_error(403, "this order was given before: each is signed anew, with a new nonce");
  }
  if (order_.size() >= limits::order_tokens_max) {
    return json_error(503, "too many orders within ten minutes: try again later");
  }
  // It holds for as long as the clocks may differ, in both directions.
  order_.push_back({.until_s = now_s + 2 * limits::token_skew_s_max + 1, .token = token});
  tokens_.insert(std::move(token));
  ENSURE(tokens_.size() == order_.size());
  return std::nullopt;
}

// A clock that was set back far would have all orders refused until it is there again.
bool OrderTokens::must_wait(uint64_t now_s) const {
  return now_s < first_s_ && now_s + clock_back_s_max >= first_s_;
}

bool OrderTokens::is_untimely(const http::Request& request, uint64_t now_s) const {
  const bool was_set_back = now_s + clock_back_s_max < first_s_;
  if (first_s_ == 0 || was_set_back) {
    return false;
  }
  const std::string_view token = parameter_of(request.query, "token");
  uint64_t time_s = 0;
  std::from_chars(token.data(), token.data() + token.size(), time_s);
  return time_s < first_s_ || time_s > now_s;
}

void OrderTokens::forget(uint64_t now_s) {
  while (!order_.empty() && order_.front().until_s <= now_s) {
    tokens_.erase(order_.front().token);
    order_.pop_front();
  }
}

}  // namespace murder::coordinator
