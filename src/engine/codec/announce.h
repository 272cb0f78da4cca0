// Talk with a tracker as values: announce (BEP 3, 7, 23, 24, 31) both ways, and the tracker's side
// of scrape (BEP 48).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/endpoint.h"
#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/codec/bounds.h"
#include "engine/codec/url.h"

namespace murder::codec {

enum class AnnounceEvent : uint8_t { none, started, stopped, completed };

struct AnnounceRequest {
  InfoHash info_hash;
  PeerId peer_id;
  uint16_t port = 0;  // 0 is for the tracker to refuse
  uint64_t uploaded_bytes = 0;
  uint64_t downloaded_bytes = 0;
  uint64_t left_bytes = 0;
  AnnounceEvent event = AnnounceEvent::none;
  std::optional<uint32_t> peers_wanted;  // numwant; absent or negative: the tracker chooses
  bool compact = true;                   // absent on the wire means compact (BEP 23)
  bool no_peer_id = false;               // of a list that is not compact
  std::optional<IpAddress> ip;           // what the client says of itself: not to be trusted
  std::optional<Endpoint> ipv4;          // BEP 7; port 0 where only an address is given
  std::optional<Endpoint> ipv6;
  std::string key;
  std::string tracker_id;  // trackerid, as a reply gave it
  // For people; our own peers send them.
  std::string name;                     // of the release
  std::string host;                     // what the peer's host calls itself
  std::optional<uint64_t> total_bytes;  // of the release
  // Of our own peers, for the graph they form. How many neighbours the peer has: it leaves to the
  // tracker of how many others it is told.
  std::optional<uint32_t> neighbour_count;
  std::string rack;            // where the host stands: not to be trusted, see base/rack.h
  uint32_t tracker_count = 1;  // that the peer announces to: each tells it of its share
  bool is_source = false;      // it did not fetch the release: others fetch it from here

  bool operator==(const AnnounceRequest&) const = default;
};

// "info_hash=%..&peer_id=..&..": without '?' or '&' in front.
[[nodiscard]] std::string encode_announce_query(const AnnounceRequest& request);

// Takes the raw query of a request line. Errors (their text suits a failure reason): info_hash,
// peer_id, port or left missing, twice or malformed; a bad percent escape. Unknown keys, events and
// addresses that are not numeric are ignored.
[[nodiscard]] Result<AnnounceRequest> decode_announce_query(std::string_view query);

// Path and query to ask for at `tracker`, whose URL may already have a query.
[[nodiscard]] std::string announce_target(const Url& tracker, const AnnounceRequest& request);

struct AnnouncePeer {
  Endpoint endpoint;
  PeerId peer_id;  // all zeros where the list has none

  bool operator==(const AnnouncePeer&) const = default;
};

struct AnnounceReply {
  // When not empty, only the two members below have a meaning. What was read is printable_value().
  std::string failure_reason;
  std::optional<uint32_t> retry_in_minutes;  // BEP 31
  bool retry_never = false;                  // BEP 31: "never"
  std::string warning_message;               // the same
  std::string tracker_id;
  uint32_t interval_s = 0;
  std::optional<uint32_t> interval_min_s;
  std::optional<uint32_t> complete;    // seeders
  std::optional<uint32_t> incomplete;  // leechers
  std::optional<uint32_t> downloaded;
  std::optional<IpAddress> external_ip;  // BEP 24: the asker's address as the tracker sees it
  std::string rack;  // of ours: where the tracker knows the asker to stand, when it did not say
  std::vector<AnnouncePeer> peers;  // of both families

  bool operator==(const AnnounceReply&) const = default;
};

enum class PeerListForm : uint8_t { compact, list, list_without_ids };

[[nodiscard]] std::string encode_announce_reply(const AnnounceReply& reply, PeerListForm form);

// Reads all forms. Peers with port 0 or with a host name are left out, and a tracker id beyond
// limits::tracker_id_bytes_max, which each further announce would carry. Texts for people are cut
// at limits::tracker_text_bytes_max. Errors: not a bencoded dictionary, no interval, a peer list of
// a wrong type or length.
[[nodiscard]] Result<AnnounceReply> decode_announce_reply(std::span<const uint8_t> body);

// --- Scrape (BEP 48) ----------------------------------------------------------------------------

// In the order asked for, none when all swarms are asked for. Errors: a malformed info_hash, more
// than limits::scrape_hashes_max.
[[nodiscard]] Result<std::vector<InfoHash>> decode_scrape_query(std::string_view query);

struct ScrapeEntry {
  InfoHash info_hash;
  uint32_t complete = 0;    // seeders
  uint32_t downloaded = 0;  // completed events
  uint32_t incomplete = 0;  // leechers

  bool operator==(const ScrapeEntry&) const = default;
};

struct ScrapeReply {
  std::string failure_reason;
  std::vector<ScrapeEntry> entries;

  bool operator==(const ScrapeReply&) const = default;
};

// Entries may come in any order; of several for one info hash the first counts.
[[nodiscard]] std::string encode_scrape_reply(const ScrapeReply& reply);

}  // namespace murder::codec
