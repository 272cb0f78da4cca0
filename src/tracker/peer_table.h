// All swarms of a tracker and what it answers to announces. Pure: time and randomness are
// arguments; the same calls give the same answers.
//
// Bounded by limits::tracker_swarms_max and limits::tracker_peers_max: beyond these a newcomer is
// refused with a failure reason and a time to retry, and who is known already goes on. Each
// announce also looks at a few records of its swarm for expired ones, and `sweep` at all of them in
// turn. A swarm without peers is forgotten after limits::empty_swarm_lifetime, or sooner when its
// room is needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "engine/base/instant.h"
#include "engine/base/prng.h"
#include "engine/base/types.h"
#include "engine/codec/announce.h"
#include "tracker/announcer_address.h"
#include "tracker/bounds.h"
#include "tracker/rack_table.h"
#include "tracker/swarm.h"

namespace murder::tracker {

struct PeerTableOptions {
  uint64_t hash_seed = 0;  // random in a process, so that nobody aims at one hash chain
  uint32_t swarms_max = limits::tracker_swarms_max;
  uint32_t peers_max = limits::tracker_peers_max;
  uint32_t completed_ids_max = limits::tracker_completed_ids_max;
  RackTable racks;  // where hosts stand that do not say it themselves
};

class PeerTable {
 public:
  explicit PeerTable(PeerTableOptions options) : options_(std::move(options)) {}

  // Takes an announce and fills `reply`, whose storage is reused. A peer that tells how many
  // neighbours it has gets a place in the graph (Swarm::hand_out_neighbours), any other as many
  // peers as it wants, drawn at random.
  void announce(const codec::AnnounceRequest& request, const Caller& caller, Instant now,
                Prng& prng, codec::AnnounceReply& reply);

  // nullptr when no such swarm is known.
  [[nodiscard]] const Swarm* find(const InfoHash& info_hash) const;

  // visit(info_hash, swarm) for each swarm in the order of info hashes, until it returns false.
  template <typename Visit>
  void each_swarm(Visit&& visit) const {
    for (const auto& [info_hash, swarm] : swarms_) {
      if (!visit(info_hash, swarm)) {
        return;
      }
    }
  }

  // Looks at up to `budget` further records (a swarm counts as one at the least) and drops what
  // expired; each call goes on where the last one ended.
  void sweep(Instant now, uint32_t budget);

  [[nodiscard]] uint32_t swarm_count() const { return static_cast<uint32_t>(swarms_.size()); }
  [[nodiscard]] uint32_t record_count() const { return record_count_; }
  [[nodiscard]] SwarmCounts totals() const;
  [[nodiscard]] size_t memory_bytes() const;

 private:
  // Both: nullptr when there is none, or no room for it.
  Swarm* find_mutable(const InfoHash& info_hash);
  Swarm* make(const InfoHash& info_hash);
  bool evict_an_empty_swarm();
  void forget(std::map<InfoHash, Swarm>::iterator swarm);
  void renew(Swarm& swarm, const codec::AnnounceRequest& request, const AnnouncerAddress& address,
             const IpAddress& remote, Instant now, Duration interval);
  void forget(Swarm& swarm, const PeerId& id, const AnnouncerAddress& address);
  void fill_peers(const Swarm& swarm, const Swarm::Asker& asker, uint32_t peers_wanted, Instant now,
                  Prng& prng, codec::AnnounceReply& reply) const;
  [[nodiscard]] std::string_view rack_of(const codec::AnnounceRequest& request,
                                         const AnnouncerAddress& address) const;

  PeerTableOptions options_;
  std::map<InfoHash, Swarm> swarms_;
  uint32_t record_count_ = 0;
  uint32_t completed_id_count_ = 0;  // of all swarms
  InfoHash sweep_at_;
};

}  // namespace murder::tracker
