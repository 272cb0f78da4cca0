#include "engine/trust/link_proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/base/ensure.h"
#include "engine/base/types.h"

namespace murder::trust {
namespace {

constexpr std::string_view hello_begin = "1-";  // the version
constexpr size_t proof_digits = 2 * secret_bytes;
static_assert(secret_bytes == mac_bytes);
constexpr size_t hello_bytes = hello_begin.size() + proof_digits + 1 + proof_digits;

std::string link_hex(std::span<const uint8_t> bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

std::string mac_text(const Secret& secret, std::string_view info, std::string_view message) {
  return link_hex(hmac_sha256(hkdf_sha256(secret, {}, info), as_bytes_of(message)));
}

std::string hello_mac(const Secret& secret, std::string_view head) {
  return mac_text(secret, "murder link 1 hello", head);
}

bool is_same_digits(std::string_view one, std::string_view other) {
  return is_same(as_bytes_of(one), as_bytes_of(other));
}

// Of the number of a message, and its text.
Mac message_mac(const Secret& key, uint64_t number, std::string_view text) {
  std::string message;
  message.reserve(sizeof number + text.size());
  for (unsigned shift = 64; shift > 0;) {
    shift -= 8;
    message.push_back(static_cast<char>(static_cast<uint8_t>(number >> shift)));
  }
  message.append(text);
  return hmac_sha256(key, as_bytes_of(message));
}

Secret direction_key(const Secret& key, std::string_view answer, LinkSeal::Role sender) {
  return hkdf_sha256(
      key, as_bytes_of(answer),
      sender == LinkSeal::Role::agent ? "murder link 1 agent" : "murder link 1 coordinator");
}

}  // namespace

std::string link_hello(const KeyPair& fleet, const LinkNonce& nonce) {
  ENSURE(fleet.count > 0);
  const std::string head = fmt::format("{}{}", hello_begin, link_hex(nonce));
  return fmt::format("{}-{}", head, hello_mac(fleet.secrets.front(), head));
}

std::optional<Secret> maker_of_link(const KeyPair& fleet, std::string_view hello) {
  if (hello.size() != hello_bytes || !hello.starts_with(hello_begin) ||
      hello[hello_begin.size() + proof_digits] != '-') {
    return std::nullopt;
  }
  std::optional<Secret> maker;
  const std::string_view head = hello.substr(0, hello_begin.size() + proof_digits);
  const std::string_view mac = hello.substr(head.size() + 1);
  for (const Secret& secret : fleet.all()) {
    maker = is_same_digits(hello_mac(secret, head), mac) ? std::optional(secret) : maker;
  }
  return maker;
}

std::string link_answer(const Secret& key, std::string_view hello, const LinkChallenge& challenge) {
  return mac_text(key, "murder link 1 answer",
                  fmt::format("{}\n{}\n{}\n", hello, challenge.nonce, challenge.coordinator));
}

bool is_link_answer(const Secret& key, std::string_view hello, const LinkChallenge& challenge,
                    std::string_view answer) {
  return is_same_digits(link_answer(key, hello, challenge), answer);
}

LinkSeal::LinkSeal(const Secret& key, std::string_view answer, Role role)
    : own_key_(direction_key(key, answer, role)),
      remote_key_(
          direction_key(key, answer, role == Role::agent ? Role::coordinator : Role::agent)) {}

void LinkSeal::seal(std::string& text) {
  text.append(as_text_of(message_mac(own_key_, sealed_count_++, text)));
}

bool LinkSeal::open(std::string& text) {
  if (text.size() < mac_bytes) {
    return false;
  }
  const std::string_view mac = std::string_view(text).substr(text.size() - mac_bytes);
  const std::string_view message = std::string_view(text).substr(0, text.size() - mac_bytes);
  if (!is_same(message_mac(remote_key_, opened_count_, message), as_bytes_of(mac))) {
    return false;
  }
  ++opened_count_;
  text.resize(message.size());
  return true;
}

}  // namespace murder::trust
