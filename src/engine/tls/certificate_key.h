// The key of a certificate, as it is pinned. For the sources of this layer.
#pragma once

#include <optional>

#include "engine/tls/server_trust.h"

struct x509_st;

namespace murder::tls {

// nullopt: OpenSSL cannot write it, or has no memory.
[[nodiscard]] std::optional<KeyPin> key_of(const x509_st* certificate);

}  // namespace murder::tls
