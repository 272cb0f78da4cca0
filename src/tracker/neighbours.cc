// Neighbours for our own peers: the graph they form.
//
// Peers come one after the other, each is told of some who are there, and later ones are told of
// it. If all who are there were equally likely, those who came first would be told to everybody
// after them: the 33rd of 50,000 would have 130 neighbours. If the emptiest were, everybody would
// know only who came just before: a chain. So the chance falls in line with the room that a peer
// has left. Then it has between `to_dial` and `full` of them (limits::NeighbourCounts), in line
// with how long it is there (as the first of 50,000 nearly full, as the last just what it dialled),
// and `to_dial` twice over on average. Late joiners always find room, as each brings more of it
// than it takes.
#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "engine/base/ensure.h"
#include "engine/base/neighbour_bounds.h"
#include "engine/codec/bounds.h"
#include "tracker/neighbour_plan.h"
#include "tracker/swarm.h"

namespace murder::tracker {

namespace {

// So few candidates are gone through in random order instead of being drawn.
constexpr uint32_t walked_max = 64;
// Of those that are behind, in one reply beside others: a dial in vain costs little, ten do not.
constexpr uint32_t behind_per_family = 2;

// Among those that are handed out first.
bool is_in_front(const PeerRecord& record) {
  return record.standing == Standing::usual || record.standing == Standing::proven;
}

uint8_t sum_of(uint8_t count, uint32_t more) {
  return static_cast<uint8_t>(std::min<uint32_t>(count + more, UINT8_MAX));
}

enum class Standard : uint8_t {
  by_room,   // the more likely the more room it has
  any_room,  // that is not full
  anybody,   // that did not expire
};

}  // namespace

// One reply in the making.
class Swarm::Draw {
 public:
  // `there` others are in the swarm: nobody has more neighbours than that, whatever it says.
  Draw(Swarm& swarm, const Asker& asker, const Asking& asking, PeerRecord& self, bool is_search,
       uint32_t there, uint32_t others_there, Instant now, Prng& prng,
       std::vector<codec::AnnouncePeer>& out)
      : swarm_(swarm),
        asker_(asker),
        new_neighbours_(asking.is_new && !is_search && self.standing != Standing::hidden &&
                                self.standing != Standing::behind
                            ? asking.tracker_count
                            : 0),
        there_(there),
        self_(self),
        counts_(neighbours_among(others_there)),
        now_(now),
        prng_(prng),
        out_(out) {}

  void mates(uint32_t wanted) {
    const std::span<const uint32_t> members = swarm_.racks_.members(self_.seat.rack);
    are_mates_ = true;
    fill(wanted, static_cast<uint32_t>(members.size()), 0,
         [&](uint32_t number) { return unpack(members[number]); });
  }

  // Those that are behind come when there are no others, and beside others at most `behind_max`.
  void others(Family family, uint32_t wanted, uint32_t behind_max) {
    are_mates_ = false;
    const uint32_t before = taken_count_;
    for (const Layer layer : {Layer::front, Layer::back}) {
      const uint32_t missing = wanted - (taken_count_ - before);
      const uint32_t lacking = layer == Layer::back ? std::min(missing, behind_max) : missing;
      fill(lacking, swarm_.candidate_count(asker_, family, layer),
           static_cast<uint32_t>(swarm_.groups_[group_of(family, false, layer)].size()),
           [&](uint32_t number) { return swarm_.candidate_place(family, layer, number); });
    }
  }

  // The seeder that was there first.
  void first_seeder(Family family, Standard standard) {
    const std::optional<Place> place = swarm_.first_seeder(family);
    are_mates_ = false;
    if (place && taken_count_ < limits::peers_per_reply_max && is_acceptable(*place, standard)) {
      take(*place);
    }
  }

