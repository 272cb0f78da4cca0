// The first extended message of a connection (BEP 10): what a peer can do beyond BEP 3.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/endpoint.h"
#include "engine/base/result.h"

namespace murder::codec {

inline constexpr uint8_t extension_handshake_id = 0;

// What we put into ours and read out of theirs; all of it optional on the wire.
struct ExtensionHandshake {
  std::string client;                       // v
  std::optional<uint16_t> listen_port;      // p, not 0
  std::optional<IpAddress> your_ip;         // yourip
  std::optional<uint32_t> requests_max;     // reqq
  std::optional<uint32_t> metadata_bytes;   // metadata_size (BEP 9)
  std::optional<uint32_t> block_bytes_max;  // mu_block: the largest block served to our own kind
  bool upload_only = false;                 // upload_only (BEP 21)
  bool free = false;                        // mu_free: as GrantKind::free
  std::string rack;                         // mu_rack: the sender's rack; empty: not told
  // m: the extended id the sender wants for each extension it knows; 0 switches one off.
  std::vector<std::pair<std::string, uint8_t>> extensions;

  // The extended id the sender wants for the extension, 0 when it does not know it.
  [[nodiscard]] uint8_t id_of(std::string_view extension) const;

  bool operator==(const ExtensionHandshake&) const = default;
};

// The payload of the message. Of two extensions of one name the first counts.
[[nodiscard]] std::string encode_extension_handshake(const ExtensionHandshake& handshake);

// Errors: not a bencoded dictionary. A member of a wrong type or range is taken as absent.
[[nodiscard]] Result<ExtensionHandshake> decode_extension_handshake(
    std::span<const uint8_t> payload);

}  // namespace murder::codec
