#include "engine/tls/server_trust.h"

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <optional>

#include "engine/base/monotonic_clock.h"
#include "engine/base/types.h"
#include "engine/tls/bounds.h"
#include "engine/trust/base64.h"
#include "engine/trust/openssl.h"

namespace murder::tls {
namespace {

constexpr std::string_view pin_begin = "SHA256:";
// One file each: Debian and Alpine, Fedora and its kin, SUSE, others.
constexpr std::array<const char*, 4> bundles = {"/etc/ssl/certs/ca-certificates.crt",
                                                "/etc/pki/tls/certs/ca-bundle.crt",
                                                "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};
constexpr const char* hashed_directory = "/etc/ssl/certs";
// Authorities come and go with updates of the host.
constexpr Duration authorities_last = std::chrono::hours(1);

struct Authorities {
  std::string file;
  std::string directory;

  [[nodiscard]] bool is_empty() const { return file.empty() && directory.empty(); }
};

std::string environment(const char* name) {
  const char* const value = secure_getenv(name);
  return value == nullptr ? "" : value;
}

// What the variables name counts alone, as with OpenSSL's own programs.
Authorities find_authorities() {
  Authorities found{environment("SSL_CERT_FILE"), environment("SSL_CERT_DIR")};
  if (!found.is_empty()) {
    return found;
  }
  const auto* const bundle =
      std::ranges::find_if(bundles, [](const char* path) { return access(path, R_OK) == 0; });
  if (bundle != bundles.end()) {
    found.file = *bundle;
  } else if (access(hashed_directory, R_OK | X_OK) == 0) {
    found.directory = hashed_directory;
  }
  return found;
}

ContextHandle make_context() {
  ContextHandle context(trust::start_openssl() ? SSL_CTX_new(TLS_client_method()) : nullptr);
  if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
    return nullptr;
  }
  // Keys and digests of 112 bits of security or more.
  SSL_CTX_set_security_level(context.get(), 2);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context.get(), limits::certificates_bytes_max);
  return context;
}

tl::unexpected<Error> no_memory() {
  return fail(ErrorCode::limit, "not enough memory for TLS");
}

Result<ContextHandle> read_authorities() {
  const Authorities authorities = find_authorities();
  if (authorities.is_empty()) {
    return fail(ErrorCode::not_found,
                "this host has no certificates of authorities: install ca-certificates, set "
                "SSL_CERT_FILE, or pin the server's key");
  }
  ContextHandle context = make_context();
  if (context == nullptr) {
    return no_memory();
  }
  const char* const file = authorities.file.empty() ? nullptr : authorities.file.c_str();
  const char* const directory =
      authorities.directory.empty() ? nullptr : authorities.directory.c_str();
  if (SSL_CTX_load_verify_locations(context.get(), file, directory) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::invalid_input,
                fmt::format("cannot read certificates of authorities from {}",
                            file != nullptr ? authorities.file : authorities.directory));
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

struct Kept {
  std::mutex mutex;
  ContextHandle context;
  Instant read_at{};
};

}  // namespace

void ContextRelease::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<std::vector<KeyPin>> parse_pins(std::string_view text) {
  std::vector<KeyPin> pins;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool has_begin = one.starts_with(pin_begin);
    one.remove_prefix(has_begin ? pin_begin.size() : 0);
    std::string padded(one.substr(0, one.find('=')));
    padded.push_back('=');
    const std::optional<std::string> bytes = trust::decode_base64(padded);
    if (!has_begin || !bytes || bytes->size() != sizeof(KeyPin) ||
        pins.size() == limits::pins_max) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("'{}' pins no key: expected SHA256: and 43 characters of base64 "
                              "(openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | "
                              "base64), {} of them at most",
                              one.substr(0, 100), limits::pins_max));
    }
    std::ranges::copy(as_bytes_of(*bytes), pins.emplace_back().begin());
  }
  return pins;
}

std::string pin_text(const KeyPin& pin) {
  std::string text = trust::encode_base64(as_text_of(pin));
  text.erase(std::min(text.find('='), text.size()));
  return std::string(pin_begin) + text;
}

Result<ContextHandle> client_context(bool has_pins) {
  if (has_pins) {
    ContextHandle context = make_context();
    return context != nullptr ? Result<ContextHandle>(std::move(context)) : no_memory();
  }
  static Kept kept;
  const std::lock_guard lock(kept.mutex);
  const Instant now = monotonic_now();
  if (kept.context == nullptr || now - kept.read_at > authorities_last) {
    Result<ContextHandle> read = read_authorities();
    if (!read) {
      return fail(read.error());
    }
    kept.context = std::move(*read);
    kept.read_at = now;
  }
  SSL_CTX_up_ref(kept.context.get());
  return ContextHandle(kept.context.get());
}

std::string authorities_place() {
  const Authorities found = find_authorities();
  return found.file.empty() ? found.directory : found.file;
}

}  // namespace murder::tls
