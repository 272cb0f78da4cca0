// What else an agent and its coordinator send each other on their link: who they are, and why the
// one does not want the other. Plain values and their JSON text, under the rules of message_text.h.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/result.h"
#include "engine/control/messages.h"

namespace murder::control {

// To the agent, first.
struct Challenge {
  std::string nonce;        // 64 hexadecimal digits, new for each connection
  std::string coordinator;  // what it calls itself, for people
  std::string proof;        // that it has the fleet's key (trust/link_proof.h); empty: it has none
  bool wants_host_proof = false;
  bool takes_alive = false;  // in place of a report
  bool operator==(const Challenge&) const = default;
};

// To the coordinator, in answer to the challenge.
struct Hello {
  std::string host;
  std::string version;    // of the program
  std::string key;        // "ssh-ed25519 AAAA..."; empty: it has none
  std::string signature;  // base64, of what trust/agent_key.h says; empty as the key is
  uint64_t session = 0;   // as in Greeting
  bool once = false;      // it was started for a deploy, and ends with it
  // That the key is the host's (trust/host_proof.h), where the challenge wants it; else empty.
  std::string host_proof;
  bool takes_heard = false;  // in place of what is wanted
  bool operator==(const Hello&) const = default;
};

// To the coordinator: a report that is the last one on this connection but for its number.
struct Alive {
  uint64_t number = 0;
  bool operator==(const Alive&) const = default;
};

// To the agent: what is wanted is the last on this connection but for the number that was heard.
struct HeardAgain {
  uint64_t heard_number = 0;
  bool operator==(const HeardAgain&) const = default;
};

// To the coordinator, for people: decides nothing.
struct Facts {
  std::string version;
  uint64_t free_bytes = 0;  // the least of the apps' file systems
  // Of an agent that was started for a deploy: what its fetch warned of, whether something else
  // lies where the release should go, and why releases that are too old are still there.
  std::vector<std::string> warnings;
  bool in_the_way = false;
  std::string keep_trouble;
  bool operator==(const Facts&) const = default;
};

// To the coordinator, for its log: what the agent signed (trust/outcome.h).
struct OutcomeMessage {
  std::string text;
  bool operator==(const OutcomeMessage&) const = default;
};

// To the agent, in front of what is wanted: what an operator signed (trust/order.h).
struct OrderMessage {
  std::string text;
  bool operator==(const OrderMessage&) const = default;
};

// To the agent; the connection ends after it.
struct Refused {
  std::string text;
  bool operator==(const Refused&) const = default;
};

// To an agent that was started for the time of a deploy: that is over. Others skip it.
struct Ended {
  std::string text;
  bool keep_partial = false;  // what a fetch that was cut has of its archive stays on the host
  bool operator==(const Ended&) const = default;
};

[[nodiscard]] std::string text_of(const Challenge& challenge);
[[nodiscard]] std::string text_of(const Hello& hello);
[[nodiscard]] std::string text_of(const Alive& alive);
[[nodiscard]] std::string text_of(const HeardAgain& heard);
[[nodiscard]] std::string text_of(const Facts& facts);
[[nodiscard]] std::string text_of(const OutcomeMessage& outcome);
[[nodiscard]] std::string text_of(const OrderMessage& order);
[[nodiscard]] std::string text_of(const Refused& refused);
[[nodiscard]] std::string text_of(const Ended& ended);

// Of a type that is not known: a later version's, to be skipped.
struct UnknownMessage {
  bool operator==(const UnknownMessage&) const = default;
};

using AgentMessage = std::variant<Hello, Report, Alive, Facts, OutcomeMessage, UnknownMessage>;
using CoordinatorMessage =
    std::variant<Challenge, Wanted, HeardAgain, OrderMessage, Refused, Ended, UnknownMessage>;

[[nodiscard]] Result<AgentMessage> parse_agent_message(std::string_view text);
[[nodiscard]] Result<CoordinatorMessage> parse_coordinator_message(std::string_view text);

}  // namespace murder::control
