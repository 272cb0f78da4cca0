// Which servers an https client believes: those whose certificate an authority of this host vouches
// for, or those that have a pinned key, whatever their certificate says.
//
// The authorities are read from the files of the host, once an hour at most, by whoever connects
// first: some ten milliseconds. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

struct ssl_ctx_st;

namespace murder::tls {

// SHA-256 of a public key, as certificates have it (SubjectPublicKeyInfo, DER).
using KeyPin = std::array<uint8_t, 32>;

// "SHA256:" and base64, with or without '=' at its end; several with commas between them. Errors:
// what is wrong with it (invalid_input).
[[nodiscard]] Result<std::vector<KeyPin>> parse_pins(std::string_view text);
[[nodiscard]] std::string pin_text(const KeyPin& pin);

struct ContextRelease {
  void operator()(ssl_ctx_st* context) const;
};
using ContextHandle = std::unique_ptr<ssl_ctx_st, ContextRelease>;

// OpenSSL's settings for one connection: TLS 1.2 or newer. With pins the authorities are not read.
// Errors: there are none on this host (not_found), or what SSL_CERT_FILE or SSL_CERT_DIR name
// cannot be read.
[[nodiscard]] Result<ContextHandle> client_context(bool has_pins);

// Where they are read from; empty: there are none. For people.
[[nodiscard]] std::string authorities_place();

}  // namespace murder::tls