 private:
  // place_of(number) for numbers below `bound`, those below `leecher_bound` of peers that still
  // fetch.
  template <typename PlaceOf>
  void fill(uint32_t wanted, uint32_t bound, uint32_t leecher_bound, PlaceOf&& place_of) {
    wanted = std::min(wanted, limits::peers_per_reply_max - taken_count_);
    end_ = taken_count_ + wanted;
    const bool is_walk = bound <= walked_max;
    std::array<uint32_t, walked_max> order;
    for (uint32_t number = 0; is_walk && number < bound; ++number) {
      order[number] = number;
    }
    prng_.shuffle(std::span(order).first(is_walk ? bound : 0));
    for (const Standard standard : {Standard::by_room, Standard::any_room, Standard::anybody}) {
      if (standard == Standard::anybody && taken_count_ > 0) {
        return;
      }
      const uint32_t tries = is_walk ? bound : 8 * wanted + 64;
      std::optional<Place> held;
      for (uint32_t attempt = 0; attempt < tries && taken_count_ < end_; ++attempt) {
        const uint32_t filled = wanted - (end_ - taken_count_);
        const bool is_choosy = standard == Standard::by_room;
        const bool is_for_leecher = is_choosy && filled < wanted / 4 && leecher_bound > 0;
        const bool is_for_progress = is_choosy && !is_for_leecher && filled < wanted / 2;
        const Place place = place_of(is_walk ? order[attempt]
                                             : prng_.below(is_for_leecher ? leecher_bound : bound));
        if (!is_acceptable(place, standard)) {
          continue;
        }
        if (!is_for_progress || held) {
          take(held && has_more(*held, place) ? *held : place);
          held.reset();
        } else {
          held = place;
        }
      }
      if (held && taken_count_ < end_) {
        take(*held);
      }
    }
  }

  [[nodiscard]] bool has_more(Place left, Place right) const {
    return swarm_.at(left).left_bytes < swarm_.at(right).left_bytes;
  }

  [[nodiscard]] bool is_acceptable(Place place, Standard standard) {
    const PeerRecord& record = swarm_.at(place);
    if (record.expires_at <= now_ || record.id == asker_.id || record.endpoint == asker_.endpoint ||
        (asker_.is_seeder && record.is_seeder())) {
      return false;
    }
    const RackNumber rack = self_.seat.rack;
    if (!are_mates_ && rack != no_rack && record.seat.rack == rack) {
      return false;
    }
    const auto taken = std::span(taken_).first(taken_count_);
    if (std::find(taken.begin(), taken.end(), pack(place)) != taken.end()) {
      return false;
    }
    return standard == Standard::anybody ||
           (!record.is_overdue(now_) && has_room(record, standard));
  }

  [[nodiscard]] bool has_room(const PeerRecord& record, Standard standard) {
    const bool in_rack = record.seat.rack != no_rack;
    const uint32_t has =
        std::min<uint32_t>(there_, are_mates_ ? record.mate_count : record.neighbour_count);
    const uint32_t full = are_mates_ ? limits::rack_mates_full
                          : in_rack  ? limits::remote_full
                                     : counts_.full;
    const uint32_t at_first = are_mates_ ? limits::rack_mates_to_dial
                              : in_rack  ? limits::remote_to_dial
                                         : counts_.to_dial;
    return has < full &&
           (standard == Standard::any_room || prng_.below(full - at_first) < full - has);
  }

  void take(Place place) {
    PeerRecord& record = swarm_.at(place);
    uint8_t PeerRecord::*const count =
        are_mates_ ? &PeerRecord::mate_count : &PeerRecord::neighbour_count;
    record.*count = sum_of(record.*count, new_neighbours_);
    self_.*count = sum_of(self_.*count, new_neighbours_);
    taken_[taken_count_++] = pack(place);
    out_.push_back({.endpoint = record.endpoint, .peer_id = record.id});
  }

