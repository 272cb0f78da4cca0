// A release is signed: its statement is made, or another signature is added to the one it has, and
// both go into the torrent and into the file beside it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/signing/ssh_signing.h"
#include "cli/ui/argument_parser.h"
#include "engine/base/instant.h"
#include "engine/codec/signed_statement.h"
#include "engine/hash/sha256.h"
#include "engine/trust/statement.h"

namespace murder::cli {

// What a command was told of it.
struct SigningOptions {
  bool is_asked = false;    // --sign
  std::string key;          // KEY; empty: the default
  std::string application;  // --app
  std::optional<uint64_t> serial;
  std::optional<Duration> expires_after;

  [[nodiscard]] bool describes_statement() const {
    return !application.empty() || serial || expires_after;
  }
};

// --sign [KEY].
void add_sign_option(ArgumentParser command, SigningOptions& options, const std::string& help);
// --serial N, of a statement or of what a coordinator writes down.
void add_serial_option(ArgumentParser command, SigningOptions& options, const std::string& help);
// --app, --serial and --expires: what is said of the release.
void add_statement_options(ArgumentParser command, SigningOptions& options);

// What is signed.
struct SignedSubject {
  std::string tag;
  InfoHash info_hash;
  hash::Sha256Digest sha256;
  uint64_t size_bytes = 0;
};

// At this time, in seconds since 1970. The serial is that time unless another was given: it grows
// from release to release as long as the clocks of those who sign are right.
[[nodiscard]] Result<trust::ReleaseStatement> make_statement(const SigningOptions& options,
                                                             const SignedSubject& subject,
                                                             int64_t now_s);

// Adds a signature of the key. Errors: as make_signature(); of too many signatures.
[[nodiscard]] Result<trust::Signer> add_signature_of(const SigningKey& key,
                                                     codec::SignedStatement& signed_statement,
                                                     const SigningFront& front);

// Puts it into the torrent of this path, and writes PATH.sig. The torrent keeps its mode.
[[nodiscard]] Status write_signed(const std::string& torrent_path, std::string_view torrent,
                                  const codec::SignedStatement& signed_statement,
                                  bool sync_to_disk);

// "signed by ssh-ed25519 SHA256:..., serial 7, expires 2026-12-29T16:31:12Z".
[[nodiscard]] std::string signed_text(const trust::Signer& signer,
                                      const trust::ReleaseStatement& statement);

}  // namespace murder::cli
