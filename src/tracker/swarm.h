// The peers of one release, as the tracker knows them. Pure: time and randomness are arguments.
//
// A peer is an endpoint: who announces again from the same address and port takes its own place,
// whatever its peer id. Records lie in flat groups (IPv4 or IPv6, leecher or seeder, and what is
// behind or hidden by itself), so that any of them is drawn in one step; an index finds the record
// of an endpoint, and a register who stands in a rack. A record ends by `remove`, or when it
// expired and `sweep` comes by; an expired record is never handed out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/endpoint.h"
#include "engine/base/instant.h"
#include "engine/base/prng.h"
#include "engine/base/types.h"
#include "engine/codec/announce.h"
#include "engine/codec/bounds.h"
#include "tracker/flat_index.h"
#include "tracker/lost_peers.h"
#include "tracker/peer_record.h"
#include "tracker/rack_register.h"
#include "tracker/sources.h"
#include "tracker/swarm_pace.h"

namespace murder::tracker {

struct SwarmCounts {
  uint32_t seeder_count = 0;
  uint32_t leecher_count = 0;
  uint32_t completed_count = 0;  // peers that said they finished, since the swarm is known
  uint64_t left_bytes = 0;       // of all leechers together
  uint32_t source_count = 0;     // of the seeders those that the release comes from
};

// How far the leechers of a swarm are, by what they told last.
struct SwarmProgress {
  struct Leecher {
    std::string host;
    Endpoint endpoint;
    uint64_t left_bytes = 0;
    std::string rack;  // empty: in none
  };
  struct Rack {
    std::string name;
    uint32_t seeder_count = 0;
    uint32_t leecher_count = 0;
    uint64_t left_bytes = 0;  // of its leechers together
  };
  uint32_t fetching_count = 0;  // leechers that are not overdue
  // [0]: has less than a tenth; all 0 while the release's size is not known.
  std::array<uint32_t, 10> leechers_by_tenth{};
  std::vector<Leecher> slowest;  // the most left to fetch first
  // Those that fell silent without a farewell, the last first.
  std::vector<LostPeer> lost;
  uint32_t lost_count = 0;  // also of those that are not listed
  std::vector<Rack> racks;  // likewise, then by name
  uint32_t rack_count = 0;  // also of those that are not listed
};

class Swarm {
 public:
  struct Asker {
    PeerId id;
    Endpoint endpoint;
    bool is_seeder = false;
  };

  struct SweepResult {
    uint32_t checked_count = 0;
    uint32_t dropped_count = 0;
    uint32_t lost_count = 0;  // of those: the last of lost_peers()
    bool pass_done = false;   // every record was looked at since the last time this was true
  };

  // The ledger counts what each source has here; nullptr: nobody does.
  explicit Swarm(uint64_t hash_seed, SourceLedger* ledger = nullptr)
      : hash_seed_(hash_seed), ledger_(ledger), racks_(hash_seed) {}

  // The same, of a copy: with a ledger that has all its records.
  void count_in(SourceLedger* ledger) { ledger_ = ledger; }

  [[nodiscard]] const SwarmCounts& counts() const { return counts_; }
  [[nodiscard]] uint32_t record_count() const { return index_.size(); }  // aliases included
  [[nodiscard]] bool contains(const Endpoint& endpoint) const;
  // nullptr when there is none. Valid until something changes.
  [[nodiscard]] const PeerRecord* find_record(const Endpoint& endpoint) const;
  [[nodiscard]] const PeerRecord& random_record(Prng& prng) const;         // there is one
  [[nodiscard]] const PeerRecord* random_hidden_record(Prng& prng) const;  // nullptr: none
  [[nodiscard]] size_t memory_bytes() const;

  // Adds the record, or puts it in place of the one with its endpoint. True when it was added. The
  // name of a rack is empty, or valid (base/rack.h).
  bool put(const PeerRecord& record, std::string_view rack = {});

  // Whether an announce from `remote` may put or remove the record of this endpoint: it is from
  // there, or from where the one before it was, or nobody kept the record alive.
  [[nodiscard]] bool may_speak_for(const Endpoint& endpoint, const IpAddress& remote,
                                   Instant now) const;
  [[nodiscard]] uint32_t source_of(const IpAddress& remote) const {
    return hash_of({.address = remote, .port = 0});
  }

  // Removes the record of this endpoint if it is this peer's: the farewell of a process that was
  // replaced at its port must not remove its successor. True when there was one.
  bool remove(const Endpoint& endpoint, const PeerId& id);

  // There is a record of this endpoint.
  void set_standing(const Endpoint& endpoint, Standing standing, bool is_refused);
  void drop_record(const Endpoint& endpoint);
  void drop_all();

  // Counts a peer that finished, once for each peer id that is remembered. Remembers this one when
  // there is room for it, and says whether it did.
  bool count_completed(const PeerId& id, bool has_room);
  [[nodiscard]] uint32_t completed_id_count() const { return completed_ids_.size(); }

  // Draws at most out.size() peers of a family, all different, each set of them equally likely;
  // never the asker, and seeders only for an asker that is none; those that are behind only when
  // there are no others. O(out.size()), whatever the swarm's size. At most
  // limits::peers_per_reply_max. Returns how many `out` now holds.
  uint32_t hand_out(const Asker& asker, Family family, Instant now, Prng& prng,
                    std::span<codec::AnnouncePeer> out) const;

