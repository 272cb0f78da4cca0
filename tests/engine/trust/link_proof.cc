#include "engine/trust/link_proof.h"

#include <doctest/doctest.h>

#include <string>

using namespace murder;
using namespace murder::trust;

namespace {

KeyPair fleet_of(uint8_t first, uint8_t second = 0) {
  KeyPair keys;
  keys.secrets[0][0] = first;
  keys.secrets[1][0] = second;
  keys.count = second == 0 ? 1 : 2;
  return keys;
}

LinkNonce nonce_of(uint8_t number) {
  LinkNonce nonce{};
  nonce[0] = number;
  return nonce;
}

const LinkChallenge challenge{.nonce = "aa", .coordinator = "t1:8998"};

// Both sides of a link, behind its beginning.
struct SealedLink {
  explicit SealedLink(uint8_t nonce = 1)
      : hello(link_hello(fleet_of(7), nonce_of(nonce))),
        answer(link_answer(fleet_of(7).secrets[0], hello, challenge)),
        agent(fleet_of(7).secrets[0], answer, LinkSeal::Role::agent),
        coordinator(fleet_of(7).secrets[0], answer, LinkSeal::Role::coordinator) {}
  std::string hello;
  std::string answer;
  LinkSeal agent;
  LinkSeal coordinator;
};

std::string sealed(LinkSeal& seal, std::string text) {
  seal.seal(text);
  return text;
}

bool opens(LinkSeal& seal, std::string message, std::string_view text = "x") {
  return seal.open(message) && message == text;
}

}  // namespace

TEST_CASE("a hello is made by a key of the fleet, and says which") {
  const std::string hello = link_hello(fleet_of(7), nonce_of(1));
  CHECK(hello.size() == 2 + 64 + 1 + 64);
  CHECK(maker_of_link(fleet_of(7), hello) == fleet_of(7).secrets[0]);
  CHECK(maker_of_link(fleet_of(8, 7), hello) == fleet_of(7).secrets[0]);
  CHECK_FALSE(maker_of_link(fleet_of(8), hello));
  for (const size_t place : {0U, 1U, 2U, 65U, 66U, 67U, 130U}) {
    std::string other = hello;
    other[place] = other[place] == 'f' ? 'e' : 'f';
    CHECK_FALSE(maker_of_link(fleet_of(7), other));
  }
  CHECK_FALSE(maker_of_link(fleet_of(7), ""));
  CHECK_FALSE(maker_of_link(fleet_of(7), hello.substr(1)));
  CHECK_FALSE(maker_of_link(fleet_of(7), hello + "0"));
}

TEST_CASE("an answer is for one hello and one challenge, by that key") {
  const Secret key = fleet_of(7).secrets[0];
  const std::string hello = link_hello(fleet_of(7), nonce_of(1));
  const std::string answer = link_answer(key, hello, challenge);
  CHECK(answer.size() == 64);
  CHECK(is_link_answer(key, hello, challenge, answer));
  CHECK_FALSE(is_link_answer(key, hello, challenge, ""));
  CHECK_FALSE(is_link_answer(fleet_of(8).secrets[0], hello, challenge, answer));
  // Of another connection, or of another coordinator.
  CHECK_FALSE(is_link_answer(key, link_hello(fleet_of(7), nonce_of(2)), challenge, answer));
  CHECK_FALSE(is_link_answer(key, hello, {.nonce = "ab", .coordinator = "t1:8998"}, answer));
  CHECK_FALSE(is_link_answer(key, hello, {.nonce = "aa", .coordinator = "t2:8998"}, answer));
  // The agent's own hello is none.
  CHECK_FALSE(is_link_answer(key, hello, challenge, hello.substr(67)));
}

TEST_CASE("messages of both sides open in their order") {
  SealedLink link;
  const std::string first = sealed(link.agent, "x");
  const std::string second = sealed(link.agent, "x");
  CHECK(first != second);
  CHECK(opens(link.coordinator, first));
  CHECK(opens(link.coordinator, second));
  CHECK(opens(link.agent, sealed(link.coordinator, "y"), "y"));
  CHECK(opens(link.coordinator, sealed(link.agent, ""), ""));
}

TEST_CASE("what was changed, repeated, left out, sent back or is of another link does not open") {
  SealedLink link;
  const std::string message = sealed(link.agent, "x");
  for (size_t place = 0; place < message.size(); ++place) {
    std::string changed = message;
    changed[place] = static_cast<char>(changed[place] ^ 1);
    CHECK_FALSE(opens(link.coordinator, changed, changed.substr(0, 1)));
  }
  CHECK_FALSE(opens(link.coordinator, message.substr(1)));
  CHECK_FALSE(opens(link.coordinator, "x"));
  CHECK_FALSE(opens(link.coordinator, ""));
  CHECK_FALSE(opens(link.agent, message));  // sent back
  CHECK(opens(link.coordinator, message));
  CHECK_FALSE(opens(link.coordinator, message));  // once more
  const std::string second = sealed(link.agent, "x");
  const std::string third = sealed(link.agent, "x");
  CHECK_FALSE(opens(link.coordinator, third));
  CHECK(opens(link.coordinator, second));
  SealedLink other(2);
  CHECK_FALSE(opens(other.coordinator, message));
}
