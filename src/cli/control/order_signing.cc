#include "cli/control/order_signing.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "cli/fleet/config.h"
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

void add_order_signing_options(ArgumentParser command, SigningOptions& options) {
  add_sign_option(
      command, options,
      "Sign it for hosts that demand orders of an operator, with the private key of\n"
      "this file or the public one of a key that the ssh-agent has (default: sign_key\n"
      "of murder.toml, else the first key of the agent). Without KEY it does not stand\n"
      "right before an argument");
  command.add_duration(
      "--expires", options.expires_after,
      "Signed: hosts that hear of it later refuse it (default: 7d, of a revocation "
      "3650d)");
}

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

Result<std::optional<OrderSigner>> OrderSigner::open(const SigningOptions& options,
                                                     const std::string& config_path,
                                                     CommandContext& context) {
  const Result<fleet::Config> config = fleet::load_config(config_path);
  if (!config) {
    return config.error().code == ErrorCode::invalid_input
               ? context.wrong_usage(config.error().text)
               : fail(config.error());
  }
  const std::string& wish = options.key.empty() ? config->variables.sign_key : options.key;
  if (!options.is_asked && wish.empty()) {
    return options.expires_after
               ? Result<std::optional<OrderSigner>>(context.wrong_usage(
                     "--expires is signed: it goes with --sign, or with sign_key in murder.toml"))
               : std::nullopt;
  }
  Result<SigningKey> key = find_signing_key(wish);
  if (!key) {
    return fail(key.error());
  }
  return OrderSigner(std::move(*key), options.expires_after);
}

Result<Json> OrderSigner::sign(CoordinatorClient& client, OrderSubject subject,
                               const std::vector<trust::OrderKind>& kinds,
                               const CommandContext& context) const {
  const Result<Json> release =
      client.get(control_target("/control/release", {{"app", subject.app}, {"tag", subject.tag}}));
  if (!release) {
    return fail(release.error());
  }
  subject.info_hash = text_member(*release, "info_hash");
  subject.last_serial = count_member(*release, "order_serial");
  const Result<std::vector<trust::OrderStatement>> orders =
      make_orders(subject, kinds, expires_after_, std::time(nullptr));
  if (!orders) {
    return fail(orders.error());
  }
  Json texts = Json::array();
  const SigningFront front{.note = [&](std::string_view text) { context.note(text); },
                           .cancel = nullptr};
  for (const trust::OrderStatement& order : *orders) {
    context.note(fmt::format("signing with {}: {} {} {} (info hash {}){}, until {}", key_.name,
                             trust::name_of(order.kind), order.application,
                             printable_value(order.tag), order.info_hash.hex(),
                             groups_text(order.groups),
                             trust::time_text_of(static_cast<uint64_t>(order.expires_s))));
    codec::SignedStatement signed_order{.text = trust::encode_order(order), .signatures = {}};
    Result<MadeSignature> made =
        make_signature(key_, signed_order.text, trust::order_namespace, front);
    if (!made) {
      return fail(made.error());
    }
    if (Status added = trust::add_signature(signed_order, std::move(made->blob)); !added) {
      return fail(added.error());
    }
    texts.push_back(trust::encode_signature_file(signed_order));
  }
  return texts;
}

}  // namespace murder::cli
