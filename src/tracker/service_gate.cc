#include "tracker/service_gate.h"

#include <chrono>
#include <string_view>

#include "engine/codec/query.h"

namespace murder::tracker {
namespace {

http::Response forbidden(std::string body) {
  return {.status = 403, .body = std::move(body), .close = true};
}

bool is_page(std::string_view path) {
  return path == "/" || path == "/status.json" || path == "/metrics";
}

}  // namespace

uint64_t wall_clock_s() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(
      std::max<int64_t>(std::chrono::duration_cast<std::chrono::seconds>(since_1970).count(), 0));
}

// In the header, as Prometheus sends it, or in the query, as people write it.
bool Gate::is_viewer(const http::Request& request) const {
  constexpr std::string_view bearer = "Bearer ";
  if (!is_page(request.path)) {
    return false;
  }
  if (request.authorization.starts_with(bearer)) {
    return keys_.is_viewer_key(request.authorization.substr(bearer.size()));
  }
  codec::QueryPairs pairs(request.query);
  while (const std::optional<codec::QueryPair> pair = pairs.next()) {
    if (pair->key == "viewer") {
      return keys_.is_viewer_key(pair->value);
    }
  }
  return false;
}

Gate::Admission Gate::admit(const http::Request& request) const {
  const uint64_t now_s = clock_s_();
  switch (keys_.right_of(request.path, request.query, now_s)) {
    case trust::Right::opener:
      return {.opens_releases = true};
    case trust::Right::member:
      return {.opens_releases = !keys_.has_opener()};
    case trust::Right::stale:
      return {.refusal = forbidden(keys_.clock_reply(request.path, request.query, now_s))};
    case trust::Right::none:
      break;
  }
  return is_viewer(request) ? Admission{} : Admission{.refusal = forbidden("forbidden\n")};
}

}  // namespace murder::tracker
