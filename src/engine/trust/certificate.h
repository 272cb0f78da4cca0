// ssh certificates (OpenSSH's PROTOCOL.certkeys): a key, signed by an authority for some names and
// a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/trust/public_key.h"

namespace murder::trust {

struct Certificate {
  PublicKey key;
  std::string key_id;                   // for people
  std::vector<std::string> principals;  // whom it is for
  uint64_t serial = 0;
  uint64_t valid_after_s = 0;   // seconds since 1970: from this one on
  uint64_t valid_before_s = 0;  // before this one
  bool is_for_host = false;
  bool needs_user_verified = false;             // "verify-required"
  std::vector<std::string> other_restrictions;  // critical options that say nothing to us
  PublicKey authority;
  std::string signed_part;  // what the authority signed
  std::string signature;
};

// All of `blob` is a certificate; nothing is verified yet.
[[nodiscard]] Result<Certificate> parse_certificate(std::string_view blob);

// Whether it holds at `now_s`: signed by its authority, of a user, in its time, for somebody, and
// without a restriction that is not known here. Whether the authority is trusted is not asked.
// Errors (untrusted) are of the form "its certificate ...". start_openssl() was called.
[[nodiscard]] Status verify_certificate(const Certificate& certificate, int64_t now_s);
// The same of a host with this name, in lower case: ssh's certificates of hosts may name patterns.
[[nodiscard]] Status verify_host_certificate(const Certificate& certificate, std::string_view host,
                                             int64_t now_s);

}  // namespace murder::trust
