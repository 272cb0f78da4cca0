#include "engine/trust/order.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/base/tag.h"
#include "engine/trust/bounds.h"
#include "engine/trust/statement.h"
#include "engine/trust/statement_lines.h"
#include "engine/trust/time_text.h"

namespace murder::trust {
namespace {

constexpr std::string_view order_line = "murder-order 1";

struct NamedKind {
  OrderKind kind;
  std::string_view name;
};
constexpr std::array named_kinds = {
    NamedKind{OrderKind::want, "wanted"},         NamedKind{OrderKind::activate, "activate"},
    NamedKind{OrderKind::roll_back, "roll-back"}, NamedKind{OrderKind::revoke, "revoke"},
    NamedKind{OrderKind::go_back, "return"},
};

std::optional<OrderKind> kind_of(std::string_view name) {
  const auto* const found = std::ranges::find(named_kinds, name, &NamedKind::name);
  return found == named_kinds.end() ? std::nullopt : std::optional(found->kind);
}

tl::unexpected<Error> refuse_order(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("an order {}", what));
}

tl::unexpected<Error> untrusted_order(std::string text) {
  return fail(ErrorCode::untrusted, std::move(text));
}

// Sorted, without twins: there is one spelling of a set.
bool is_name_set(const std::vector<std::string>& names, size_t bytes_max) {
  return std::ranges::adjacent_find(names, std::ranges::greater_equal()) == names.end() &&
         std::ranges::all_of(names, [bytes_max](const std::string& name) {
           return is_statement_name(name, bytes_max);
         });
}

std::vector<std::string> take_names(StatementLines& lines, std::string_view field) {
  std::vector<std::string> names;
  while (const std::optional<std::string_view> name = lines.value_of(field)) {
    names.emplace_back(*name);
  }
  return names;
}

}  // namespace

std::string_view name_of(OrderKind kind) {
  return std::ranges::find(named_kinds, kind, &NamedKind::kind)->name;
}

Status validate_order(const OrderStatement& order) {
  if (Status valid = validate_application(order.application); !valid) {
    return valid;
  }
  if (Status valid = validate_tag(order.tag); !valid) {
    return valid;
  }
  if (!is_name_set(order.groups, limits::order_group_bytes_max) ||
      !is_name_set(order.hosts, limits::proof_name_bytes_max)) {
    return refuse_order("whose groups or hosts are not sorted names of printable characters");
  }
  if (order.serial > statement_number_max) {
    return refuse_order("whose serial is too large");
  }
  if (!is_statement_time(order.time_s) || !is_statement_time(order.expires_s)) {
    return refuse_order("of a time that is not in the years 1970 to 9999");
  }
  if (order.expires_s <= order.time_s) {
    return refuse_order("that expires before it was made");
  }
  if (encode_order(order).size() > limits::statement_bytes_max) {
    return refuse_order(fmt::format("of more than {} bytes: name groups instead of hosts",
                                    limits::statement_bytes_max));
  }
  return {};
}

std::string encode_order(const OrderStatement& order) {
  std::string text =
      fmt::format("{}\norder {}\napplication {}\ntag {}\ninfo-hash {}\n", order_line,
                  name_of(order.kind), order.application, order.tag, order.info_hash.hex());
  for (const std::string& group : order.groups) {
    text += fmt::format("group {}\n", group);
  }
  for (const std::string& host : order.hosts) {
    text += fmt::format("host {}\n", host);
  }
  return text + fmt::format("serial {}\ntime {}\nexpires {}\n", order.serial,
                            time_text_of(static_cast<uint64_t>(order.time_s)),
                            time_text_of(static_cast<uint64_t>(order.expires_s)));
}

Result<OrderStatement> parse_order(std::string_view text) {
  if (text.size() > limits::statement_bytes_max) {
    return refuse_order(fmt::format("of more than {} bytes", limits::statement_bytes_max));
  }
  StatementLines lines(text);
  const std::optional<std::string_view> first = lines.line();
  if (first != order_line) {
    return first && first->starts_with("murder-order ")
               ? refuse_order("of another version than 1: a newer murder may know it")
               : refuse_order("that does not begin as one");
  }
  OrderStatement order;
  const std::optional<OrderKind> kind = kind_of(lines.wanted("order"));
  order.application = lines.wanted("application");
  order.tag = lines.wanted("tag");
  const std::optional<InfoHash> info_hash = parse_statement_info_hash(lines.wanted("info-hash"));
  order.groups = take_names(lines, "group");
  order.hosts = take_names(lines, "host");
  const std::optional<uint64_t> serial = parse_statement_number(lines.wanted("serial"));
  const std::optional<int64_t> time_s = parse_time_text(lines.wanted("time"));
  const std::optional<int64_t> expires_s = parse_time_text(lines.wanted("expires"));
  if (!lines.missing().empty()) {
    return refuse_order(fmt::format("without the field {} in its place", lines.missing()));
  }
  if (!lines.is_empty()) {
    return refuse_order("with more than its fields");
  }
  if (!kind) {
    return refuse_order("of a kind that is not known: a newer murder may know it");
  }
  if (!info_hash || !serial || !time_s || !expires_s) {
    return refuse_order("with a field that is wrong");
  }
  order.kind = *kind;
  order.info_hash = *info_hash;
  order.serial = *serial;
  order.time_s = *time_s;
  order.expires_s = *expires_s;
  if (Status valid = validate_order(order); !valid) {
    return fail(valid.error());
  }
  if (encode_order(order) != text) {
    return refuse_order("in another spelling than the one there is");
  }
  return order;
}

Result<VerifiedOrder> verify_order(const codec::SignedStatement& signed_order,
                                   const AllowedSigners& allowed, int64_t now_s) {
  Result<OrderStatement> order = parse_order(signed_order.text);
  if (!order) {
    return untrusted_order("what is signed is " + order.error().text);
  }
  Result<VerifiedSignatures> verified = verify_signatures(
      signed_order.text, signed_order.signatures, allowed,
      {.name_space = order_namespace, .now_s = now_s, .required = allowed.required});
  if (!verified) {
    return fail(verified.error());
  }
  if (now_s > order->expires_s) {
    return untrusted_order(fmt::format("the order expired at {}",
                                       time_text_of(static_cast<uint64_t>(order->expires_s))));
  }
  return VerifiedOrder{.order = std::move(*order), .signers = std::move(verified->signers)};
}

bool is_for(const OrderStatement& order, const OrderedHost& host) {
  if (order.groups.empty() && order.hosts.empty()) {
    return true;
  }
  return std::ranges::binary_search(order.hosts, host.host) ||
         std::ranges::any_of(host.groups, [&](const std::string& group) {
           return std::ranges::binary_search(order.groups, group);
         });
}

}  // namespace murder::trust
