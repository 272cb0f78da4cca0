#include "engine/trust/agent_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/base/types.h"
#include "engine/trust/base64.h"
#include "engine/trust/bounds.h"
#include "engine/trust/key_line.h"
#include "engine/trust/openssl.h"
#include "engine/trust/ssh_signature.h"
#include "engine/trust/statement_lines.h"

namespace murder::trust {
namespace {

// OpenSSH's PROTOCOL.key.
constexpr std::string_view private_key_begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
constexpr std::string_view private_key_end = "-----END OPENSSH PRIVATE KEY-----";
constexpr std::string_view private_key_magic{"openssh-key-v1\0", 15};
constexpr size_t private_key_block_bytes = 8;  // of the cipher "none"
constexpr size_t private_key_columns = 70;

tl::unexpected<Error> refuse_private_key(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("a private key that {}", what));
}

std::string private_section(const AgentKey& key, std::string_view comment) {
  std::string section;
  // Two equal numbers show a right passphrase. Without one any will do.
  constexpr uint32_t check = 0x6d757264;
  append_uint32(section, check);
  append_uint32(section, check);
  append_string(section, name_of(KeyType::ed25519));
  append_string(section, key.public_key.point);
  append_string(section, std::string(as_text_of(key.seed)) + key.public_key.point);
  append_string(section, comment);
  for (char pad = 1; section.size() % private_key_block_bytes != 0; ++pad) {
    section.push_back(pad);
  }
  return section;
}

// The seed in the section for one key, which ends with padding: 1, 2, 3 and so on.
Result<AgentKey> read_private_section(std::string_view section, const PublicKey& expected) {
  WireReader reader(section);
  const auto check = reader.uint32();
  const auto check_again = reader.uint32();
  const auto type = reader.string();
  const auto point = reader.string();
  const auto secret = reader.string();
  const auto comment = reader.string();
  if (!check || check != check_again || !type || !point || !secret || !comment ||
      secret->size() != secret_bytes + point->size()) {
    return refuse_private_key("is damaged");
  }
  const std::string_view padding = reader.rest();
  for (size_t index = 0; index < padding.size(); ++index) {
    if (static_cast<uint8_t>(padding[index]) != (index + 1) % 256) {
      return refuse_private_key("is damaged");
    }
  }
  Secret seed{};
  std::ranges::copy(as_bytes_of(secret->substr(0, secret_bytes)), seed.begin());
  Result<AgentKey> key = agent_key_of(seed);
  if (key && (type != name_of(KeyType::ed25519) || !(key->public_key == expected) ||
              *point != expected.point || !secret->ends_with(expected.point))) {
    return refuse_private_key("does not belong to its public key");
  }
  return key;
}

Result<std::string> binary_of_private_key(std::string_view text) {
  if (text.size() > limits::private_key_file_bytes_max) {
    return refuse_private_key(
        fmt::format("is larger than {} bytes", limits::private_key_file_bytes_max));
  }
  text = text.substr(0, text.find_last_not_of("\r\n") + 1);
  if (text.size() < private_key_begin.size() + private_key_end.size() ||
      !text.starts_with(private_key_begin) || !text.ends_with(private_key_end)) {
    return refuse_private_key("is not in OpenSSH's format");
  }
  text.remove_prefix(private_key_begin.size());
  text.remove_suffix(private_key_end.size());
  std::optional<std::string> binary = decode_base64(text);
  if (!binary || !binary->starts_with(private_key_magic)) {
    return refuse_private_key("is damaged");
  }
  return std::move(*binary);
}

bool is_nonce(std::string_view text) {
  return text.size() == limits::agent_nonce_digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

tl::unexpected<Error> unproven(std::string_view what) {
  return fail(ErrorCode::untrusted, fmt::format("the agent's key is not proven: {}", what));
}

}  // namespace

Result<AgentKey> agent_key_of(const Secret& seed) {
  if (Status started = start_openssl(); !started) {
    return fail(started.error());
  }
  const std::string point = ed25519_public_key(as_text_of(seed));
  std::string blob;
  append_string(blob, name_of(KeyType::ed25519));
  append_string(blob, point);
  Result<PublicKey> key = parse_public_key(blob);
  if (!key) {
    return fail(ErrorCode::limit, "not enough memory to make a key");
  }
  return AgentKey{.seed = seed, .public_key = std::move(*key)};
}

std::string encode_private_key(const AgentKey& key, std::string_view comment) {
  std::string binary(private_key_magic);
  append_string(binary, "none");  // cipher
  append_string(binary, "none");  // key derivation
  append_string(binary, "");
  append_uint32(binary, 1);  // keys
  append_string(binary, key.public_key.blob);
  append_string(binary, private_section(key, comment));
  const std::string digits = encode_base64(binary);
  std::string text = fmt::format("{}\n", private_key_begin);
  for (size_t begin = 0; begin < digits.size(); begin += private_key_columns) {
    text.append(digits, begin, private_key_columns).append("\n");
  }
  return text.append(private_key_end).append("\n");
}

Result<AgentKey> parse_private_key(std::string_view text) {
  const Result<std::string> binary = binary_of_private_key(text);
  if (!binary) {
    return fail(binary.error());
  }
  WireReader reader(std::string_view(*binary).substr(private_key_magic.size()));
  const auto cipher = reader.string();
  const auto derivation = reader.string();
  const auto derivation_options = reader.string();
  const auto count = reader.uint32();
  const auto public_blob = reader.string();
  const auto section = reader.string();
  if (cipher && *cipher != "none") {
    return refuse_private_key("has a passphrase");
  }
  if (!cipher || derivation != "none" || derivation_options != "" || count != 1U || !public_blob ||
      !section || !reader.is_empty() || section->size() % private_key_block_bytes != 0) {
    return refuse_private_key("is damaged");
  }
  const Result<PublicKey> expected = parse_public_key(*public_blob);
  if (!expected) {
    return refuse_private_key("is damaged");
  }
  if (expected->type != KeyType::ed25519) {
    return fail(ErrorCode::unsupported, fmt::format("a private key of type {}: only ssh-ed25519 "
                                                    "is read",
                                                    name_of(expected->type)));
  }
  return read_private_section(*section, *expected);
}

Result<std::string> sign_text(const AgentKey& key, std::string_view name_space,
                              std::string_view text) {
  if (Status started = start_openssl(); !started) {
    return fail(started.error());
  }
  SshSignature signature{.key = key.public_key.blob,
                         .name_space = std::string(name_space),
                         .hash = HashAlgorithm::sha512,
                         .signature = {}};
  const std::string made = sign_ed25519(as_text_of(key.seed), signed_data_of(signature, text));
  if (made.empty()) {
    return fail(ErrorCode::limit, "not enough memory to sign");
  }
  append_string(signature.signature, name_of(KeyType::ed25519));
  append_string(signature.signature, made);
  return encode_ssh_signature(signature);
}

Status verify_text(const PublicKey& key, std::string_view name_space, std::string_view text,
                   std::string_view blob) {
  if (Status started = start_openssl(); !started) {
    return started;
  }
  const Result<SshSignature> signature = parse_ssh_signature(blob);
  if (!signature) {
    return fail(ErrorCode::untrusted, signature.error().text);
  }
  if (signature->name_space != name_space) {
    return fail(ErrorCode::untrusted, fmt::format("its signature is not for {}", name_space));
  }
  if (signature->key != key.blob) {
    return fail(ErrorCode::untrusted, "its signature is of another key");
  }
  return verify_signature(key, signature->signature, signed_data_of(*signature, text));
}

Result<std::string> agent_proof_text(const AgentProof& proof) {
  if (!is_nonce(proof.nonce)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("a challenge whose nonce is not {} hexadecimal digits of lower case",
                            limits::agent_nonce_digits));
  }
  if (!is_statement_name(proof.coordinator, limits::proof_name_bytes_max) ||
      !is_statement_name(proof.host, limits::proof_name_bytes_max)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("the name of a host or coordinator has 1 to {} printable characters",
                            limits::proof_name_bytes_max));
  }
  return fmt::format("murder-agent 1\ncoordinator {}\nhost {}\nsession {}\nnonce {}\n",
                     proof.coordinator, proof.host, proof.session, proof.nonce);
}

