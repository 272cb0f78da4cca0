#include "engine/codec/extension_handshake.h"

#include <algorithm>
#include <limits>

#include "engine/base/bounds.h"
#include "engine/codec/bencode.h"

namespace murder::codec {
namespace {

constexpr size_t client_bytes_max = 128;

template <typename Number>
std::optional<Number> find_number(const BencodeValue& dictionary, std::string_view key) {
  const std::optional<int64_t> value = dictionary.find_integer(key);
  if (!value || *value < 0 || *value > int64_t{std::numeric_limits<Number>::max()}) {
    return std::nullopt;
  }
  return static_cast<Number>(*value);
}

std::optional<IpAddress> find_address(const BencodeValue& dictionary, std::string_view key) {
  const std::optional<std::string_view> text = dictionary.find_text(key);
  if (text && text->size() == 4) {
    return IpAddress::from_v4(as_bytes_of(*text).first<4>());
  }
  if (text && text->size() == 16) {
    return IpAddress::from_v6(as_bytes_of(*text).first<16>());
  }
  return std::nullopt;
}

void write_extensions(BencodeWriter& writer, const ExtensionHandshake& handshake) {
  auto extensions = handshake.extensions;
  std::stable_sort(extensions.begin(), extensions.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto twins = std::unique(extensions.begin(), extensions.end(),
                                 [](const auto& a, const auto& b) { return a.first == b.first; });
  extensions.erase(twins, extensions.end());
  writer.begin_dictionary();
  for (const auto& [name, id] : extensions) {
    writer.key(name);
    writer.integer(id);
  }
  writer.end();
}

}  // namespace

uint8_t ExtensionHandshake::id_of(std::string_view extension) const {
  const auto found = std::find_if(extensions.begin(), extensions.end(),
                                  [&](const auto& entry) { return entry.first == extension; });
  return found == extensions.end() ? uint8_t{0} : found->second;
}

std::string encode_extension_handshake(const ExtensionHandshake& handshake) {
  BencodeWriter writer;
  const auto write_number = [&](std::string_view key, auto number) {
    if (number) {
      writer.key(key);
      writer.integer(*number);
    }
  };
  writer.begin_dictionary();
  writer.key("m");
  write_extensions(writer, handshake);
  write_number("metadata_size", handshake.metadata_bytes);
  write_number("mu_block", handshake.block_bytes_max);
  if (handshake.free) {
    writer.key("mu_free");
    writer.integer(1);
  }
  if (!handshake.rack.empty()) {
    writer.key("mu_rack");
    writer.string(std::string_view(handshake.rack).substr(0, limits::rack_name_bytes_max));
  }
  write_number("p", handshake.listen_port);
  write_number("reqq", handshake.requests_max);
  if (handshake.upload_only) {
    writer.key("upload_only");
    writer.integer(1);
  }
  if (!handshake.client.empty()) {
    writer.key("v");
    writer.string(std::string_view(handshake.client).substr(0, client_bytes_max));
  }
  if (handshake.your_ip) {
    writer.key("yourip");
    writer.string(handshake.your_ip->is_v4() ? handshake.your_ip->v4_bytes()
                                             : std::span<const uint8_t>(handshake.your_ip->bytes));
  }
  writer.end();
  return writer.take();
}

Result<ExtensionHandshake> decode_extension_handshake(std::span<const uint8_t> payload) {
  Result<BencodeValue> root = decode_bencode_prefix(payload);
  if (!root) {
    return fail(std::move(root.error()));
  }
  if (!root->is_dictionary()) {
    return fail(ErrorCode::invalid_input, "an extension handshake is not a dictionary");
  }
  ExtensionHandshake handshake;
  handshake.client = root->find_text("v").value_or("").substr(0, client_bytes_max);
  handshake.listen_port = find_number<uint16_t>(*root, "p");
  if (handshake.listen_port == uint16_t{0}) {
    handshake.listen_port.reset();
  }
  handshake.your_ip = find_address(*root, "yourip");
  handshake.requests_max = find_number<uint32_t>(*root, "reqq");
  handshake.metadata_bytes = find_number<uint32_t>(*root, "metadata_size");
  handshake.block_bytes_max = find_number<uint32_t>(*root, "mu_block");
  handshake.upload_only = root->find_integer("upload_only").value_or(0) != 0;
  handshake.free = root->find_integer("mu_free").value_or(0) != 0;
  handshake.rack = root->find_text("mu_rack").value_or("").substr(0, limits::rack_name_bytes_max);
  if (const std::optional<BencodeValue> names = root->find("m")) {
    BencodeEntries entries = names->entries();
    while (const std::optional<BencodeEntry> entry = entries.next()) {
      const std::optional<int64_t> id = entry->value.integer();
      if (id && *id >= 0 && *id <= UINT8_MAX) {
        handshake.extensions.emplace_back(entry->key, static_cast<uint8_t>(*id));
      }
    }
  }
  return handshake;
}

}  // namespace murder::codec
