#include "engine/trust/ssh_signature.h"

#include <fmt/format.h>

#include <optional>

#include "engine/base/printable.h"
#include "engine/trust/base64.h"
#include "engine/trust/bounds.h"
#include "engine/trust/wire.h"

namespace murder::trust {
namespace {

constexpr std::string_view preamble = "SSHSIG";
constexpr uint32_t version_known = 1;
constexpr size_t armour_columns = 70;  // as OpenSSH writes it

tl::unexpected<Error> refuse_signature(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("a signature that {}", what));
}

std::string_view hash_name_of(HashAlgorithm hash) {
  return hash == HashAlgorithm::sha256 ? "sha256" : "sha512";
}

std::optional<HashAlgorithm> hash_of(std::string_view name) {
  if (name == "sha256" || name == "sha512") {
    return name == "sha256" ? HashAlgorithm::sha256 : HashAlgorithm::sha512;
  }
  return std::nullopt;
}

}  // namespace

Result<SshSignature> parse_ssh_signature(std::string_view blob) {
  if (blob.size() > limits::signature_bytes_max) {
    return refuse_signature(fmt::format("is larger than {} bytes", limits::signature_bytes_max));
  }
  if (!blob.starts_with(preamble)) {
    return refuse_signature("is not one of ssh-keygen");
  }
  WireReader reader(blob.substr(preamble.size()));
  const auto version = reader.uint32();
  if (version && *version != version_known) {
    return refuse_signature(fmt::format("is of version {}: 1 is known", *version));
  }
  const auto key = reader.string();
  const auto name_space = reader.string();
  const auto reserved = reader.string();
  const auto hash_name = reader.string();
  const auto signature = reader.string();
  if (!version || !key || !name_space || !reserved || !hash_name || !signature ||
      !reader.is_empty()) {
    return refuse_signature("is damaged");
  }
  if (name_space->empty() || name_space->size() > limits::namespace_bytes_max) {
    return refuse_signature("has no namespace, or too long a one");
  }
  const std::optional<HashAlgorithm> hash = hash_of(*hash_name);
  if (!hash) {
    return refuse_signature(fmt::format("is over a hash by {}: sha256 and sha512 are accepted",
                                        printable_value(hash_name->substr(0, 64))));
  }
  return SshSignature{.key = std::string(*key),
                      .name_space = std::string(*name_space),
                      .hash = *hash,
                      .signature = std::string(*signature)};
}

std::string encode_ssh_signature(const SshSignature& signature) {
  std::string blob(preamble);
  append_uint32(blob, version_known);
  append_string(blob, signature.key);
  append_string(blob, signature.name_space);
  append_string(blob, "");  // reserved
  append_string(blob, hash_name_of(signature.hash));
  append_string(blob, signature.signature);
  return blob;
}

std::string signed_data_of(const SshSignature& signature, std::string_view message) {
  std::string data(preamble);
  append_string(data, signature.name_space);
  append_string(data, "");  // reserved
  append_string(data, hash_name_of(signature.hash));
  append_string(data, digest_of(signature.hash, message));
  return data;
}

Result<std::string> remove_armour(std::string_view text) {
  if (text.size() > limits::armour_bytes_max) {
    return refuse_signature("is too large");
  }
  text = text.substr(0, text.find_last_not_of("\r\n") + 1);
  if (!text.starts_with(armour_begin) || !text.ends_with(armour_end)) {
    return refuse_signature(
        fmt::format("does not begin with {} and end with {}", armour_begin, armour_end));
  }
  text.remove_prefix(armour_begin.size());
  if (text.size() < armour_end.size()) {
    return refuse_signature("is damaged");
  }
  text.remove_suffix(armour_end.size());
  const bool has_lines =
      !text.empty() && text.back() == '\n' && (text.front() == '\n' || text.starts_with("\r\n"));
  std::optional<std::string> blob = has_lines ? decode_base64(text) : std::nullopt;
  if (!blob || blob->empty()) {
    return refuse_signature("is damaged");
  }
  if (blob->size() > limits::signature_bytes_max) {
    return refuse_signature(fmt::format("is larger than {} bytes", limits::signature_bytes_max));
  }
  return std::move(*blob);
}

std::string add_armour(std::string_view blob) {
  const std::string digits = encode_base64(blob);
  std::string text = fmt::format("{}\n", armour_begin);
  for (size_t begin = 0; begin < digits.size(); begin += armour_columns) {
    text.append(digits, begin, armour_columns).append("\n");
  }
  return text.append(armour_end).append("\n");
}

}  // namespace murder::trust
