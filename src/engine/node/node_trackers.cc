// What a node has to say to trackers, and what it hears from them.
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/printable.h"
#include "engine/codec/bounds.h"
#include "engine/codec/url.h"
#include "engine/node/bounds.h"
#include "engine/node/node.h"

namespace murder::node {

std::vector<std::string> tracker_urls(const codec::Metainfo& metainfo) {
  std::vector<std::string> urls;
  for (const std::vector<std::string>& tier : metainfo.tracker_tiers) {
    for (const std::string& url : tier) {
      if (urls.size() < limits::trackers_max && codec::Url::parse(url) &&
          std::find(urls.begin(), urls.end(), url) == urls.end()) {
        urls.push_back(url);
      }
    }
  }
  return urls;
}

Error no_tracker_error() {
  return {ErrorCode::invalid_input,
          "the torrent names no http:// or https:// tracker to ask for peers: make it with `murder "
          "create --tracker HOST:PORT`"};
}

std::string unusable_trackers_text(const codec::Metainfo& metainfo) {
  constexpr size_t named_max = 3;
  std::string names;
  size_t count = 0;
  for (const std::vector<std::string>& tier : metainfo.tracker_tiers) {
    for (const std::string& url : tier) {
      if (!codec::Url::parse(url) && count++ < named_max) {
        names += (names.empty() ? "" : ", ") + printable_value(url.substr(0, 200));
      }
    }
  }
  if (count == 0) {
    return {};
  }
  return fmt::format("only http:// and https:// trackers can be asked: passing over {}{}", names,
                     count > named_max ? fmt::format(" and {} more", count - named_max) : "");
}

void Node::start_tracker_client() {
  if (const std::string text = unusable_trackers_text(metainfo_); !text.empty()) {
    observer_.node_notice(text);
  }
  TrackerClientOwner& owner = *this;
  trackers_ =
      std::make_unique<TrackerClient>(reactor_, owner,
                                      TrackerClientOptions{.urls = tracker_urls(metainfo_),
                                                           .bind_address = source_,
                                                           .fleet_keys = options_.fleet_keys,
                                                           .pins = options_.pins,
                                                           .seed = prng_.next()});
  trackers_->start();
}

codec::AnnounceRequest Node::announce_request() {
  const NodeProgress now = progress();
  return {.info_hash = options_.info_hash,
          .peer_id = peer_id_,
          .port = listens_on_.port,
          .uploaded_bytes = now.stats.uploaded_bytes,
          .downloaded_bytes = now.stats.downloaded_bytes,
          .left_bytes = now.total_bytes - now.have_bytes,
          .peers_wanted = phase_ == NodePhase::stopping ? 0 : limits::peers_per_reply_default,
          .ip = options_.ip,
          .name = options_.name,
          .host = options_.host_label,
          .total_bytes = now.total_bytes,
          .neighbour_count = now.stats.neighbour_count,
          .rack = options_.rack,
          .is_source = options_.serve_only};
}

// Once: neighbours were told.
void Node::rack_told(const std::string& rack) {
  if (!options_.rack.empty() || phase_ == NodePhase::stopping || phase_ == NodePhase::stopped) {
    return;
  }
  options_.rack = rack;
  broadcast({UINT32_MAX}, from_home::RackTold{options_.rack});
}

void Node::peers_found(std::span<const codec::AnnouncePeer> peers) {
  if (phase_ == NodePhase::stopping || phase_ == NodePhase::stopped) {
    return;
  }
  // More than a tracker of ours tells is nothing that we could use.
  for (const codec::AnnouncePeer& peer :
       peers.first(std::min<size_t>(peers.size(), limits::peers_per_reply_max))) {
    deliver({next_shard_}, from_home::Candidate{peer.endpoint});
    next_shard_ = (next_shard_ + 1) % options_.shard_count;
  }
}

}  // namespace murder::node
