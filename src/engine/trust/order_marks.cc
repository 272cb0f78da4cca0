#include "engine/trust/order_marks.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/printable.h"
#include "engine/trust/bounds.h"
#include "engine/trust/statement.h"
#include "engine/trust/statement_lines.h"

namespace murder::trust {
namespace {

constexpr std::string_view marks_line = "murder-order-marks 1";

tl::unexpected<Error> refuse_marks(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("not a record of orders: {}", what));
}

tl::unexpected<Error> refused(std::string text) {
  return fail(ErrorCode::untrusted, std::move(text));
}

tl::unexpected<Error> too_many_applications() {
  return fail(ErrorCode::limit,
              fmt::format("orders for more than {} applications", limits::order_applications_max));
}

}  // namespace

void OrderMarks::add_revoked(Mark& mark, const InfoHash& info_hash) {
  std::erase(mark.revoked, info_hash);
  mark.revoked.push_back(info_hash);
  if (mark.revoked.size() > limits::orders_revoked_max) {
    mark.revoked.erase(mark.revoked.begin());
  }
}

Result<bool> OrderMarks::revoke(std::string_view application, const InfoHash& info_hash) {
  if (is_revoked(application, info_hash)) {
    return false;
  }
  if (!marks_.contains(application) && marks_.size() == limits::order_applications_max) {
    return too_many_applications();
  }
  add_revoked(marks_[std::string(application)], info_hash);
  return true;
}

Result<bool> OrderMarks::admit(const OrderStatement& order) {
  const hash::Sha256Digest digest = hash::sha256(as_bytes_of(encode_order(order)));
  const auto found = marks_.find(order.application);
  if (found != marks_.end()) {
    if (found->second.serial == order.serial && found->second.order == digest) {
      return false;
    }
    if (order.serial <= found->second.serial) {
      return refused(fmt::format("the order has serial {}, and one with {} for {} came already",
                                 order.serial, found->second.serial,
                                 printable_value(order.application)));
    }
  } else if (marks_.size() == limits::order_applications_max) {
    return too_many_applications();
  }
  // What is revoked may be left.
  const bool leads_there = order.kind != OrderKind::revoke && order.kind != OrderKind::go_back;
  if (leads_there && is_revoked(order.application, order.info_hash)) {
    return refused(fmt::format("release {} of {} was revoked", printable_value(order.tag),
                               printable_value(order.application)));
  }
  Mark& mark = marks_[order.application];
  mark.serial = order.serial;
  mark.order = digest;
  if (order.kind == OrderKind::revoke) {
    add_revoked(mark, order.info_hash);
  }
  return true;
}

std::vector<InfoHash> OrderMarks::revoked_of(std::string_view application) const {
  const auto found = marks_.find(application);
  return found == marks_.end() ? std::vector<InfoHash>() : found->second.revoked;
}

bool OrderMarks::is_revoked(std::string_view application, const InfoHash& info_hash) const {
  const auto found = marks_.find(application);
  return found != marks_.end() && std::ranges::count(found->second.revoked, info_hash) != 0;
}

uint64_t OrderMarks::serial_of(std::string_view application) const {
  const auto found = marks_.find(application);
  return found == marks_.end() ? 0 : found->second.serial;
}

std::string OrderMarks::text() const {
  std::string text = fmt::format("{}\n", marks_line);
  for (const auto& [application, mark] : marks_) {
    text += fmt::format("application {}\nserial {}\norder {}\n", application, mark.serial,
                        mark.order.hex());
    for (const InfoHash& info_hash : mark.revoked) {
      text += fmt::format("revoked {}\n", info_hash.hex());
    }
  }
  return text;
}

Result<OrderMarks> OrderMarks::parse(std::string_view text) {
  if (text.size() > limits::order_marks_bytes_max) {
    return refuse_marks("it is too large");
  }
  StatementLines lines(text);
  if (lines.line() != marks_line) {
    return refuse_marks("it does not begin as one of this version");
  }
  OrderMarks marks;
  while (!lines.is_empty()) {
    const std::string_view application = lines.wanted("application");
    const std::optional<uint64_t> serial = parse_statement_number(lines.wanted("serial"));
    const std::optional<hash::Sha256Digest> order =
        hash::Sha256Digest::from_hex(lines.wanted("order"));
    if (!lines.missing().empty() || !serial || !order || !validate_application(application) ||
        marks.marks_.size() == limits::order_applications_max) {
      return refuse_marks("a line is damaged");
    }
    Mark mark{.serial = *serial, .order = *order, .revoked = {}};
    while (const std::optional<std::string_view> revoked = lines.value_of("revoked")) {
      const std::optional<InfoHash> info_hash = parse_statement_info_hash(*revoked);
      if (!info_hash || mark.revoked.size() == limits::orders_revoked_max) {
        return refuse_marks("a line is damaged");
      }
      mark.revoked.push_back(*info_hash);
    }
    marks.marks_.emplace(application, std::move(mark));
  }
  // In another order, or an application twice.
  if (marks.text() != text) {
    return refuse_marks("in another spelling than the one there is");
  }
  return marks;
}

}  // namespace murder::trust
