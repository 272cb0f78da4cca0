#include "tracker/peer_table.h"

#include <algorithm>
#include <string>

#include "engine/base/ensure.h"
#include "engine/base/rack.h"
#include "engine/codec/bounds.h"
#include "tracker/bounds.h"
#include "tracker/interval_policy.h"
#include "tracker/neighbour_plan.h"
#include "tracker/text.h"

namespace murder::tracker {

namespace {

// Records looked at for expiry by each announce: a swarm whose peers all keep their intervals is
// swept four times an interval.
constexpr uint32_t sweep_records_per_announce = 4;

// A client may say any number; the sum over all peers must not overflow.
constexpr uint64_t left_bytes_max = uint64_t{1} << 44U;
static_assert(limits::tracker_peers_max <= (1U << 19U));

void refuse(codec::AnnounceReply& reply, std::string reason,
            std::optional<uint32_t> retry_minutes) {
  reply = {};
  reply.failure_reason = std::move(reason);
  reply.retry_in_minutes = retry_minutes;
  reply.retry_never = !retry_minutes.has_value();
}

uint32_t seconds_in(Duration duration) {
  return static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

// Everything but the peers' storage is set anew.
void begin_reply(codec::AnnounceReply& reply, Duration interval, const IpAddress& remote) {
  std::vector<codec::AnnouncePeer> peers = std::move(reply.peers);
  peers.clear();
  reply = {};
  reply.peers = std::move(peers);
  reply.interval_s = seconds_in(interval);
  reply.interval_min_s = seconds_in(interval / 2);
  reply.complete = 0;
  reply.incomplete = 0;
  reply.downloaded = 0;
  reply.external_ip = remote;
}

}  // namespace

const Swarm* PeerTable::find(const InfoHash& info_hash) const {
  const auto found = swarms_.find(info_hash);
  return found == swarms_.end() ? nullptr : &found->second;
}

SwarmCounts PeerTable::totals() const {
  SwarmCounts totals;
  for (const auto& [info_hash, swarm] : swarms_) {
    totals.seeder_count += swarm.counts().seeder_count;
    totals.leecher_count += swarm.counts().leecher_count;
    totals.completed_count += swarm.counts().completed_count;
    totals.left_bytes += swarm.counts().left_bytes;
  }
  return totals;
}

size_t PeerTable::memory_bytes() const {
  size_t bytes = sizeof(*this);
  for (const auto& [info_hash, swarm] : swarms_) {
    bytes += swarm.memory_bytes();
  }
  return bytes;
}

void PeerTable::forget(std::map<InfoHash, Swarm>::iterator swarm) {
  completed_id_count_ -= swarm->second.completed_id_count();
  swarms_.erase(swarm);
}

bool PeerTable::evict_an_empty_swarm() {
  auto oldest = swarms_.end();
  for (auto at = swarms_.begin(); at != swarms_.end(); ++at) {
    if (at->second.record_count() == 0 &&
        (oldest == swarms_.end() || at->second.last_announce < oldest->second.last_announce)) {
      oldest = at;
    }
  }
  if (oldest == swarms_.end()) {
    return false;
  }
  forget(oldest);
  return true;
}

Swarm* PeerTable::find_mutable(const InfoHash& info_hash) {
  const auto found = swarms_.find(info_hash);
  return found == swarms_.end() ? nullptr : &found->second;
}

Swarm* PeerTable::make(const InfoHash& info_hash) {
  if (swarms_.size() >= options_.swarms_max && !evict_an_empty_swarm()) {
    return nullptr;
  }
  return &swarms_.emplace(info_hash, Swarm(options_.hash_seed)).first->second;
}

void PeerTable::renew(Swarm& swarm, const codec::AnnounceRequest& request,
                      const AnnouncerAddress& address, const IpAddress& remote, Instant now,
                      Duration interval) {
  const bool own_kind = is_own_kind(request.peer_id);
  const Duration lifetime = peer_lifetime(own_kind, interval);
  PeerRecord record{
      .id = request.peer_id,
      .endpoint = address.endpoint,
      .left_bytes = std::min(request.left_bytes, left_bytes_max),
      .expires_at = now + lifetime,
      .host = presentable_name(request.host, limits::tracker_host_name_bytes_max),
      .grace_s = static_cast<uint16_t>(seconds_in(lifetime - overdue_after(own_kind, interval))),
      .source_hash = swarm.source_of(remote)};
  record_count_ += swarm.put(record, rack_of(request, address)) ? 1 : 0;
  const bool has_room = record_count_ < options_.peers_max;
  if (address.alias && (has_room || swarm.contains(*address.alias))) {
    record.endpoint = *address.alias;
    record.is_alias = true;
    record_count_ += swarm.put(record) ? 1 : 0;
  }
  if (request.event == codec::AnnounceEvent::completed) {
    const bool has_id_room = completed_id_count_ < options_.completed_ids_max;
    completed_id_count_ += swarm.count_completed(request.peer_id, has_id_room) ? 1 : 0;
  }
  if (swarm.name.empty() && !request.name.empty()) {
    swarm.name = presentable_name(request.name, limits::tracker_swarm_name_bytes_max);
  }
  if (swarm.total_bytes == 0 && request.total_bytes) {
    swarm.total_bytes = std::min(*request.total_bytes, left_bytes_max);
  }
}

// What a peer says of itself counts first: the table is for those that do not know.
std::string_view PeerTable::rack_of(const codec::AnnounceRequest& request,
                                    const AnnouncerAddress& address) const {
  return is_rack_name(request.rack) ? std::string_view(request.rack)
                                    : options_.racks.find(address.endpoint.address);
}

void PeerTable::fill_peers(const Swarm& swarm, const Swarm::Asker& asker, uint32_t peers_wanted,
                           Instant now, Prng& prng, codec::AnnounceReply& reply) const {
  const Family own = asker.endpoint.address.is_v4() ? Family::v4 : Family::v6;
  const Family other = own == Family::v4 ? Family::v6 : Family::v4;
  const FamilyShares shares =
      share_families(std::min(peers_wanted, limits::peers_per_reply_max),
                     swarm.candidate_count(asker, own), swarm.candidate_count(asker, other));
  reply.peers.resize(shares.own_count + shares.other_count);
  const std::span<codec::AnnouncePeer> room(reply.peers);
  uint32_t count = swarm.hand_out(asker, own, now, prng, room.first(shares.own_count));
  count += swarm.hand_out(asker, other, now, prng, room.subspan(count, shares.other_count));
  reply.peers.resize(count);
}

void PeerTable::forget(Swarm& swarm, const PeerId& id, const AnnouncerAddress& address) {
  record_count_ -= swarm.remove(address.endpoint, id) ? 1 : 0;
  if (address.alias) {
    record_count_ -= swarm.remove(*address.alias, id) ? 1 : 0;
  }
}

void PeerTable::announce(const codec::AnnounceRequest& request, const Caller& caller, Instant now,
                         Prng& prng, codec::AnnounceReply& reply) {
  const IpAddress& remote = caller.remote;
  if (request.port == 0) {
    refuse(reply, "port 0 cannot be reached: announce the port you listen on", std::nullopt);
    return;
  }
  AnnouncerAddress address = announcer_address(request, remote);
  const bool is_leaving = request.event == codec::AnnounceEvent::stopped;
  Swarm* swarm = find_mutable(request.info_hash);
  if (swarm != nullptr) {
    // What another host holds is not had by naming it.
    if (!swarm->may_speak_for(address.endpoint, remote, now)) {
      address = {.endpoint = {.address = remote, .port = request.port}, .alias = {}};
    }
    if (address.alias && !swarm->may_speak_for(*address.alias, remote, now)) {
      address.alias.reset();
    }
  }
  if (!is_leaving) {
    const bool is_known = swarm != nullptr && swarm->contains(address.endpoint);
    if (!is_known && record_count_ >= options_.peers_max) {
      refuse(reply, "this tracker is full: it knows as many peers as it can", 1);
      return;
    }
    swarm = swarm == nullptr ? make(request.info_hash) : swarm;
    if (swarm == nullptr) {
      refuse(reply, "this tracker is full: it serves as many releases as it can", 1);
      return;
    }
  }
  const bool tells_progress = is_own_kind(request.peer_id) && request.left_bytes > 0;
  const Duration interval = spread_interval(announce_interval(record_count_, tells_progress), prng);
  begin_reply(reply, interval, remote);
  if (swarm == nullptr) {
    return;
  }
  swarm->last_announce = now;
  if (is_leaving) {
    forget(*swarm, request.peer_id, address);
  } else {
    renew(*swarm, request, address, remote, now, interval);
    const Swarm::Asker asker{
        .id = request.peer_id, .endpoint = address.endpoint, .is_seeder = request.left_bytes == 0};
    if (request.neighbour_count) {
      swarm->hand_out_neighbours(asker, *request.neighbour_count,
                                 request.peers_wanted.value_or(limits::peers_per_reply_max), now,
                                 prng, reply.peers);
      reply.rack = is_rack_name(request.rack) ? std::string_view() : rack_of(request, address);
    } else {
      fill_peers(*swarm, asker, request.peers_wanted.value_or(limits::peers_per_reply_default), now,
                 prng, reply);
    }
    for (codec::AnnouncePeer& peer : reply.peers) {
      peer.endpoint = endpoint_for(caller, peer.endpoint);
    }
  }
  record_count_ -= swarm->sweep(now, sweep_records_per_announce).dropped_count;
  reply.complete = swarm->counts().seeder_count;
  reply.incomplete = swarm->counts().leecher_count;
  reply.downloaded = swarm->counts().completed_count;
}

void PeerTable::sweep(Instant now, uint32_t budget) {
  // Each swarm at most once a call: a full round ends it although budget is left.
  for (uint32_t visits_left = swarm_count(); visits_left > 0 && budget > 0; --visits_left) {
    auto at = swarms_.lower_bound(sweep_at_);
    if (at == swarms_.end()) {
      at = swarms_.begin();
    }
    const Swarm::SweepResult result = at->second.sweep(now, budget);
    record_count_ -= result.dropped_count;
    budget -= std::min(budget, std::max<uint32_t>(1, result.checked_count));
    sweep_at_ = at->first;
    if (!result.pass_done) {
      return;  // out of budget within this swarm
    }
    const auto next = std::next(at);
    if (at->second.record_count() == 0 &&
        at->second.last_announce + limits::empty_swarm_lifetime <= now) {
      forget(at);
    }
    sweep_at_ = next == swarms_.end() ? InfoHash{} : next->first;
  }
}

}  // namespace murder::tracker
