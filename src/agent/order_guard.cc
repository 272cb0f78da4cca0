#include "agent/order_guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/printable.h"
#include "engine/base/small_file.h"
#include "engine/host/release_trust.h"
#include "engine/trust/bounds.h"
#include "engine/trust/signature_file.h"

namespace murder::agent {
namespace {

using control::KeptApp;
using control::WantedApp;
using trust::OrderKind;
using trust::OrderStatement;

bool runs(const KeptApp* kept, const InfoHash& release) {
  return kept != nullptr && kept->active && kept->active->info_hash == release;
}

std::string named(const OrderStatement& order) {
  return fmt::format("{} {}", printable_value(order.application), printable_value(order.tag));
}

// Whether an order to go back from a release leads to `release` on this host.
std::string why_not_back(const OrderStatement& order, const InfoHash& release,
                         const KeptApp* kept) {
  if (runs(kept, release)) {
    return {};
  }
  if (!runs(kept, order.info_hash)) {
    return fmt::format("the order is to go back from {}, which this host does not run",
                       named(order));
  }
  if (!kept->previous || kept->previous->info_hash != release) {
    return fmt::format(
        "the order is to go back from {} to what ran before it, and that is "
        "another release",
        named(order));
  }
  return {};
}

}  // namespace

Result<OrderGuard> OrderGuard::open(OrderGuardOptions options) {
  OrderGuard guard(std::move(options));
  const std::string& path = guard.options_.marks_path;
  const Result<std::string> text = read_small_file(path, limits::order_marks_bytes_max);
  if (text) {
    Result<trust::OrderMarks> marks = trust::OrderMarks::parse(*text);
    if (!marks) {
      return fail(marks.error().code, fmt::format("{}: {}", path, marks.error().text));
    }
    guard.marks_ = std::move(*marks);
  } else if (text.error().code != ErrorCode::not_found) {
    return fail(text.error());
  }
  guard.read_signers();
  return guard;
}

// A host that demanded orders once does so until its file says otherwise, not until it is broken.
void OrderGuard::read_signers() {
  Result<std::optional<trust::AllowedSigners>> read = host::load_trust(options_.allowed_signers);
  if (!read) {
    signers_ = fail(read.error());
    demands_orders_ = true;
    return;
  }
  demands_orders_ = *read && (*read)->names_orders;
  signers_ = *read ? std::move(**read) : trust::AllowedSigners{};
}

std::string OrderGuard::take(std::string_view text, int64_t now_s) {
  if (!demands_orders_) {
    return {};
  }
  const Result<codec::SignedStatement> signed_order = trust::parse_signature_file(text);
  if (!signed_order) {
    return signed_order.error().text;
  }
  const Result<OrderStatement> order = trust::parse_order(signed_order->text);
  const auto& apps = options_.apps;
  if (order && std::find(apps.begin(), apps.end(), order->application) == apps.end()) {
    return {};
  }
  const Status admitted = admit(*signed_order, now_s);
  if (admitted) {
    return {};
  }
  if (order && order->kind != OrderKind::revoke) {
    standing_[order->application].refusal = admitted.error().text;
  }
  return order ? fmt::format("an order about {}: {}", named(*order), admitted.error().text)
               : admitted.error().text;
}

Status OrderGuard::admit(const codec::SignedStatement& signed_order, int64_t now_s) {
  if (!signers_) {
    return fail(signers_.error());
  }
  Result<trust::VerifiedOrder> verified = trust::verify_order(signed_order, *signers_, now_s);
  if (!verified) {
    return fail(verified.error());
  }
  OrderStatement& order = verified->order;
  if (!trust::is_for(order, {.host = options_.host, .groups = options_.groups})) {
    return fail(ErrorCode::untrusted, "the order is for other hosts");
  }
  trust::OrderMarks marks = marks_;
  const bool is_revocation = order.kind == OrderKind::revoke;
  const Result<bool> is_new =
      is_revocation ? marks.revoke(order.application, order.info_hash) : marks.admit(order);
  if (!is_new) {
    return fail(is_new.error());
  }
  if (*is_new) {
    if (Status kept = remember(marks); !kept) {
      return kept;
    }
    marks_ = std::move(marks);
  }
  if (!is_revocation) {
    const std::string app = order.application;
    standing_[app] = {.order = std::move(order), .signed_order = signed_order, .refusal = {}};
  }
  return {};
}

Status OrderGuard::remember(const trust::OrderMarks& marks) {
  return write_small_file(options_.marks_path, marks.text());
}

void OrderGuard::restrict_wanted(control::Wanted& wanted, const control::KeptAgent& kept,
                                 int64_t now_s) const {
  if (!demands_orders_) {
    return;
  }
  for (WantedApp& app : wanted.apps) {
    const auto found = std::find_if(kept.apps.begin(), kept.apps.end(),
                                    [&](const KeptApp& each) { return each.app == app.app; });
    restrict_app(app, found == kept.apps.end() ? nullptr : &*found, now_s);
  }
}

void OrderGuard::restrict_app(WantedApp& wanted, const KeptApp* kept, int64_t now_s) const {
  wanted.revoked = marks_.revoked_of(wanted.app);
  std::reverse(wanted.revoked.begin(), wanted.revoked.end());
  if (!wanted.release || (runs(kept, *wanted.release) && !wanted.activate)) {
    return;
  }
  wanted.refusal = why_not(wanted, kept, now_s);
  if (!wanted.refusal.empty()) {
    wanted.activate = false;
    return;
  }
  const OrderKind kind = standing_.find(wanted.app)->second.order->kind;
  wanted.allow_older = wanted.allow_older && kind != OrderKind::activate && kind != OrderKind::want;
}

std::string OrderGuard::why_not(const WantedApp& wanted, const KeptApp* kept, int64_t now_s) const {
  if (!signers_) {
    return signers_.error().text;
  }
  const auto found = standing_.find(wanted.app);
  const Standing* standing = found == standing_.end() ? nullptr : &found->second;
  if (standing == nullptr || !standing->order) {
    return standing == nullptr ? "this host demands signed orders, and none came"
                               : standing->refusal;
  }
  const OrderStatement& order = *standing->order;
  // Again: who signed may not be trusted any more, and time has passed.
  const Result<trust::VerifiedOrder> verified =
      trust::verify_order(standing->signed_order, *signers_, now_s);
  std::string why;
  if (!verified) {
    why = verified.error().text;
  } else if (order.kind == OrderKind::go_back) {
    why = why_not_back(order, *wanted.release, kept);
  } else if (order.info_hash != *wanted.release) {
    why = fmt::format("the latest order is about {}, another release", named(order));
  } else if (order.kind == OrderKind::want && wanted.activate) {
    why = "the latest order is to have the release, not to activate it";
  }
  return why.empty() || standing->refusal.empty()
             ? why
             : fmt::format("{}; another one was refused: {}", why, standing->refusal);
}

}  // namespace murder::agent
