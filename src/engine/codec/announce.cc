#include "engine/codec/announce.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "engine/base/rack.h"
#include "engine/codec/bounds.h"
#include "engine/codec/query.h"

namespace murder::codec {
namespace {

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

std::string_view event_name(AnnounceEvent event) {
  switch (event) {
    case AnnounceEvent::started:
      return "started";
    case AnnounceEvent::stopped:
      return "stopped";
    case AnnounceEvent::completed:
      return "completed";
    case AnnounceEvent::none:
      break;
  }
  return "";
}

AnnounceEvent event_of(std::string_view name) {
  for (const AnnounceEvent event :
       {AnnounceEvent::started, AnnounceEvent::stopped, AnnounceEvent::completed}) {
    if (name == event_name(event)) {
      return event;
    }
  }
  return AnnounceEvent::none;
}

// BEP 7: an address, or an address and a port.
std::optional<Endpoint> parse_endpoint(std::string_view text, bool is_v4) {
  const std::optional<HostPort> place = HostPort::parse(text, 0);
  const std::optional<IpAddress> address = place ? IpAddress::parse(place->host) : std::nullopt;
  if (!address || address->is_v4() != is_v4) {
    return std::nullopt;
  }
  return Endpoint{*address, place->port};
}

std::string endpoint_text(const Endpoint& endpoint) {
  return endpoint.port == 0 ? endpoint.address.text() : endpoint.text();
}

tl::unexpected<Error> refuse(std::string_view key) {
  return fail(ErrorCode::invalid_input, fmt::format("malformed {}", key));
}

enum RequiredKey : uint8_t {
  has_info_hash = 1,
  has_peer_id = 2,
  has_port = 4,
  has_left = 8,
};

// Reads one of the keys an announce must have. False when it is another key.
Result<bool> read_required(AnnounceRequest& request, uint8_t& seen, std::string_view key,
                           std::string_view value) {
  uint8_t which = 0;
  bool is_good = false;
  if (key == "info_hash") {
    which = has_info_hash;
    const std::optional<InfoHash> id = InfoHash::from_bytes(as_bytes_of(value));
    is_good = id.has_value();
    request.info_hash = id.value_or(InfoHash{});
  } else if (key == "peer_id") {
    which = has_peer_id;
    const std::optional<PeerId> id = PeerId::from_bytes(as_bytes_of(value));
    is_good = id.has_value();
    request.peer_id = id.value_or(PeerId{});
  } else if (key == "port") {
    which = has_port;
    const std::optional<uint16_t> port = parse_number<uint16_t>(value);
    is_good = port.has_value();
    request.port = port.value_or(0);
  } else if (key == "left") {
    which = has_left;
    const std::optional<uint64_t> left = parse_number<uint64_t>(value);
    is_good = left.has_value();
    request.left_bytes = left.value_or(0);
  } else {
    return false;
  }
  if (!is_good) {
    return refuse(key);
  }
  if ((seen & which) != 0) {
    return fail(ErrorCode::invalid_input, fmt::format("{} twice", key));
  }
  seen = static_cast<uint8_t>(seen | which);
  return true;
}

// What is malformed here is taken as absent.
void read_optional(AnnounceRequest& request, std::string_view key, std::string_view value) {
  if (key == "uploaded") {
    request.uploaded_bytes = parse_number<uint64_t>(value).value_or(0);
  } else if (key == "downloaded") {
    request.downloaded_bytes = parse_number<uint64_t>(value).value_or(0);
  } else if (key == "event") {
    request.event = event_of(value);
  } else if (key == "numwant") {
    request.peers_wanted = parse_number<uint32_t>(value);
  } else if (key == "compact") {
    request.compact = value != "0";
  } else if (key == "no_peer_id") {
    request.no_peer_id = value == "1";
  } else if (key == "ip") {
    request.ip = IpAddress::parse(value);
  } else if (key == "ipv4") {
    request.ipv4 = parse_endpoint(value, true);
  } else if (key == "ipv6") {
    request.ipv6 = parse_endpoint(value, false);
  } else if (key == "key") {
    request.key = value;
  } else if (key == "trackerid") {
    request.tracker_id = value;
  } else if (key == "name") {
    request.name = value;
  } else if (key == "host") {
    request.host = value;
  } else if (key == "size") {
    request.total_bytes = parse_number<uint64_t>(value);
  } else if (key == "neighbours") {
    request.neighbour_count = parse_number<uint32_t>(value);
  } else if (key == "rack") {
    request.rack = is_rack_name(value) ? value : std::string_view();
  } else if (key == "trackers") {
    request.tracker_count = std::clamp<uint32_t>(parse_number<uint32_t>(value).value_or(1), 1,
                                                 limits::announce_trackers_max);
  } else if (key == "source") {
    request.is_source = value == "1";
  }
}

Status check_required(uint8_t seen) {
  for (const auto& [which, key] :
       {std::pair{has_info_hash, "info_hash"}, std::pair{has_peer_id, "peer_id"},
        std::pair{has_port, "port"}, std::pair{has_left, "left"}}) {
    if ((seen & which) == 0) {
      return fail(ErrorCode::invalid_input, fmt::format("no {}", key));
    }
  }
  return {};
}

}  // namespace

std::string encode_announce_query(const AnnounceRequest& request) {
  std::string query;
  append_query(query, "info_hash", as_text_of(request.info_hash.bytes));
  append_query(query, "peer_id", as_text_of(request.peer_id.bytes));
  append_query(query, "port", std::to_string(request.port));
  append_query(query, "uploaded", std::to_string(request.uploaded_bytes));
  append_query(query, "downloaded", std::to_string(request.downloaded_bytes));
  append_query(query, "left", std::to_string(request.left_bytes));
  append_query(query, "compact", request.compact ? "1" : "0");
  if (request.no_peer_id) {
    append_query(query, "no_peer_id", "1");
  }
  if (request.peers_wanted) {
    append_query(query, "numwant", std::to_string(*request.peers_wanted));
  }
  if (request.ip) {
    append_query(query, "ip", request.ip->text());
  }
  if (request.ipv4) {
    append_query(query, "ipv4", endpoint_text(*request.ipv4));
  }
  if (request.ipv6) {
    append_query(query, "ipv6", endpoint_text(*request.ipv6));
  }
  append_query_unless_empty(query, "event", event_name(request.event));
  append_query_unless_empty(query, "key", request.key);
  append_query_unless_empty(query, "trackerid", request.tracker_id);
  append_query_unless_empty(query, "name", request.name);
  append_query_unless_empty(query, "host", request.host);
  if (request.total_bytes) {
    append_query(query, "size", std::to_string(*request.total_bytes));
  }
  if (request.neighbour_count) {
    append_query(query, "neighbours", std::to_string(*request.neighbour_count));
  }
  append_query_unless_empty(query, "rack", request.rack);
  if (request.tracker_count > 1) {
    append_query(query, "trackers", std::to_string(request.tracker_count));
  }
  if (request.is_source) {
    append_query(query, "source", "1");
  }
  return query;
}

Result<AnnounceRequest> decode_announce_query(std::string_view query) {
  AnnounceRequest request;
  uint8_t seen = 0;
  QueryPairs pairs(query);
  while (const std::optional<QueryPair> pair = pairs.next()) {
    const Result<std::string> value = percent_decode(pair->value);
    if (!value) {
      return refuse(pair->key.substr(0, 64));
    }
    Result<bool> is_required = read_required(request, seen, pair->key, *value);
    if (!is_required) {
      return fail(std::move(is_required.error()));
    }
    if (!*is_required) {
      read_optional(request, pair->key, *value);
    }
  }
  if (Status status = check_required(seen); !status) {
    return fail(std::move(status.error()));
  }
  return request;
}

std::string announce_target(const Url& tracker, const AnnounceRequest& request) {
  std::string target = tracker.target();
  target.push_back(tracker.query.empty() ? '?' : '&');
  return target + encode_announce_query(request);
}

}  // namespace murder::codec
