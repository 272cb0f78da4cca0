// Tokens in what is asked of a closed tracker: the last parameter of the query, `token`, is a MAC
// of the path, of all parameters in front of it, and of the time (docs/protocol.md, "Closed
// tracker"). Pure: the time is an argument, in seconds since 1970.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/trust/fleet_key.h"

namespace murder::trust {

enum class Right : uint8_t {
  none,
  stale,   // a member whose clock differs by more than limits::token_skew_s_max
  member,  // announces, scrapes, reads pages
  opener,  // makes releases known as well
};

class TokenKeys {
 public:
  explicit TokenKeys(const FleetKeys& keys);

  // `target`, such as "/announce?info_hash=..." or "/status.json", with a token: by the operator
  // key if there is one.
  [[nodiscard]] std::string signed_target(std::string_view target, uint64_t now_s) const;
  // What the token gives a right to. Costs nothing where there is none, else a MAC for each key.
  [[nodiscard]] Right right_of(std::string_view path, std::string_view query, uint64_t now_s) const;

  // For who is stale: the time here, as an answer to this request that no stranger can give.
  [[nodiscard]] std::string clock_reply(std::string_view path, std::string_view query,
                                        uint64_t now_s) const;
  // The time that was told in the answer to a signed target; nothing if none was.
  [[nodiscard]] std::optional<uint64_t> told_time(std::string_view signed_target,
                                                  std::string_view reply) const;

  // Whether it is the text of a viewer's key of this fleet.
  [[nodiscard]] bool is_viewer_key(std::string_view text) const;
  // Without an operator key whoever has the fleet key opens releases.
  [[nodiscard]] bool has_opener() const { return has_opener_; }

 private:
  struct TokenKey {
    Secret token{};
    Secret clock{};
    Right right = Right::member;
  };
  struct Parts;

  static std::optional<Parts> parts_of(std::string_view query);
  [[nodiscard]] const TokenKey* maker_of(std::string_view path, const Parts& parts) const;
  void add(const KeyPair& pair, std::string_view name, Right right);

  std::vector<TokenKey> keys_;  // the first makes tokens
  std::vector<Secret> viewers_;
  bool has_opener_ = false;
};

}  // namespace murder::trust
