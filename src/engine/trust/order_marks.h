// What a host remembers of orders, so that an older one that is sent again does nothing: for each
// application the latest order, and the releases that were revoked. Pure; whoever has one writes
// its text to the disk before he acts on an order.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/hash/sha256.h"
#include "engine/trust/order.h"

namespace murder::trust {

class OrderMarks {
 public:
  // Takes an order that was verified and is for this host, before it is acted upon; true if it is a
  // new one, false for the latest one again. Errors (untrusted): a later one came already; another
  // of the same serial; its release was revoked.
  [[nodiscard]] Result<bool> admit(const OrderStatement& order);

  // Of an order to revoke that was verified, whatever its serial: it only forbids. True: it was
  // not revoked before. Errors: too many applications.
  [[nodiscard]] Result<bool> revoke(std::string_view application, const InfoHash& info_hash);
  // In the order in which they were.
  [[nodiscard]] std::vector<InfoHash> revoked_of(std::string_view application) const;

  [[nodiscard]] bool is_revoked(std::string_view application, const InfoHash& info_hash) const;
  // Of the latest order; 0 when none came.
  [[nodiscard]] uint64_t serial_of(std::string_view application) const;

  // Lines, as of a statement.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] static Result<OrderMarks> parse(std::string_view text);

  bool operator==(const OrderMarks&) const = default;

 private:
  struct Mark {
    uint64_t serial = 0;
    hash::Sha256Digest order;       // of the text of the latest order
    std::vector<InfoHash> revoked;  // in the order of their orders
    bool operator==(const Mark&) const = default;
  };

  static void add_revoked(Mark& mark, const InfoHash& info_hash);

  std::map<std::string, Mark, std::less<>> marks_;  // by application
};

}  // namespace murder::trust