  // Neighbours for a peer of ours, which has a record: what it lacks in a random, nearly regular
  // graph, at most `wanted_max` and limits::peers_per_reply_max, appended to `out`.
  //
  // To one that has none yet: all others in a very small swarm, else as many as it is to dial; in a
  // rack its mates and remote_to_dial from elsewhere (neighbour_bounds.h). To one that has few:
  // what it lacks. Each choice is random, the more likely the fewer neighbours a peer is counted
  // with,
  // and none that is full or overdue as long as there are others; a quarter is taken from those
  // that still fetch, and a quarter prefers who has more. In a small swarm it is told of the seeder
  // that was there first as long as that has room, and where it gets no further in any case: many
  // may call themselves so, but a release comes from there. Takes time in proportion to what is
  // handed out.
  struct Asking {
    uint32_t neighbour_count = 0;  // that it says it has
    uint32_t wanted_max = 0;
    uint32_t tracker_count = 1;  // that it asks: each tells of its share
    bool is_new = true;          // or announces as seldom as it was told to: what it is told counts
    bool is_known = false;       // it fetches, and was told of others before
    bool is_stalled = false;     // likewise, and it got nothing since
  };
  void hand_out_neighbours(const Asker& asker, const Asking& asking, Instant now, Prng& prng,
                           std::vector<codec::AnnouncePeer>& out);

  // How many records of a family an asker could be told of (itself and expired ones included).
  [[nodiscard]] uint32_t candidate_count(const Asker& asker, Family family) const;

  // Looks at up to `budget` further records and drops those that expired.
  SweepResult sweep(Instant now, uint32_t budget);

  // Looks at every record. At most `slowest_max` leechers are named, as many lost ones, and
  // `racks_max` racks. Without a time nobody is overdue.
  [[nodiscard]] SwarmProgress progress(uint32_t slowest_max, uint32_t racks_max = 0,
                                       Instant now = {}) const;
  // What leechers fetched since the swarm is known, by what they told: never falls.
  [[nodiscard]] uint64_t delivered_bytes() const { return delivered_bytes_; }

  [[nodiscard]] const LostPeers& lost_peers() const { return lost_; }

  // For the tracker's pages and its bookkeeping.
  std::string name;          // as the first peer that knew it said; empty when none did
  uint64_t total_bytes = 0;  // likewise; 0 when none did
  Instant last_announce;
  Instant made_at;
  SourceKey made_by = 0;
  uint32_t completed_told = 0;  // as of the last event that the release is complete
  SwarmPace pace;

 private:
  // Groups: what is handed out first, what is behind, and what is hidden.
  static constexpr uint32_t groups_of_layer = 4;
  static constexpr uint32_t hidden_group = 2 * groups_of_layer;
  static constexpr uint32_t group_count = hidden_group + 1;
  static constexpr uint32_t position_bits = 28;
  enum class Layer : uint8_t { front, back };

  // Where a record lies: its group in the high bits, its position in the others.
  struct Place {
    uint32_t group = 0;
    uint32_t position = 0;
  };
  [[nodiscard]] static uint32_t pack(Place place) {
    return (place.group << position_bits) | place.position;
  }
  [[nodiscard]] static Place unpack(uint32_t reference) {
    return {reference >> position_bits, reference & ((1U << position_bits) - 1)};
  }
  [[nodiscard]] static uint32_t group_of(Family family, bool is_seeder, Layer layer) {
    return static_cast<uint32_t>(layer) * groups_of_layer + static_cast<uint32_t>(family) * 2 +
           (is_seeder ? 1 : 0);
  }
  [[nodiscard]] static uint32_t group_of(const PeerRecord& record) {
    return record.standing == Standing::hidden
               ? hidden_group
               : group_of(record.family(), record.is_seeder(),
                          record.standing == Standing::behind ? Layer::back : Layer::front);
  }

  [[nodiscard]] uint32_t hash_of(const Endpoint& endpoint) const;
  [[nodiscard]] uint32_t find(const Endpoint& endpoint, uint32_t hash) const;
  [[nodiscard]] uint32_t candidate_count(const Asker& asker, Family family, Layer layer) const;
  uint32_t hand_out_of(const Asker& asker, Family family, Layer layer, Instant now, Prng& prng,
                       std::span<codec::AnnouncePeer> out) const;
  void count(const PeerRecord& record, bool add);
  void append(const PeerRecord& record, uint32_t hash, std::string_view rack);
  void drop(Place place);
  void leave_rack(PeerRecord& record);
  [[nodiscard]] PeerRecord& at(Place place) { return groups_[place.group][place.position]; }
  [[nodiscard]] SwarmProgress::Leecher leecher_line_of(const PeerRecord& record) const;
  [[nodiscard]] std::vector<SwarmProgress::Rack> rack_lines(uint32_t racks_max) const;
  void list_lost(SwarmProgress& progress, uint32_t lost_max, Instant now) const;

  // neighbours.cc
  class Draw;
  static void apply_reported_count(PeerRecord& record, uint32_t neighbour_count);
  [[nodiscard]] Place candidate_place(Family family, Layer layer, uint32_t number) const;
  [[nodiscard]] std::optional<Place> first_seeder(Family family) const;
  bool put_record(const PeerRecord& record, std::string_view rack);

  uint64_t hash_seed_;
  SourceLedger* ledger_;
  std::array<std::vector<PeerRecord>, group_count> groups_;
  FlatIndex index_;
  RackRegister racks_;
  FlatIndex completed_ids_;  // 64 bits of each peer id that finished
  SwarmCounts counts_;
  uint64_t delivered_bytes_ = 0;
  std::array<std::optional<Endpoint>, 2> first_seeders_;  // by Family
  LostPeers lost_;
  Place sweep_at_;
};

}  // namespace murder::tracker