  Swarm& swarm_;
  const Asker& asker_;
  uint32_t new_neighbours_;  // with each that is taken: other trackers tell of as many
  uint32_t there_;
  PeerRecord& self_;
  const limits::NeighbourCounts& counts_;
  Instant now_;
  Prng& prng_;
  std::vector<codec::AnnouncePeer>& out_;
  bool are_mates_ = false;
  std::array<uint32_t, limits::peers_per_reply_max> taken_;
  uint32_t taken_count_ = 0;
  uint32_t end_ = 0;
};

std::optional<Swarm::Place> Swarm::first_seeder(Family family) const {
  const std::optional<Endpoint>& first = first_seeders_[static_cast<size_t>(family)];
  const uint32_t reference = first ? find(*first, hash_of(*first)) : FlatIndex::none;
  if (reference == FlatIndex::none) {
    return std::nullopt;
  }
  const Place place = unpack(reference);
  const uint32_t group = group_of(family, true, Layer::front);
  return place.group == group ? std::optional(place) : std::nullopt;
}

Swarm::Place Swarm::candidate_place(Family family, Layer layer, uint32_t number) const {
  const uint32_t leechers = group_of(family, false, layer);
  const auto leecher_count = static_cast<uint32_t>(groups_[leechers].size());
  return number < leecher_count ? Place{leechers, number}
                                : Place{group_of(family, true, layer), number - leecher_count};
}

// What was handed out in the meantime is known to have come to this. What cannot be told apart is
// taken as from elsewhere.
void Swarm::apply_reported_count(PeerRecord& record, uint32_t neighbour_count) {
  const uint32_t told = std::min<uint32_t>(neighbour_count, UINT8_MAX);
  const uint32_t counted = uint32_t{record.neighbour_count} + record.mate_count;
  const uint32_t mates =
      told < counted ? record.mate_count * told / counted : uint32_t{record.mate_count};
  record.mate_count = static_cast<uint8_t>(mates);
  record.neighbour_count = static_cast<uint8_t>(told - mates);
}

void Swarm::hand_out_neighbours(const Asker& asker, const Asking& asking, Instant now, Prng& prng,
                                std::vector<codec::AnnouncePeer>& out) {
  const uint32_t reference = find(asker.endpoint, hash_of(asker.endpoint));
  ENSURE(reference != FlatIndex::none);
  PeerRecord& self = at(unpack(reference));
  const Family own = self.family();
  const Family other = own == Family::v4 ? Family::v6 : Family::v4;
  const bool has_rack = self.seat.rack != no_rack;
  const uint32_t mates_there =
      has_rack ? static_cast<uint32_t>(racks_.members(self.seat.rack).size()) - 1 : 0;
  const bool is_front = is_in_front(self);
  const bool is_back = self.standing == Standing::behind;
  const uint32_t own_front =
      candidate_count(asker, own, Layer::front) - (!asker.is_seeder && is_front ? 1 : 0);
  const uint32_t own_back =
      candidate_count(asker, own, Layer::back) - (!asker.is_seeder && is_back ? 1 : 0);
  const uint32_t other_front = candidate_count(asker, other, Layer::front);
  const uint32_t other_back = candidate_count(asker, other, Layer::back);
  const uint32_t front = own_front + other_front;
  const uint32_t usual = limits::neighbours_in_small_fleet.to_dial;
  const uint32_t behind_max =
      front == 0 ? UINT32_MAX : std::max(behind_per_family, usual - std::min(usual, front));
  const uint32_t own_there = own_front + std::min(own_back, behind_max);
  const uint32_t other_there = other_front + std::min(other_back, behind_max);
  const uint32_t there = own_there + other_there;
  const uint32_t others_there = there - std::min(there, mates_there);
  apply_reported_count(self, std::min(asking.neighbour_count, there));
  NeighbourNeed need =
      neighbours_needed({.neighbour_count = std::min(asking.neighbour_count, there),
                         .has_rack = has_rack,
                         .mates_there = mates_there,
                         .others_there = others_there,
                         .tracker_count = asking.tracker_count,
                         .is_known = asking.is_known,
                         .is_stalled = asking.is_stalled});
  need.mate_count = std::min(need.mate_count, asking.wanted_max);
  need.other_count = std::min(need.other_count, asking.wanted_max - need.mate_count);
  const FamilyShares shares = share_families(need.other_count, own_there, other_there);
  Draw draw(*this, asker, asking, self, need.is_search, there, others_there, now, prng, out);
  draw.mates(need.mate_count);
  draw.others(own, shares.own_count, behind_max);
  draw.others(other, shares.other_count, behind_max);
  const bool is_newcomer_to_few =
      asking.neighbour_count == 0 && others_there <= limits::small_fleet_others_max;
  const bool is_lost = asking.is_stalled || need.is_search;
  if (asking.wanted_max > 0 && (is_lost || is_newcomer_to_few)) {
    const Standard standard = is_lost ? Standard::anybody : Standard::any_room;
    draw.first_seeder(own, standard);
    draw.first_seeder(other, standard);
  }
}

}  // namespace murder::tracker
