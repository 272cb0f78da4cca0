#include "cli/control/order_signing.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "cli/control/bounds.h"
#include "cli/fleet/config.h"
#include "engine/archive/file.h"
#include "engine/base/small_file.h"
#include "engine/trust/signature_file.h"

namespace murder::cli {
namespace {

constexpr std::string_view order_beginning = "murder-order 1\n";

}  // namespace

void add_order_signing_options(ArgumentParser command, OrderSigningOptions& options) {
  add_sign_option(
      command, options.signing,
      "Sign it for hosts that demand orders of an operator, with the private key of\n"
      "this file or the public one of a key that the ssh-agent has (default: sign_key\n"
      "of murder.toml, else the first key of the agent). Without KEY it does not stand\n"
      "right before an argument");
  command.add_duration(
      "--expires", options.signing.expires_after,
      "Signed: hosts that hear of it later refuse it (default: 7d, of a revocation "
      "3650d)");
  command
      .add_option("--save-orders", options.save_path,
                  "Write what is signed to this file, and order nothing: for hosts that demand\n"
                  "the signatures of several operators")
      .type_name("FILE");
  command
      .add_option("--orders", options.orders_path,
                  "Send the orders of this file of --save-orders, with --sign (or sign_key)\n"
                  "signed by one more key; they must be those of this command")
      .type_name("FILE");
}

Result<std::vector<codec::SignedStatement>> read_saved_orders(
    std::string_view text, const std::vector<trust::OrderStatement>& expected,
    uint64_t last_serial) {
  std::vector<codec::SignedStatement> saved;
  for (const trust::OrderStatement& wanted : expected) {
    const size_t next = text.find(order_beginning, std::min<size_t>(text.size(), 1));
    Result<codec::SignedStatement> file =
        trust::parse_signature_file(text.substr(0, std::min(text.size(), next)));
    text.remove_prefix(std::min(text.size(), next));
    const Result<trust::OrderStatement> order =
        file ? trust::parse_order(file->text) : fail(file.error());
    if (!order) {
      return fail(order.error());
    }
    trust::OrderStatement same = *order;
    same.serial = wanted.serial;
    same.time_s = wanted.time_s;
    same.expires_s = wanted.expires_s;
    if (!(same == wanted)) {
      return fail(ErrorCode::conflict, fmt::format("it orders {}, not {} as this command does",
                                                   order_text(*order), order_text(wanted)));
    }
    if (order->expires_s < wanted.time_s || order->serial <= last_serial) {
      return fail(ErrorCode::conflict,
                  fmt::format("its orders about {} {}: make new ones", order_text(*order),
                              order->serial <= last_serial ? "were given already, or later ones"
                                                           : "have expired"));
    }
    last_serial = order->serial;
    saved.push_back(std::move(*file));
  }
  return text.empty() ? Result<std::vector<codec::SignedStatement>>(std::move(saved))
                      : fail(ErrorCode::conflict, "it orders more than this command does");
}

Result<std::optional<OrderSigner>> OrderSigner::open(const OrderSigningOptions& order_options,
                                                     const std::string& config_path,
                                                     CommandContext& context) {
  const SigningOptions& options = order_options.signing;
  const Result<fleet::Config> config = fleet::load_config(config_path);
  if (!config) {
    return config.error().code == ErrorCode::invalid_input
               ? context.wrong_usage(config.error().text)
               : fail(config.error());
  }
  const std::string& wish = options.key.empty() ? config->variables.sign_key : options.key;
  const bool signs = options.is_asked || !wish.empty();
  if (!signs && (options.expires_after || !order_options.save_path.empty())) {
    return context.wrong_usage(fmt::format(
        "{}: it goes with --sign, or with sign_key in murder.toml",
        options.expires_after ? "--expires is signed" : "--save-orders keeps what is signed"));
  }
  if (!signs && order_options.orders_path.empty()) {
    return std::nullopt;
  }
  if (options.expires_after && !order_options.orders_path.empty()) {
    return context.wrong_usage("--expires stands in the orders of --orders already");
  }
  OrderSigner signer;
  if (signs) {
    Result<SigningKey> key = find_signing_key(wish);
    if (!key) {
      return fail(key.error());
    }
    signer.key_ = std::move(*key);
  }
  if (!order_options.orders_path.empty()) {
    Result<std::string> saved =
        archive::read_whole_file(order_options.orders_path, limits::saved_orders_bytes_max);
    if (!saved) {
      return fail(saved.error());
    }
    signer.saved_ = std::move(*saved);
  }
  signer.expires_after_ = options.expires_after;
  signer.save_path_ = order_options.save_path;
  return signer;
}

std::string OrderSigner::saved_text() const {
  return fmt::format(
      "the orders are in {}, and nobody was told: the same command with --orders FILE adds another "
      "signature (--sign) and sends them",
      save_path_);
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
  std::vector<codec::SignedStatement> signed_orders;
  if (saved_) {
    Result<std::vector<codec::SignedStatement>> read =
        read_saved_orders(*saved_, *orders, subject.last_serial);
    if (!read) {
      return fail(read.error().code, fmt::format("--orders: {}", read.error().text));
    }
    signed_orders = std::move(*read);
  } else {
    for (const trust::OrderStatement& order : *orders) {
      signed_orders.push_back({.text = trust::encode_order(order), .signatures = {}});
    }
  }
  const SigningFront front{.note = [&](std::string_view text) { context.note(text); },
                           .cancel = nullptr};
  Json texts = Json::array();
  std::string all;
  for (codec::SignedStatement& signed_order : signed_orders) {
    if (Status added = key_ ? add_order_signature(*key_, signed_order, front) : Status(); !added) {
      return fail(added.error());
    }
    texts.push_back(trust::encode_signature_file(signed_order));
    all += trust::encode_signature_file(signed_order);
  }
  if (saves()) {
    if (Status saved = write_small_file(save_path_, all); !saved) {
      return fail(saved.error());
    }
  }
  return texts;
}

}  // namespace murder::cli
