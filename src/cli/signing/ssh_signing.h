// Signatures made by ssh-keygen: it knows key files, passphrases, agents, tokens and certificates.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "engine/archive/observer.h"
#include "engine/base/result.h"
#include "engine/trust/verify_release.h"

namespace murder::cli {

// What signs.
struct SigningKey {
  std::string path;         // of a private key, or of a public one that the agent has
  std::string public_line;  // instead: a key of the agent, as `ssh-add -L` tells it
  std::string name;         // for people
};

struct SigningFront {
  // What ssh-keygen says while it waits, such as that a token wants to be touched.
  std::function<void(std::string_view)> note;
  const archive::CancelFlag* cancel = nullptr;
};

// `wish`: a file (of a private key, a public key or a certificate; ~/ is the home), or empty for
// the first key of the agent. Errors say what to do: known before anything is packed.
[[nodiscard]] Result<SigningKey> find_signing_key(const std::string& wish);

struct MadeSignature {
  std::string blob;
  trust::Signer signer;
};

// Errors: ssh-keygen is missing or refuses, with its words; the key is none that hosts accept.
[[nodiscard]] Result<MadeSignature> make_signature(const SigningKey& key, std::string_view message,
                                                   std::string_view name_space,
                                                   const SigningFront& front);

}  // namespace murder::cli
