// Who may sign: a file in the format of allowed_signers in ssh-keygen(1), and the search for a
// signer in it.
//
// A line that is not understood allows nobody, as in ssh-keygen, so that a host with an older
// program can read a file with keys of a newer kind. A comment that begins with "murder:" is read,
// and when it is not understood nothing of the file is used:
//
//   # murder: require = 2
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/trust/certificate.h"
#include "engine/trust/public_key.h"
#include "engine/trust/time_text.h"

namespace murder::trust {

struct AllowedSigner {
  uint32_t line = 0;       // from 1
  std::string principals;  // a list of patterns (pattern.h)
  PublicKey key;
  bool is_authority = false;              // its certificates are trusted, not its own signatures
  std::optional<std::string> namespaces;  // a list of patterns; without one: all
  std::optional<int64_t> valid_after_s;   // from this second on
  std::optional<int64_t> valid_before_s;  // up to this second
  std::string comment;
};

struct FaultyLine {
  uint32_t line = 0;
  std::string text;  // what is wrong with it
};

struct AllowedSigners {
  std::vector<AllowedSigner> signers;  // in the order of the file
  std::vector<FaultyLine> faults;
  uint32_t required = 1;  // how many distinct keys must have signed
  // A line names the namespace of orders (order.h), also one that is not understood: then agents
  // take no order that is not signed.
  bool names_orders = false;
};

// Times without a zone are of `local`.
[[nodiscard]] Result<AllowedSigners> parse_allowed_signers(std::string_view text, LocalTime local);

// The line that allows `key`, or a certificate of it.
struct SignerQuestion {
  std::string_view name_space;
  int64_t now_s = 0;
  // Nobody else will do; without one any name that the line allows.
  std::optional<std::string_view> principal;
};

struct FoundSigner {
  const AllowedSigner* signer = nullptr;  // in the list
  std::string principal;                  // one that the line allows, and the certificate names
};

// Errors (untrusted) are of the form "its key SHA256:... ...", of the line that came closest.
[[nodiscard]] Result<FoundSigner> find_signer(const AllowedSigners& allowed, const PublicKey& key,
                                              const SignerQuestion& question);
// By the authority that signed it. Whether the certificate holds is asked as well
// (verify_certificate), once its authority was found. start_openssl() was called.
[[nodiscard]] Result<FoundSigner> find_signer(const AllowedSigners& allowed,
                                              const Certificate& certificate,
                                              const SignerQuestion& question);

}  // namespace murder::trust
