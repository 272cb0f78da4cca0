#include "coordinator/store/etcd_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "coordinator/store/bounds.h"
#include "engine/base/ensure.h"
#include "engine/base/monotonic_clock.h"
#include "engine/http/blocking_client.h"

namespace murder::store {
namespace {

constexpr Duration pause_between_rounds = std::chrono::milliseconds(100);

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

ErrorCode code_of(int status, std::string_view text) {
  if (contains(text, "database space exceeded")) {
    return ErrorCode::no_space;
  }
  if (contains(text, "request is too large") || contains(text, "larger than max")) {
    return ErrorCode::limit;
  }
  if (status == 401 || status == 403 || contains(text, "permission denied") ||
      contains(text, "user name is empty")) {
    return ErrorCode::permission;
  }
  // 500 is what a server answers that has lost its leader in the middle.
  return status >= 500 || status == 429 || status == 408 ? ErrorCode::network
                                                         : ErrorCode::unsupported;
}

Error error_of(const std::string& url, int status, const std::string& body) {
  const std::string text = read_error_text(body);
  const ErrorCode code = code_of(status, text);
  std::string_view advice;
  if (code == ErrorCode::no_space) {
    advice = ": compact and defragment it, then clear its alarm (etcdctl alarm disarm)";
  } else if (code == ErrorCode::permission) {
    advice = ": murder gives etcd no password; let this host in without one";
  } else if (status == 404) {
    advice = ": is that an etcd of version 3.4 or newer, with its JSON gateway?";
  }
  return {code, fmt::format("{}: etcd answered {} '{}'{}", url, status, text, advice)};
}

}  // namespace

bool is_worth_another_attempt(ErrorCode code) {
  return code == ErrorCode::network || code == ErrorCode::timeout;
}

Result<Json> EtcdClient::ask(const std::string& url, const std::string& body, Duration within) {
  const Result<http::Reply> reply =
      http::blocking_request(url, {.method = "POST",
                                   .body = body,
                                   .timeout = within,
                                   .body_bytes_max = limits::etcd_reply_bytes_max});
  if (!reply) {
    return fail(reply.error());
  }
  if (reply->status != 200) {
    return fail(error_of(url, reply->status, reply->body));
  }
  Result<Json> json = parse_json(reply->body);
  if (!json) {
    return fail(ErrorCode::invalid_input, fmt::format("{}: its answer is not JSON", url));
  }
  // A stream that failed after its head.
  if (json->contains("error")) {
    return fail(error_of(url, 500, reply->body));
  }
  return json;
}

Result<Json> EtcdClient::call(std::string_view path, const std::string& body,
                              EtcdPatience patience) {
  ENSURE(!endpoints_.empty());
  const Instant end = monotonic_now() + patience.call;
  for (size_t attempt = 0;; ++attempt) {
    const Duration within = std::min(patience.attempt, end - monotonic_now());
    Result<Json> reply = ask(endpoints_[current_] + std::string(path), body, within);
    if (reply || !is_worth_another_attempt(reply.error().code)) {
      return reply;
    }
    current_ = (current_ + 1) % endpoints_.size();
    const bool is_round_over = attempt % endpoints_.size() == endpoints_.size() - 1;
    if (monotonic_now() + (is_round_over ? pause_between_rounds : Duration{}) >= end) {
      return reply;
    }
    if (is_round_over) {
      std::this_thread::sleep_for(pause_between_rounds);
    }
  }
}

Result<EtcdValues> EtcdClient::range(const EtcdRange& range, EtcdPatience patience) {
  const Result<Json> reply = call("/v3/kv/range", text_of(range), patience);
  return reply ? read_range(*reply) : fail(reply.error());
}

Result<EtcdOutcome> EtcdClient::commit(const EtcdTransaction& transaction, EtcdPatience patience) {
  ENSURE(transaction.operation_count() <= limits::etcd_request_operations_max);
  const Result<Json> reply = call("/v3/kv/txn", transaction.text(), patience);
  return reply ? read_outcome(*reply) : fail(reply.error());
}

Result<uint64_t> EtcdClient::grant_lease(Duration lease) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lease).count();
  const Result<Json> reply =
      call("/v3/lease/grant", text_of_lease_grant(static_cast<uint64_t>(seconds)), etcd_patience);
  if (!reply) {
    return fail(reply.error());
  }
  const uint64_t id = read_lease_id(*reply);
  if (id == 0) {
    return fail(ErrorCode::invalid_input, endpoints_[current_] + ": granted no lease");
  }
  return id;
}

Result<bool> EtcdClient::keep_lease(uint64_t id) {
  const Result<Json> reply = call("/v3/lease/keepalive", text_of_lease(id), etcd_lead_patience);
  return reply ? Result<bool>(read_lease_is_kept(*reply)) : fail(reply.error());
}

void EtcdClient::revoke_lease(uint64_t id) {
  // One that is not revoked ends by itself.
  static_cast<void>(call("/v3/lease/revoke", text_of_lease(id), etcd_lead_patience));
}

}  // namespace murder::store
