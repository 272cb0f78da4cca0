#include "engine/trust/public_key.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <optional>

#include "engine/base/printable.h"
#include "engine/base/types.h"
#include "engine/hash/sha256.h"
#include "engine/trust/base64.h"
#include "engine/trust/bounds.h"
#include "engine/trust/openssl.h"

namespace murder::trust {
namespace {

constexpr size_t ed25519_key_bytes = 32;
constexpr char uncompressed_point = '\x04';  // SEC 1, section 2.3.3

struct NamedType {
  KeyType type;
  std::string_view name;
  std::string_view certificate_name;
};

constexpr std::array named_types = {
    NamedType{KeyType::ed25519, "ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com"},
    NamedType{KeyType::ecdsa_p256, "ecdsa-sha2-nistp256",
              "ecdsa-sha2-nistp256-cert-v01@openssh.com"},
    NamedType{KeyType::ecdsa_p384, "ecdsa-sha2-nistp384",
              "ecdsa-sha2-nistp384-cert-v01@openssh.com"},
    NamedType{KeyType::ecdsa_p521, "ecdsa-sha2-nistp521",
              "ecdsa-sha2-nistp521-cert-v01@openssh.com"},
    NamedType{KeyType::rsa, "ssh-rsa", "ssh-rsa-cert-v01@openssh.com"},
    NamedType{KeyType::token_ed25519, "sk-ssh-ed25519@openssh.com",
              "sk-ssh-ed25519-cert-v01@openssh.com"},
    NamedType{KeyType::token_ecdsa_p256, "sk-ecdsa-sha2-nistp256@openssh.com",
              "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"},
};

std::optional<Curve> curve_of(KeyType type) {
  switch (type) {
    case KeyType::ecdsa_p256:
    case KeyType::token_ecdsa_p256:
      return Curve::p256;
    case KeyType::ecdsa_p384:
      return Curve::p384;
    case KeyType::ecdsa_p521:
      return Curve::p521;
    default:
      return std::nullopt;
  }
}

bool is_of_token(KeyType type) {
  return type == KeyType::token_ed25519 || type == KeyType::token_ecdsa_p256;
}

std::string_view curve_name_of(Curve curve) {
  return curve == Curve::p256 ? "nistp256" : curve == Curve::p384 ? "nistp384" : "nistp521";
}

tl::unexpected<Error> refuse_key(KeyType type, std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("a key of type {} {}", name_of(type), what));
}

Status read_point(PublicKey& key, WireReader& reader) {
  const std::optional<Curve> curve = curve_of(key.type);
  if (curve && reader.string() != curve_name_of(*curve)) {
    return refuse_key(key.type, "that names another curve");
  }
  const auto point = reader.string();
  const bool is_right = point && (curve ? point->size() == 1 + 2 * coordinate_bytes_of(*curve) &&
                                              point->front() == uncompressed_point
                                        : point->size() == ed25519_key_bytes);
  if (!is_right) {
    return refuse_key(key.type, "that is damaged");
  }
  key.point = *point;
  return {};
}

Status read_rsa(PublicKey& key, WireReader& reader) {
  const auto exponent = reader.canonical_number();
  const auto modulus = reader.canonical_number();
  if (!exponent || !modulus || (static_cast<uint8_t>(modulus->back()) & 1U) == 0 ||
      exponent->size() > limits::rsa_exponent_bytes_max ||
      (static_cast<uint8_t>(exponent->back()) & 1U) == 0 || *exponent == "\x01") {
    return refuse_key(key.type, "that is damaged");
  }
  const size_t bits =
      modulus->size() * 8 - std::countl_zero(static_cast<uint8_t>(modulus->front()));
  if (bits < limits::rsa_bits_min || bits > limits::rsa_bits_max) {
    return refuse_key(key.type, fmt::format("of {} bits: {} to {} are accepted", bits,
                                            limits::rsa_bits_min, limits::rsa_bits_max));
  }
  key.exponent = *exponent;
  key.modulus = *modulus;
  return {};
}

// A token signs the hash of what it was for, what it saw, and the hash of the message.
std::string signed_by_token(const PublicKey& key, uint8_t flags, uint32_t counter,
                            std::string_view message) {
  std::string data = digest_of(HashAlgorithm::sha256, key.application);
  data.push_back(static_cast<char>(flags));
  append_uint32(data, counter);
  return data + digest_of(HashAlgorithm::sha256, message);
}

bool verify_curve(Curve curve, const PublicKey& key, std::string_view numbers,
                  std::string_view message) {
  WireReader reader(numbers);
  const auto r = reader.number();
  const auto s = reader.number();
  return r && s && reader.is_empty() && verify_ecdsa(curve, key.point, {.r = *r, .s = *s}, message);
}

tl::unexpected<Error> wrong_signature() {
  return fail(ErrorCode::untrusted, "it is not a signature of this text by that key");
}

tl::unexpected<Error> damaged_signature() {
  return fail(ErrorCode::untrusted, "it is damaged");
}

Status verify_by_token(const PublicKey& key, WireReader& reader, std::string_view made,
                       std::string_view message, TokenDemand demand) {
  constexpr uint8_t user_present = 0x01;  // CTAP's flags
  constexpr uint8_t user_verified = 0x04;
  const auto flags = reader.byte();
  const auto counter = reader.uint32();
  if (!flags || !counter || !reader.is_empty()) {
    return damaged_signature();
  }
  const std::string data = signed_by_token(key, *flags, *counter, message);
  const std::optional<Curve> curve = curve_of(key.type);
  if (curve ? !verify_curve(*curve, key, made, data) : !verify_ed25519(key.point, made, data)) {
    return wrong_signature();
  }
  // As sshd demands it: whoever uses the token from afar cannot touch it.
  if ((*flags & user_present) == 0) {
    return fail(ErrorCode::untrusted, "nobody touched the token that made it");
  }
  if (demand.user_verified && (*flags & user_verified) == 0) {
    return fail(ErrorCode::untrusted, "the token that made it did not verify its user");
  }
  return {};
}

}  // namespace

