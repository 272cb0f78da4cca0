#include <algorithm>

#include "engine/base/printable.h"
#include "engine/base/rack.h"
#include "engine/codec/announce.h"
#include "engine/codec/bencode.h"
#include "engine/codec/bounds.h"

namespace murder::codec {
namespace {

constexpr size_t compact_v4_bytes = 6;   // BEP 23
constexpr size_t compact_v6_bytes = 18;  // BEP 7

std::span<const uint8_t> address_bytes(const IpAddress& address) {
  return address.is_v4() ? address.v4_bytes() : std::span<const uint8_t>(address.bytes);
}

void write_count(BencodeWriter& writer, std::string_view key, std::optional<uint32_t> count) {
  if (count) {
    writer.key(key);
    writer.integer(*count);
  }
}

std::string compact_peers(const std::vector<AnnouncePeer>& peers, bool is_v4) {
  std::string out;
  for (const AnnouncePeer& peer : peers) {
    const Endpoint& endpoint = peer.endpoint;
    if (endpoint.address.is_v4() == is_v4) {
      out.append(as_text_of(address_bytes(endpoint.address)));
      out.push_back(static_cast<char>(endpoint.port >> 8U));
      out.push_back(static_cast<char>(endpoint.port & 0xffU));
    }
  }
  return out;
}

void write_peer_list(BencodeWriter& writer, const AnnounceReply& reply, bool has_ids) {
  writer.key("peers");
  writer.begin_list();
  for (const AnnouncePeer& peer : reply.peers) {
    writer.begin_dictionary();
    writer.key("ip");
    writer.string(peer.endpoint.address.text());
    if (has_ids) {
      writer.key("peer id");
      writer.string(peer.peer_id.bytes);
    }
    writer.key("port");
    writer.integer(peer.endpoint.port);
    writer.end();
  }
  writer.end();
}

void write_peers(BencodeWriter& writer, const AnnounceReply& reply, PeerListForm form) {
  if (form != PeerListForm::compact) {
    write_peer_list(writer, reply, form == PeerListForm::list);
    return;
  }
  writer.key("peers");
  writer.string(compact_peers(reply.peers, true));
  const std::string peers6 = compact_peers(reply.peers, false);
  if (!peers6.empty()) {
    writer.key("peers6");
    writer.string(peers6);
  }
}

// --- Reading ------------------------------------------------------------------------------------

tl::unexpected<Error> refuse(const char* what) {
  return fail(ErrorCode::invalid_input, std::string("the tracker's reply ") + what);
}

std::optional<uint32_t> find_count(const BencodeValue& dictionary, std::string_view key) {
  const std::optional<int64_t> value = dictionary.find_integer(key);
  if (!value || *value < 0) {
    return std::nullopt;
  }
  return static_cast<uint32_t>(std::min<int64_t>(*value, UINT32_MAX));
}

std::optional<IpAddress> address_of(std::span<const uint8_t> bytes) {
  if (bytes.size() == 4) {
    return IpAddress::from_v4(bytes.first<4>());
  }
  if (bytes.size() == 16) {
    return IpAddress::from_v6(bytes.first<16>());
  }
  return std::nullopt;
}

Status read_compact(AnnounceReply& reply, std::span<const uint8_t> bytes, size_t peer_bytes) {
  if (bytes.size() % peer_bytes != 0) {
    return refuse("has a peer list of a wrong length");
  }
  for (; !bytes.empty(); bytes = bytes.subspan(peer_bytes)) {
    const std::span<const uint8_t> port = bytes.subspan(peer_bytes - 2, 2);
    const Endpoint endpoint{*address_of(bytes.first(peer_bytes - 2)),
                            static_cast<uint16_t>(port[0] << 8U | port[1])};
    if (endpoint.port != 0) {
      reply.peers.push_back({endpoint, {}});
    }
  }
  return {};
}

void read_peer_list(AnnounceReply& reply, const BencodeValue& list) {
  BencodeItems items = list.items();
  while (const std::optional<BencodeValue> item = items.next()) {
    const std::optional<IpAddress> address = IpAddress::parse(item->find_text("ip").value_or(""));
    const int64_t port = item->find_integer("port").value_or(0);
    if (address && port > 0 && port <= UINT16_MAX) {
      const std::string_view id = item->find_text("peer id").value_or("");
      reply.peers.push_back({{*address, static_cast<uint16_t>(port)},
                             PeerId::from_bytes(as_bytes_of(id)).value_or(PeerId{})});
    }
  }
}

// A line that people can read, whatever the tracker sent.
std::string text_for_people(std::string_view text) {
  if (text.size() <= limits::tracker_text_bytes_max) {
    return printable_value(text);
  }
  size_t end = limits::tracker_text_bytes_max;
  const size_t character_bytes_max = 4;
  // Not in the middle of a character of UTF-8.
  for (size_t back = 1;
       back < character_bytes_max && (static_cast<uint8_t>(text[end]) & 0xC0U) == 0x80U; ++back) {
    --end;
  }
  return printable_value(text.substr(0, end)) + " ...";
}

Status read_peers(AnnounceReply& reply, const BencodeValue& root) {
  if (const std::optional<BencodeValue> peers = root.find("peers")) {
    if (peers->is_list()) {
      read_peer_list(reply, *peers);
    } else if (const auto bytes = peers->bytes()) {
      if (Status status = read_compact(reply, *bytes, compact_v4_bytes); !status) {
        return status;
      }
    } else {
      return refuse("has peers that are neither a list nor a string");
    }
  }
  if (const std::optional<BencodeValue> peers6 = root.find("peers6")) {
    const auto bytes = peers6->bytes();
    return bytes ? read_compact(reply, *bytes, compact_v6_bytes)
                 : refuse("has peers6 that are not a string");
  }
  return {};
}

}  // namespace

std::string encode_announce_reply(const AnnounceReply& reply, PeerListForm form) {
  BencodeWriter writer;
  writer.begin_dictionary();
  if (!reply.failure_reason.empty()) {
    writer.key("failure reason");
    writer.string(reply.failure_reason);
    if (reply.retry_never) {
      writer.key("retry in");
      writer.string("never");
    } else {
      write_count(writer, "retry in", reply.retry_in_minutes);
    }
    writer.end();
    return writer.take();
  }
  write_count(writer, "complete", reply.complete);
  write_count(writer, "downloaded", reply.downloaded);
  if (reply.external_ip) {
    writer.key("external ip");
    writer.string(address_bytes(*reply.external_ip));
  }
  write_count(writer, "incomplete", reply.incomplete);
  write_count(writer, "interval", reply.interval_s);
  write_count(writer, "min interval", reply.interval_min_s);
  write_peers(writer, reply, form);
  if (!reply.rack.empty()) {
    writer.key("rack");
    writer.string(reply.rack);
  }
  if (!reply.tracker_id.empty()) {
    writer.key("tracker id");
    writer.string(reply.tracker_id);
  }
  if (!reply.warning_message.empty()) {
    writer.key("warning message");
    writer.string(reply.warning_message);
  }
  writer.end();
  return writer.take();
}

Result<AnnounceReply> decode_announce_reply(std::span<const uint8_t> body) {
  const Result<BencodeValue> root = decode_bencode_prefix(body);
  if (!root || !root->is_dictionary()) {
    return refuse("is not a bencoded dictionary: is it a tracker?");
  }
  AnnounceReply reply;
  if (const auto reason = root->find_text("failure reason")) {
    reply.failure_reason = reason->empty() ? "no reason given" : text_for_people(*reason);
    reply.retry_in_minutes = find_count(*root, "retry in");
    reply.retry_never = root->find_text("retry in") == "never";
    return reply;
  }
  const std::optional<uint32_t> interval_s = find_count(*root, "interval");
  if (!interval_s) {
    return refuse("has no interval");
  }
  reply.interval_s = *interval_s;
  reply.interval_min_s = find_count(*root, "min interval");
  reply.complete = find_count(*root, "complete");
  reply.incomplete = find_count(*root, "incomplete");
  reply.downloaded = find_count(*root, "downloaded");
  if (const auto id = root->find_text("tracker id");
      id && id->size() <= limits::tracker_id_bytes_max) {
    reply.tracker_id = *id;
  }
  const std::string_view rack = root->find_text("rack").value_or("");
  reply.rack = is_rack_name(rack) ? rack : std::string_view();
  reply.warning_message = text_for_people(root->find_text("warning message").value_or(""));
  if (const auto external_ip = root->find_text("external ip")) {
    reply.external_ip = address_of(as_bytes_of(*external_ip));
  }
  if (Status status = read_peers(reply, *root); !status) {
    return fail(std::move(status.error()));
  }
  return reply;
}

}  // namespace murder::codec