Result<SignedHello> sign_hello(const AgentKey& key, const AgentProof& proof) {
  const Result<std::string> text = agent_proof_text(proof);
  if (!text) {
    return fail(text.error());
  }
  const Result<std::string> blob = sign_text(key, agent_namespace, *text);
  if (!blob) {
    return fail(blob.error());
  }
  return SignedHello{.key = key_line_of(key.public_key), .signature = encode_base64(*blob)};
}

Result<PublicKey> verify_hello(const SignedHello& hello, const AgentProof& proof) {
  const Result<std::string> text = agent_proof_text(proof);
  if (!text) {
    return unproven(text.error().text);
  }
  Result<PublicKey> key = parse_key_line(hello.key);
  if (!key) {
    return unproven(key.error().text);
  }
  if (key->type != KeyType::ed25519) {
    return unproven(fmt::format("it is of type {}, not ssh-ed25519", name_of(key->type)));
  }
  const std::optional<std::string> blob = hello.signature.size() <= limits::armour_bytes_max
                                              ? decode_base64(hello.signature)
                                              : std::nullopt;
  if (!blob) {
    return unproven("its signature is not base64");
  }
  if (Status right = verify_text(*key, agent_namespace, *text, *blob); !right) {
    return right.error().code == ErrorCode::untrusted ? unproven(right.error().text)
                                                      : fail(right.error());
  }
  return key;
}

}  // namespace murder::trust
