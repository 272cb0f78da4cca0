#include "tracker/peer_table.h"

#include <algorithm>
#include <memory>
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

// One in this many announces of a peer that did not answer leads to another try.
constexpr uint32_t refused_tries = 8;

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

PeerTable::PeerTable(const PeerTable& other)
    : options_(other.options_),
      ledger_(other.ledger_),
      proofs_(other.proofs_),
      swarms_(other.swarms_),
      largest_swarm_(other.largest_swarm_),
      record_count_(other.record_count_),
      completed_id_count_(other.completed_id_count_),
      sweep_at_(other.sweep_at_),
      events_(other.events_) {
  for (auto& [info_hash, swarm] : swarms_) {
    swarm.count_in(&ledger_);
  }
}

PeerTable& PeerTable::operator=(const PeerTable& other) {
  if (this != &other) {
    std::destroy_at(this);
    std::construct_at(this, other);
  }
  return *this;
}

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
  size_t bytes = sizeof(*this) + ledger_.memory_bytes();
  for (const auto& [info_hash, swarm] : swarms_) {
    bytes += swarm.memory_bytes();
  }
  return bytes;
}

void PeerTable::forget(std::map<InfoHash, Swarm>::iterator swarm) {
  completed_id_count_ -= swarm->second.completed_id_count();
  record_count_ -= swarm->second.record_count();
  swarm->second.drop_all();
  ledger_.update(swarm->second.made_by, [](SourceHolds& holds) { --holds.swarm_count; });
  swarms_.erase(swarm);
}

Swarm* PeerTable::find_mutable(const InfoHash& info_hash) {
  const auto found = swarms_.find(info_hash);
  return found == swarms_.end() ? nullptr : &found->second;
}

Swarm* PeerTable::make(const InfoHash& info_hash, SourceKey source, Instant now, Prng& prng) {
  if (swarms_.size() >= options_.swarms_max && !make_room_for_swarm(source, prng)) {
    return nullptr;
  }
  Swarm& swarm = swarms_.emplace(info_hash, Swarm(options_.hash_seed, &ledger_)).first->second;
  swarm.made_at = now;
  swarm.made_by = source;
  ledger_.update(source, [](SourceHolds& holds) { ++holds.swarm_count; });
  return &swarm;
}

// An announce that comes sooner than any peer is told to does not count as one more of its kind.
void PeerTable::look_at_known(const Swarm& swarm, Taken& taken) const {
  const PeerRecord* const known = swarm.find_record(taken.address.endpoint);
  if (known == nullptr || known->id != taken.request.peer_id) {
    return;
  }
  const bool is_soon = taken.now - known->last_announce < limits::announce_soonest;
  taken.is_new = !options_.proves || !is_soon;
  taken.is_known = !is_soon && taken.request.left_bytes > 0;
  taken.is_stalled =
      taken.is_known && known->left_bytes <= std::min(taken.request.left_bytes, left_bytes_max);
}

Standing PeerTable::standing_for(const PeerRecord* known, const PeerRecord& record,
                                 bool is_foreign) const {
  if (!options_.proves) {
    return Standing::usual;
  }
  if (known != nullptr && known->source_hash == record.source_hash) {
    return known->standing;
  }
  if (is_foreign) {
    return Standing::hidden;
  }
  return ledger_.holds(record.source).usual_count < limits::usual_records_per_source
             ? Standing::usual
             : Standing::behind;
}

