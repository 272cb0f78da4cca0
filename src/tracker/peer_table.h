// All swarms of a tracker and what it answers to announces. Pure: time and randomness are
// arguments; the same calls give the same answers.
//
// Bounded by limits::tracker_swarms_max and limits::tracker_peers_max. Room is shared by source
// (sources.h): when all is taken, a newcomer gets that of a source which has more, and only when
// there is none it is refused, with a failure reason and a time to retry. A known peer
// continues. What a peer says of itself is not told to others before it was proven: an address that
// is not its source's at all, the many peers of one source only when there are no others. Each
// announce also looks at a few records of its swarm for expired ones, and `sweep` at all of them in
// turn. A swarm without peers is forgotten after limits::empty_swarm_lifetime, or sooner when its
// room is needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "engine/base/instant.h"
#include "engine/base/prng.h"
#include "engine/base/types.h"
#include "engine/codec/announce.h"
#include "tracker/announcer_address.h"
#include "tracker/bounds.h"
#include "tracker/event_log.h"
#include "tracker/proofs.h"
#include "tracker/rack_table.h"
#include "tracker/swarm.h"

namespace murder::tracker {

struct PeerTableOptions {
  uint64_t hash_seed = 0;  // random in a process, so that nobody aims at one hash chain
  uint32_t swarms_max = limits::tracker_swarms_max;
  uint32_t peers_max = limits::tracker_peers_max;
  uint32_t completed_ids_max = limits::tracker_completed_ids_max;
  // Somebody dials what next_proof() says; without, all that peers say is trusted.
  bool proves = false;
  RackTable racks;            // where hosts stand that do not say it themselves
  bool keeps_events = false;  // for take_events()
};

class PeerTable {
 public:
  explicit PeerTable(PeerTableOptions options)
      : options_(std::move(options)), events_(options_.keeps_events) {}
  PeerTable(const PeerTable& other);
  PeerTable& operator=(const PeerTable& other);
  ~PeerTable() = default;

  // Takes an announce and fills `reply`, whose storage is reused. A peer that tells how many
  // neighbours it has gets a place in the graph (Swarm::hand_out_neighbours), any other as many
  // peers as it wants, drawn at random.
  void announce(const codec::AnnounceRequest& request, const Caller& caller, Instant now,
                Prng& prng, codec::AnnounceReply& reply);

  // A peer to be dialled back, until proof_ended() tells whether one of its swarm answered there.
  [[nodiscard]] std::optional<Proof> next_proof(Prng& prng) { return proofs_.next(prng); }
  void proof_ended(const Proof& proof, bool is_answered);
  // It could not be dialled now: the peer's next announce asks for it again.
  void proof_put_off(const Proof& proof) { ProofQueue::ended(proof, ledger_); }
  [[nodiscard]] uint32_t proofs_waiting() const { return proofs_.waiting_count(); }
  // What a source holds: of tests.
  [[nodiscard]] SourceHolds holds(const IpAddress& remote) const {
    return ledger_.holds(source_key(remote, options_.hash_seed));
  }

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

  // What may change while it runs. Hosts get the rack of a new table with their next announce; what
  // is beyond a lower bound stays, and makes room for newcomers as in any full table.
  void set_racks(RackTable racks) { options_.racks = std::move(racks); }
  void set_bounds(uint32_t swarms_max, uint32_t peers_max);
  // Since the last call; nothing unless PeerTableOptions::keeps_events.
  [[nodiscard]] EventLog::Taken take_events() { return events_.take(); }

  [[nodiscard]] uint32_t swarm_count() const { return static_cast<uint32_t>(swarms_.size()); }
  [[nodiscard]] uint32_t record_count() const { return record_count_; }
  [[nodiscard]] SwarmCounts totals() const;
  [[nodiscard]] size_t memory_bytes() const;

 private:
  // One announce while it is taken.
  struct Taken {
    const codec::AnnounceRequest& request;
    const Caller& caller;
    AnnouncerAddress address;
    SourceKey source = 0;
    Instant now;
    Duration interval{};
    bool is_new = true;       // the first of this peer, or not sooner than it was told
    bool is_known = false;    // it fetches, and was told of others before
    bool is_stalled = false;  // likewise, and it has no more than it had then
  };

  // Both: nullptr when there is none, or no room for it.
  Swarm* find_mutable(const InfoHash& info_hash);
  Swarm* make(const InfoHash& info_hash, SourceKey source, Instant now, Prng& prng);
  void note_largest_swarm();
  bool make_room_for_swarm(SourceKey source, Prng& prng);
  bool make_room_for_record(SourceKey source, Prng& prng);
  bool make_room_for_hidden(Swarm& swarm, SourceKey source, Prng& prng);
  void forget(std::map<InfoHash, Swarm>::iterator swarm);
  void look_at_known(const Swarm& swarm, Taken& taken) const;
  [[nodiscard]] Standing standing_for(const PeerRecord* known, const PeerRecord& record,
                                      bool is_foreign) const;
  void put(Swarm& swarm, PeerRecord record, std::string_view rack, const Taken& taken, Prng& prng);
  void renew(Swarm& swarm, const Taken& taken, Prng& prng);
  // The records of one swarm that expired, at most this many looked at.
  Swarm::SweepResult sweep_swarm(const InfoHash& info_hash, Swarm& swarm, Instant now,
                                 uint32_t budget);
  [[nodiscard]] TrackerEvent event_of(TrackerEventKind kind, const InfoHash& info_hash,
                                      const Swarm& swarm) const;
  void note_host(TrackerEventKind kind, const Swarm& swarm, const Taken& taken);
  void note_lost(const InfoHash& info_hash, const Swarm& swarm, uint32_t lost_count);
  void note_complete(const InfoHash& info_hash, Swarm& swarm);
  void note_refused(const Taken& taken);
  void fill_reply(Swarm& swarm, const Taken& taken, Prng& prng, codec::AnnounceReply& reply) const;
  void forget(Swarm& swarm, const PeerId& id, const AnnouncerAddress& address);
  void fill_peers(const Swarm& swarm, const Swarm::Asker& asker, uint32_t peers_wanted, Instant now,
                  Prng& prng, codec::AnnounceReply& reply) const;
  [[nodiscard]] std::string_view rack_of(const codec::AnnounceRequest& request,
                                         const AnnouncerAddress& address) const;

  PeerTableOptions options_;
  SourceLedger ledger_;
  ProofQueue proofs_;
  std::map<InfoHash, Swarm> swarms_;
  InfoHash largest_swarm_;  // as of the last sweep
  uint32_t record_count_ = 0;
  uint32_t completed_id_count_ = 0;  // of all swarms
  InfoHash sweep_at_;
  EventLog events_;
};

}  // namespace murder::tracker
