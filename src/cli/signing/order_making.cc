#include "cli/signing/order_making.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/printable.h"
#include "engine/trust/signature_file.h"
#include "engine/trust/time_text.h"

namespace murder::cli {
namespace {

constexpr int64_t order_day_s = 24 * 60 * 60;
// A host that was switched off over a weekend still takes it.
constexpr int64_t order_valid_s = 7 * order_day_s;
// What must not run must not run later either.
constexpr int64_t revocation_valid_s = 3650 * order_day_s;
// How far clocks of operators may be ahead.
constexpr int64_t serial_ahead_max = order_day_s;

std::string groups_text(const std::vector<std::string>& groups) {
  std::string text;
  for (const std::string& group : groups) {
    text += (text.empty() ? " for " : ", ") + group;
  }
  return text;
}

}  // namespace

Result<std::vector<trust::OrderStatement>> make_orders(const OrderSubject& subject,
                                                       const std::vector<trust::OrderKind>& kinds,
                                                       std::optional<Duration> expires_after,
                                                       int64_t now_s) {
  const std::optional<InfoHash> info_hash = InfoHash::from_hex(subject.info_hash);
  if (!info_hash) {
    return fail(ErrorCode::network, "the coordinator names no info hash of the release");
  }
  const auto now = static_cast<uint64_t>(std::max<int64_t>(now_s, 0));
  if (subject.last_serial > now + serial_ahead_max) {
    return fail(
        ErrorCode::conflict,
        fmt::format("the last order about {} has the serial {}, which no clock shows before "
                    "{}: this machine's clock is wrong, or that of who signed it was",
                    subject.app, subject.last_serial, trust::time_text_of(subject.last_serial)));
  }
  uint64_t serial = std::max(now, subject.last_serial + 1);
  std::vector<std::string> groups = subject.groups;
  std::ranges::sort(groups);
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  std::vector<trust::OrderStatement> orders;
  for (const trust::OrderKind kind : kinds) {
    const bool is_revocation = kind == trust::OrderKind::revoke;
    const int64_t valid_s =
        expires_after ? std::chrono::duration_cast<std::chrono::seconds>(*expires_after).count()
                      : (is_revocation ? revocation_valid_s : order_valid_s);
    orders.push_back({.kind = kind,
                      .application = subject.app,
                      .tag = subject.tag,
                      .info_hash = *info_hash,
                      .groups = is_revocation ? std::vector<std::string>() : groups,
                      .hosts = {},
                      .serial = serial++,
                      .time_s = now_s,
                      .expires_s = now_s + valid_s});
    if (Status valid = trust::validate_order(orders.back()); !valid) {
      return fail(valid.error().code, "it cannot be signed: " + valid.error().text);
    }
  }
  return orders;
}

std::vector<trust::OrderKind> kinds_of_start(bool allows_older, bool rolls_back) {
  std::vector<trust::OrderKind> kinds = {allows_older ? trust::OrderKind::roll_back
                                                      : trust::OrderKind::activate};
  if (rolls_back) {
    kinds.push_back(trust::OrderKind::go_back);
  }
  return kinds;
}

std::string order_text(const trust::OrderStatement& order) {
  return fmt::format("{} {} {} (info hash {}){}", trust::name_of(order.kind), order.application,
                     printable_value(order.tag), order.info_hash.hex(), groups_text(order.groups));
}

Status add_order_signature(const SigningKey& key, codec::SignedStatement& signed_order,
                           const SigningFront& front) {
  const Result<trust::OrderStatement> order = trust::parse_order(signed_order.text);
  if (!order) {
    return fail(order.error());
  }
  front.note(fmt::format("signing with {}: {}, until {}", key.name, order_text(*order),
                         trust::time_text_of(static_cast<uint64_t>(order->expires_s))));
  Result<MadeSignature> made =
      make_signature(key, signed_order.text, trust::order_namespace, front);
  if (!made) {
    return fail(made.error());
  }
  return trust::add_signature(signed_order, std::move(made->blob));
}

Result<Json> sign_orders(const SigningKey& key, std::span<const trust::OrderStatement> orders,
                         const SigningFront& front) {
  Json texts = Json::array();
  for (const trust::OrderStatement& order : orders) {
    codec::SignedStatement signed_order{.text = trust::encode_order(order), .signatures = {}};
    if (Status added = add_order_signature(key, signed_order, front); !added) {
      return fail(added.error());
    }
    texts.push_back(trust::encode_signature_file(signed_order));
  }
  return texts;
}

}  // namespace murder::cli