void PeerTable::put(Swarm& swarm, PeerRecord record, std::string_view rack, const Taken& taken,
                    Prng& prng) {
  const PeerRecord* const known = swarm.find_record(record.endpoint);
  const bool is_foreign = record.is_alias || record.endpoint.address != taken.caller.remote;
  record.standing = standing_for(known, record, is_foreign);
  if (record.standing == Standing::hidden) {
    record.expires_at = std::min(record.expires_at, taken.now + limits::hidden_lifetime_max);
    record.grace_s = 0;
    if (known == nullptr && !make_room_for_hidden(swarm, record.source, prng)) {
      return;
    }
  }
  // A peer that did not answer is tried again now and then.
  record.is_refused = known != nullptr && known->is_refused;
  const bool is_due = !record.is_refused || prng.below(refused_tries) == 0;
  record_count_ += swarm.put(record, rack) ? 1 : 0;
  const bool is_one_of_many = ledger_.holds(record.source).record_count > 1;
  if (options_.proves && record.standing != Standing::proven && is_due &&
      (is_foreign || is_one_of_many)) {
    (void)proofs_.add({.info_hash = taken.request.info_hash,
                       .endpoint = record.endpoint,
                       .source = record.source,
                       .is_foreign = is_foreign},
                      ledger_);
  }
}

void PeerTable::proof_ended(const Proof& proof, bool is_answered) {
  ProofQueue::ended(proof, ledger_);
  Swarm* const swarm = find_mutable(proof.info_hash);
  const PeerRecord* const record = swarm == nullptr ? nullptr : swarm->find_record(proof.endpoint);
  if (record == nullptr || record->source != proof.source) {
    return;
  }
  const Standing refused =
      record->standing == Standing::usual ? Standing::behind : record->standing;
  swarm->set_standing(proof.endpoint, is_answered ? Standing::proven : refused, !is_answered);
}

