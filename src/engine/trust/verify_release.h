// Whether a release is one that trusted keys signed. Pure: who is trusted and what time it is are
// arguments.
//
// How a host uses it, before the first byte of content:
//
//   start_openssl(), once;
//   metainfo.signed_statement: what travels in the torrent (codec/signed_statement.h);
//   verify_release(): who signed, and what they say;
//   check_subject(): that it is about this torrent, and for this host;
// then the SHA-256 and size of the content are compared with the statement's before it gets its
// name, and the serial with that of what is in place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/codec/signed_statement.h"
#include "engine/trust/allowed_signers.h"
#include "engine/trust/public_key.h"
#include "engine/trust/statement.h"

namespace murder::trust {

struct Signer {
  std::string principal;    // a name of the line that allows it
  std::string fingerprint;  // "SHA256:..."
  KeyType key_type = KeyType::ed25519;
  uint32_t line = 0;                  // of allowed_signers
  std::optional<int64_t> until_s;     // when the line, or the certificate, ends
  std::optional<std::string> key_id;  // of the certificate, where one was used
};

struct VerifiedSignatures {
  std::vector<Signer> signers;       // distinct by key, in the order of the signatures
  std::vector<std::string> ignored;  // why each of the other signatures does not count
};

struct SignatureDemand {
  std::string_view name_space;
  int64_t now_s = 0;                          // seconds since 1970
  uint32_t required = 1;                      // distinct keys
  std::optional<std::string_view> principal;  // see SignerQuestion
};

// Any text, signed for a namespace. Signatures that do not count are passed over: whoever adds one
// that is wrong must not make the right ones worthless. `signatures` are blobs without armour.
// Errors (untrusted) name why each of them does not count; limit: OpenSSL lacks memory.
[[nodiscard]] Result<VerifiedSignatures> verify_signatures(
    std::string_view message, const std::vector<std::string>& signatures,
    const AllowedSigners& allowed, const SignatureDemand& demand);

struct VerifiedRelease {
  ReleaseStatement statement;
  std::vector<Signer> signers;
  std::vector<std::string> ignored;
};

// As above for a release, of which AllowedSigners::required keys must have signed; with a
// `principal` as somebody of that name. It must not have expired. Errors are untrusted as well when
// there is no signature, or the statement is not valid.
[[nodiscard]] Result<VerifiedRelease> verify_release(
    const codec::SignedStatement& signed_statement, const AllowedSigners& allowed, int64_t now_s,
    std::optional<std::string_view> principal = {});

// Who made a signature, if it is one of this text for that namespace; whether he is trusted is not
// asked: what `ssh-keygen -Y check-novalidate` asks. The principal is empty. For a signer, who
// wants to know before others do.
[[nodiscard]] Result<Signer> inspect_signature(std::string_view message, std::string_view blob,
                                               std::string_view name_space);

// What is about to be fetched, or lies here.
struct ReleaseSubject {
  InfoHash info_hash;
  uint64_t size_bytes = 0;                      // of the torrent's content
  std::optional<std::string_view> tag;          // the name that it will get here
  std::optional<std::string_view> application;  // what this host takes
};

// That the statement is about that. Errors (untrusted) say what differs.
[[nodiscard]] Status check_subject(const ReleaseStatement& statement,
                                   const ReleaseSubject& subject);

// "ann@example.net (ssh-ed25519 SHA256:...)".
[[nodiscard]] std::string text_of(const Signer& signer);

}  // namespace murder::trust