std::string_view name_of(KeyType type) {
  for (const NamedType& each : named_types) {
    if (each.type == type) {
      return each.name;
    }
  }
  return "";
}

Result<KeyType> key_type_of(std::string_view name, bool of_certificate) {
  for (const NamedType& each : named_types) {
    if ((of_certificate ? each.certificate_name : each.name) == name) {
      return each.type;
    }
  }
  return fail(ErrorCode::unsupported, fmt::format("keys of type {} are not supported",
                                                  printable_value(name.substr(0, 64))));
}

Result<PublicKey> read_public_key(KeyType type, WireReader& reader) {
  PublicKey key;
  key.type = type;
  const std::string_view begin = reader.rest();
  if (Status read = type == KeyType::rsa ? read_rsa(key, reader) : read_point(key, reader); !read) {
    return fail(std::move(read.error()));
  }
  if (is_of_token(type)) {
    const auto application = reader.string();
    if (!application || application->size() > limits::key_application_bytes_max) {
      return refuse_key(type, "that is damaged");
    }
    key.application = *application;
  }
  append_string(key.blob, name_of(type));
  key.blob += begin.substr(0, begin.size() - reader.rest().size());
  return key;
}

Result<PublicKey> parse_public_key(std::string_view blob) {
  WireReader reader(blob);
  const auto name = reader.string();
  if (!name) {
    return fail(ErrorCode::invalid_input, "a key that is damaged");
  }
  const Result<KeyType> type = key_type_of(*name);
  if (!type) {
    return fail(type.error());
  }
  Result<PublicKey> key = read_public_key(*type, reader);
  if (key && !reader.is_empty()) {
    return refuse_key(*type, "with something behind it");
  }
  return key;
}

std::string fingerprint_of(const PublicKey& key) {
  const hash::Sha256Digest digest = hash::sha256(as_bytes_of(key.blob));
  std::string text = encode_base64(as_text_of(digest.bytes));
  text.erase(text.find_last_not_of('=') + 1);
  return "SHA256:" + text;
}

Status verify_signature(const PublicKey& key, std::string_view signature, std::string_view message,
                        TokenDemand demand) {
  WireReader reader(signature);
  const auto algorithm = reader.string();
  const auto made = reader.string();
  if (!algorithm || !made) {
    return damaged_signature();
  }
  const bool is_sha256 = *algorithm == "rsa-sha2-256";
  if (key.type == KeyType::rsa ? !is_sha256 && *algorithm != "rsa-sha2-512"
                               : *algorithm != name_of(key.type)) {
    return fail(ErrorCode::untrusted,
                fmt::format("its algorithm {} is not one of a key of type {}",
                            printable_value(algorithm->substr(0, 64)), name_of(key.type)));
  }
  if (is_of_token(key.type)) {
    return verify_by_token(key, reader, *made, message, demand);
  }
  if (!reader.is_empty()) {
    return damaged_signature();
  }
  const std::optional<Curve> curve = curve_of(key.type);
  const bool is_right =
      curve ? verify_curve(*curve, key, *made, message)
      : key.type == KeyType::rsa
          ? verify_rsa({.modulus = key.modulus, .exponent = key.exponent},
                       is_sha256 ? HashAlgorithm::sha256 : HashAlgorithm::sha512, *made, message)
          : verify_ed25519(key.point, *made, message);
  return is_right ? Status() : wrong_signature();
}

}  // namespace murder::trust