void PeerTable::renew(Swarm& swarm, const Taken& taken, Prng& prng) {
  const codec::AnnounceRequest& request = taken.request;
  const bool own_kind = is_own_kind(request.peer_id);
  const Duration lifetime = peer_lifetime(own_kind, taken.interval);
  const PeerRecord* const known = swarm.find_record(taken.address.endpoint);
  // A stock client does not say it: what it had when it came it did not fetch here.
  const bool is_stock_source =
      !own_kind && request.left_bytes == 0 && (known == nullptr || known->is_source);
  PeerRecord record{.id = request.peer_id,
                    .endpoint = taken.address.endpoint,
                    .is_source = request.left_bytes == 0 && (request.is_source || is_stock_source),
                    .left_bytes = std::min(request.left_bytes, left_bytes_max),
                    .expires_at = taken.now + lifetime,
                    .host = presentable_name(request.host, limits::tracker_host_name_bytes_max),
                    .grace_s = static_cast<uint16_t>(
                        seconds_in(lifetime - overdue_after(own_kind, taken.interval))),
                    .source_hash = swarm.source_of(taken.caller.remote),
                    .source = taken.source,
                    .last_announce = taken.now};
  put(swarm, record, rack_of(request, taken.address), taken, prng);
  const bool has_room = record_count_ < options_.peers_max;
  if (taken.address.alias && (has_room || swarm.contains(*taken.address.alias))) {
    record.endpoint = *taken.address.alias;
    record.is_alias = true;
    put(swarm, record, {}, taken, prng);
  }
  const uint32_t completed_before = swarm.counts().completed_count;
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
  if (swarm.counts().completed_count > completed_before) {
    note_host(TrackerEventKind::host_done, swarm, taken);
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

void PeerTable::fill_reply(Swarm& swarm, const Taken& taken, Prng& prng,
                           codec::AnnounceReply& reply) const {
  const codec::AnnounceRequest& request = taken.request;
  const Swarm::Asker asker{.id = request.peer_id,
                           .endpoint = taken.address.endpoint,
                           .is_seeder = request.left_bytes == 0};
  if (request.neighbour_count && swarm.contains(asker.endpoint)) {
    swarm.hand_out_neighbours(
        asker,
        {.neighbour_count = *request.neighbour_count,
         .wanted_max = request.peers_wanted.value_or(limits::peers_per_reply_max),
         .tracker_count = request.tracker_count,
         .is_new = taken.is_new,
         .is_known = taken.is_known,
         .is_stalled = taken.is_stalled},
        taken.now, prng, reply.peers);
    reply.rack = is_rack_name(request.rack) ? std::string_view() : rack_of(request, taken.address);
  } else {
    fill_peers(swarm, asker, request.peers_wanted.value_or(limits::peers_per_reply_default),
               taken.now, prng, reply);
  }
  for (codec::AnnouncePeer& peer : reply.peers) {
    peer.endpoint = endpoint_for(taken.caller, peer.endpoint);
  }
}

void PeerTable::announce(const codec::AnnounceRequest& request, const Caller& caller, Instant now,
                         Prng& prng, codec::AnnounceReply& reply) {
  if (request.port == 0) {
    refuse(reply, "port 0 cannot be reached: announce the port you listen on", std::nullopt);
    return;
  }
  const IpAddress& remote = caller.remote;
  Taken taken{.request = request,
              .caller = caller,
              .address = announcer_address(request, remote),
              .source = source_key(remote, options_.hash_seed),
              .now = now};
  AnnouncerAddress& address = taken.address;
  const bool is_leaving = request.event == codec::AnnounceEvent::stopped;
  bool is_new_release = false;
  Swarm* swarm = find_mutable(request.info_hash);
  if (swarm != nullptr) {
    // What another host holds is not had by naming it.
    if (!swarm->may_speak_for(address.endpoint, remote, now)) {
      address = {.endpoint = {.address = remote, .port = request.port}, .alias = {}};
    }
    if (address.alias && !swarm->may_speak_for(*address.alias, remote, now)) {
      address.alias.reset();
    }
    look_at_known(*swarm, taken);
  }
  if (!is_leaving) {
    const bool is_known = swarm != nullptr && swarm->contains(address.endpoint);
    if (!is_known && record_count_ >= options_.peers_max &&
        !make_room_for_record(taken.source, prng)) {
      note_refused(taken);
      refuse(reply, "this tracker is full: it knows as many peers as it can", 1);
      return;
    }
    is_new_release = swarm == nullptr;
    swarm = swarm == nullptr ? make(request.info_hash, taken.source, now, prng) : swarm;
    if (swarm == nullptr) {
      note_refused(taken);
      refuse(reply, "this tracker is full: it serves as many releases as it can", 1);
      return;
    }
  }
  const bool tells_progress = is_own_kind(request.peer_id) && request.left_bytes > 0;
  taken.interval = spread_interval(announce_interval(record_count_, tells_progress), prng);
  begin_reply(reply, taken.interval, remote);
  if (swarm == nullptr) {
    return;
  }
  swarm->last_announce = now;
  if (is_leaving) {
    forget(*swarm, request.peer_id, address);
  } else {
    renew(*swarm, taken, prng);
    if (is_new_release) {
      note_host(TrackerEventKind::release_announced, *swarm, taken);
    }
    fill_reply(*swarm, taken, prng, reply);
  }
  sweep_swarm(request.info_hash, *swarm, now, sweep_records_per_announce);
  swarm->pace.note(swarm->delivered_bytes(), swarm->counts().leecher_count, now);
  reply.complete = swarm->counts().seeder_count;
  reply.incomplete = swarm->counts().leecher_count;
  reply.downloaded = swarm->counts().completed_count;
}

void PeerTable::sweep(Instant now, uint32_t budget) {
  note_largest_swarm();
  // Each swarm at most once a call: a full round ends it although budget is left.
  for (uint32_t visits_left = swarm_count(); visits_left > 0 && budget > 0; --visits_left) {
    auto at = swarms_.lower_bound(sweep_at_);
    if (at == swarms_.end()) {
      at = swarms_.begin();
    }
    const Swarm::SweepResult result = sweep_swarm(at->first, at->second, now, budget);
    note_complete(at->first, at->second);
    at->second.pace.note(at->second.delivered_bytes(), at->second.counts().leecher_count, now);
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
