#include "engine/trust/certificate.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "engine/base/printable.h"
#include "engine/trust/bounds.h"
#include "engine/trust/pattern.h"
#include "engine/trust/time_text.h"

namespace murder::trust {
namespace {

constexpr uint32_t type_of_user = 1;
constexpr uint32_t type_of_host = 2;

tl::unexpected<Error> refuse_certificate(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("a certificate that {}", what));
}

Status read_principals(Certificate& certificate, std::string_view list) {
  WireReader reader(list);
  while (!reader.is_empty()) {
    const auto name = reader.string();
    if (!name || name->find('\0') != std::string_view::npos) {
      return refuse_certificate("is damaged");
    }
    if (certificate.principals.size() == limits::certificate_principals_max ||
        name->size() > limits::certificate_name_bytes_max) {
      return refuse_certificate("names too many principals, or one that is too long");
    }
    certificate.principals.emplace_back(*name);
  }
  return {};
}

// Options and extensions are pairs of strings.
Status read_options(std::string_view list, std::vector<std::string>& names) {
  WireReader reader(list);
  while (!reader.is_empty()) {
    const auto name = reader.string();
    const auto value = reader.string();
    if (!name || !value) {
      return refuse_certificate("is damaged");
    }
    if (names.size() == limits::certificate_options_max ||
        name->size() > limits::certificate_name_bytes_max) {
      return refuse_certificate("has too many options, or one that is too long");
    }
    names.emplace_back(*name);
  }
  return {};
}

Status take_restrictions(Certificate& certificate, std::string_view list) {
  std::vector<std::string> names;
  if (Status read = read_options(list, names); !read) {
    return read;
  }
  for (std::string& name : names) {
    if (name == "verify-required") {
      certificate.needs_user_verified = true;
    } else {
      certificate.other_restrictions.push_back(std::move(name));
    }
  }
  return {};
}

// From behind the key to the authority.
Result<Certificate> read_body(PublicKey key, WireReader& reader) {
  Certificate certificate{.key = std::move(key)};
  const auto serial = reader.uint64();
  const auto type = reader.uint32();
  const auto key_id = reader.string();
  const auto principals = reader.string();
  const auto valid_after = reader.uint64();
  const auto valid_before = reader.uint64();
  const auto restrictions = reader.string();
  const auto extensions = reader.string();
  const auto reserved = reader.string();
  const auto authority = reader.string();
  if (!serial || !type || !key_id || !principals || !valid_after || !valid_before ||
      !restrictions || !extensions || !reserved || !authority) {
    return refuse_certificate("is damaged");
  }
  if (*type != type_of_user && *type != type_of_host) {
    return refuse_certificate("is neither of a user nor of a host");
  }
  if (key_id->size() > limits::certificate_name_bytes_max) {
    return refuse_certificate("has too long a key id");
  }
  certificate.serial = *serial;
  certificate.key_id = *key_id;
  certificate.valid_after_s = *valid_after;
  certificate.valid_before_s = *valid_before;
  certificate.is_for_host = *type == type_of_host;
  std::vector<std::string> ignored;
  Status read = read_principals(certificate, *principals);
  read = read ? take_restrictions(certificate, *restrictions) : read;
  read = read ? read_options(*extensions, ignored) : read;
  if (!read) {
    return fail(read.error());
  }
  Result<PublicKey> authority_key = parse_public_key(*authority);
  if (!authority_key) {
    return refuse_certificate("was signed by " + authority_key.error().text);
  }
  certificate.authority = std::move(*authority_key);
  return certificate;
}

tl::unexpected<Error> untrusted_certificate(std::string_view what) {
  return fail(ErrorCode::untrusted, fmt::format("its certificate {}", what));
}

Status verify_authority(const Certificate& certificate) {
  if (Status right =
          verify_signature(certificate.authority, certificate.signature, certificate.signed_part);
      !right) {
    return untrusted_certificate(
        fmt::format("is not signed by its authority: {}", right.error().text));
  }
  return {};
}

// In its time, for somebody, without restrictions that are not known.
Status verify_bounds(const Certificate& certificate, int64_t now_s) {
  if (now_s < 0 || static_cast<uint64_t>(now_s) < certificate.valid_after_s) {
    return untrusted_certificate(
        fmt::format("is not valid before {}", time_text_of(certificate.valid_after_s)));
  }
  if (static_cast<uint64_t>(now_s) >= certificate.valid_before_s) {
    return untrusted_certificate(
        fmt::format("expired at {}", time_text_of(certificate.valid_before_s)));
  }
  if (certificate.principals.empty()) {
    return untrusted_certificate("names nobody");
  }
  if (!certificate.other_restrictions.empty()) {
    return untrusted_certificate(
        fmt::format("is restricted by {}, which does not go with signatures",
                    printable_value(certificate.other_restrictions.front())));
  }
  return {};
}

}  // namespace

Result<Certificate> parse_certificate(std::string_view blob) {
  WireReader reader(blob);
  const auto name = reader.string();
  const auto nonce = reader.string();
  if (!name || !nonce) {
    return refuse_certificate("is damaged");
  }
  const Result<KeyType> type = key_type_of(*name, true);
  if (!type) {
    return fail(type.error());
  }
  Result<PublicKey> key = read_public_key(*type, reader);
  if (!key) {
    return fail(key.error());
  }
  Result<Certificate> certificate = read_body(std::move(*key), reader);
  if (!certificate) {
    return certificate;
  }
  certificate->signed_part = blob.substr(0, blob.size() - reader.rest().size());
  const auto signature = reader.string();
  if (!signature || !reader.is_empty()) {
    return refuse_certificate("is damaged");
  }
  certificate->signature = *signature;
  return certificate;
}

Status verify_certificate(const Certificate& certificate, int64_t now_s) {
  if (Status right = verify_authority(certificate); !right) {
    return right;
  }
  if (certificate.is_for_host) {
    return untrusted_certificate("is of a host, not of a user");
  }
  return verify_bounds(certificate, now_s);
}

Status verify_host_certificate(const Certificate& certificate, std::string_view host,
                               int64_t now_s) {
  if (Status right = verify_authority(certificate); !right) {
    return right;
  }
  if (!certificate.is_for_host) {
    return untrusted_certificate("is of a user, not of a host");
  }
  if (certificate.needs_user_verified) {
    return untrusted_certificate("is restricted by verify-required, which no host can keep");
  }
  if (Status holds = verify_bounds(certificate, now_s); !holds) {
    return holds;
  }
  const bool is_named =
      std::ranges::any_of(certificate.principals,
                          [host](const std::string& name) { return matches_pattern(host, name); });
  return is_named ? Status()
                  : untrusted_certificate(fmt::format("is of {}, not of {}",
                                                      printable_value(certificate.principals[0]),
                                                      printable_value(host)));
}

}  // namespace murder::trust
