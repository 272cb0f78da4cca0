// How an agent and a coordinator of a closed fleet prove the fleet key to each other on their link,
// and what keeps whoever is on the path from changing what passes afterwards (docs/protocol.md,
// "The link of an agent"). No socket, no clock, no randomness.
//
//   agent                                     coordinator
//   the hello: a nonce and its MAC        ->
//                                         <-  the challenge: its nonce and name, and the answer: a
//                                             MAC of the hello and of both
//   messages, each with a MAC             <-> messages, each with a MAC
//
// Each message has a MAC of its number and text, by a key of its direction that both derive from
// the fleet key and the answer: of this connection alone. Who cannot make them has not proven the
// key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/trust/fleet_key.h"
#include "engine/trust/hmac.h"

namespace murder::trust {

using LinkNonce = Secret;

// The agent's hello, "1-NONCE-MAC", by the first key.
[[nodiscard]] std::string link_hello(const KeyPair& fleet, const LinkNonce& nonce);
// The key by which a hello was made; nothing: none of these, or it is no hello. Costs a MAC a key.
[[nodiscard]] std::optional<Secret> maker_of_link(const KeyPair& fleet, std::string_view hello);

struct LinkChallenge {
  std::string_view nonce;        // as it is sent
  std::string_view coordinator;  // likewise
};
// What proves the key to who made the hello: 64 hexadecimal digits.
[[nodiscard]] std::string link_answer(const Secret& key, std::string_view hello,
                                      const LinkChallenge& challenge);
// Whether it is that; takes as long for any.
[[nodiscard]] bool is_link_answer(const Secret& key, std::string_view hello,
                                  const LinkChallenge& challenge, std::string_view answer);

// The messages of one side of one link, after the answer.
class LinkSeal {
 public:
  enum class Role : uint8_t { agent, coordinator };

  LinkSeal(const Secret& key, std::string_view answer, Role role);

  // Adds the MAC of the next message to its text.
  void seal(std::string& text);
  // Takes it off; false: it is not the other side's next message, and nothing that follows is.
  [[nodiscard]] bool open(std::string& text);

 private:
  Secret own_key_;
  Secret remote_key_;
  uint64_t sealed_count_ = 0;
  uint64_t opened_count_ = 0;
};

}  // namespace murder::trust
