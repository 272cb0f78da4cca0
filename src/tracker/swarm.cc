#include "tracker/swarm.h"

#include <algorithm>
#include <cstring>

#include "engine/base/ensure.h"
#include "engine/codec/bounds.h"
#include "tracker/interval_policy.h"
#include "tracker/mix_bits.h"

namespace murder::tracker {

namespace {

// Positions drawn beyond those wanted: the asker itself and peers that just expired fall out.
constexpr uint32_t spare_draws = 8;
constexpr uint32_t draws_max = limits::peers_per_reply_max + spare_draws;

uint8_t halved(uint8_t count) {
  return static_cast<uint8_t>(count / 2);
}

template <size_t size>
uint64_t word_at(const std::array<uint8_t, size>& bytes, size_t offset) {
  uint64_t word = 0;
  std::memcpy(&word, bytes.data() + offset, std::min(sizeof word, size - offset));
  return word;
}

// Different numbers below a bound, remembered in a table of fixed size.
class Draws {
 public:
  // False when the number was drawn before.
  bool add(uint32_t number) {
    uint32_t at = (number * 0x9E3779B1U) >> shift;
    while (seen_[at] != 0) {
      if (seen_[at] == number + 1) {
        return false;
      }
      at = (at + 1) % slot_count;
    }
    seen_[at] = number + 1;
    return true;
  }

 private:
  static constexpr uint32_t shift = 32 - 9;
  static constexpr uint32_t slot_count = 1U << 9U;
  static_assert(slot_count >= 2 * draws_max);

  std::array<uint32_t, slot_count> seen_{};  // number + 1, or 0
};

// Draws `count` different numbers below `bound` in random order, each choice equally likely.
// count <= bound, count <= draws_max.
void draw(uint32_t bound, uint32_t count, Prng& prng, std::array<uint32_t, draws_max>& numbers) {
  if (bound <= 2 * count) {
    // Nearly all: shuffle the first part of a list of them all.
    std::array<uint32_t, size_t{2} * draws_max> all;
    for (uint32_t number = 0; number < bound; ++number) {
      all[number] = number;
    }
    for (uint32_t index = 0; index < count; ++index) {
      std::swap(all[index], all[index + prng.below(bound - index)]);
      numbers[index] = all[index];
    }
    return;
  }
  // Few of many: fewer than half were drawn before, so fewer than two tries each on average.
  Draws draws;
  for (uint32_t index = 0; index < count;) {
    const uint32_t number = prng.below(bound);
    if (draws.add(number)) {
      numbers[index++] = number;
    }
  }
}

// A second address is nobody's mate: the first one is. Nor is a peer that is not trusted.
bool may_sit(const PeerRecord& record) {
  return !record.is_alias &&
         (record.standing == Standing::usual || record.standing == Standing::proven);
}

}  // namespace

uint32_t Swarm::hash_of(const Endpoint& endpoint) const {
  const auto& bytes = endpoint.address.bytes;
  const uint64_t high = mix_bits(word_at(bytes, 0) ^ hash_seed_);
  return static_cast<uint32_t>(
      mix_bits(high ^ word_at(bytes, 8) ^ (uint64_t{endpoint.port} << 16U)));
}

uint32_t Swarm::find(const Endpoint& endpoint, uint32_t hash) const {
  return index_.find(hash, [&](uint32_t reference) {
    const Place place = unpack(reference);
    return groups_[place.group][place.position].endpoint == endpoint;
  });
}

bool Swarm::contains(const Endpoint& endpoint) const {
  return find(endpoint, hash_of(endpoint)) != FlatIndex::none;
}

size_t Swarm::memory_bytes() const {
  size_t bytes =
      sizeof(*this) + index_.memory_bytes() + completed_ids_.memory_bytes() + racks_.memory_bytes();
  for (const auto& group : groups_) {
    bytes += group.capacity() * sizeof(PeerRecord);
  }
  return bytes;
}

void Swarm::count(const PeerRecord& record, bool add) {
  if (ledger_ != nullptr) {
    ledger_->count_record(record.source, record.standing, add);
  }
  if (record.is_alias || record.standing == Standing::hidden) {
    return;
  }
  counts_.source_count += !record.is_source ? 0 : add ? 1 : UINT32_MAX;  // modulo 2^32
  uint32_t& number = record.is_seeder() ? counts_.seeder_count : counts_.leecher_count;
  ENSURE(add || number > 0);
  number = add ? number + 1 : number - 1;
  counts_.left_bytes = add ? counts_.left_bytes + record.left_bytes  //
                           : counts_.left_bytes - record.left_bytes;
}

void Swarm::append(const PeerRecord& record, uint32_t hash, std::string_view rack) {
  const uint32_t group = group_of(record);
  const auto position = static_cast<uint32_t>(groups_[group].size());
  ENSURE(position < (1U << position_bits));
  groups_[group].push_back(record);
  groups_[group].back().seat =
      may_sit(record) ? racks_.join(rack, pack({group, position})) : RackRegister::Seat{};
  index_.insert(hash, pack({group, position}));
  count(record, true);
}

void Swarm::leave_rack(PeerRecord& record) {
  const uint32_t moved = racks_.leave(record.seat);
  if (moved != FlatIndex::none) {
    at(unpack(moved)).seat.position = record.seat.position;
  }
  record.seat = {};
}

// The last record of the group takes the place of the dropped one.
void Swarm::drop(Place place) {
  auto& group = groups_[place.group];
  PeerRecord& record = group[place.position];
  count(record, false);
  leave_rack(record);
  index_.erase(hash_of(record.endpoint), pack(place));
  const Place last{place.group, static_cast<uint32_t>(group.size() - 1)};
  if (place.position != last.position) {
    record = std::move(group[last.position]);
    index_.move(hash_of(record.endpoint), pack(last), pack(place));
    racks_.rename(record.seat, pack(place));
  }
  group.pop_back();
}

bool Swarm::put(const PeerRecord& record, std::string_view rack) {
  const bool is_new = put_record(record, rack);
  if (record.is_seeder() && !first_seeder(record.family())) {
    first_seeders_[static_cast<size_t>(record.family())] = record.endpoint;
  }
  return is_new;
}

bool Swarm::put_record(const PeerRecord& record, std::string_view rack) {
  lost_.found(record.endpoint, record.host);
  const uint32_t hash = hash_of(record.endpoint);
  const uint32_t reference = find(record.endpoint, hash);
  if (reference == FlatIndex::none) {
    append(record, hash, rack);
    return true;
  }
  const Place place = unpack(reference);
  PeerRecord& known = at(place);
  if (!record.is_alias && known.id == record.id && record.left_bytes < known.left_bytes) {
    delivered_bytes_ += known.left_bytes - record.left_bytes;
  }
  PeerRecord renewed = record;
  if (known.id == record.id) {
    // A stock client does not tell how many it has: it is taken to lose half of them meanwhile.
    renewed.neighbour_count =
        is_own_kind(record.id) ? known.neighbour_count : halved(known.neighbour_count);
    renewed.mate_count = is_own_kind(record.id) ? known.mate_count : halved(known.mate_count);
  }
  const bool stays = group_of(known) == group_of(record) && may_sit(known) == may_sit(record) &&
                     (!may_sit(record) || racks_.name(known.seat.rack) == rack);
  if (stays) {
    renewed.seat = known.seat;
    count(known, false);
    known = std::move(renewed);
    count(known, true);
  } else {
    drop(place);
    append(renewed, hash, rack);
  }
  return false;
}

bool Swarm::may_speak_for(const Endpoint& endpoint, const IpAddress& remote, Instant now) const {
  const uint32_t reference = find(endpoint, hash_of(endpoint));
  if (reference == FlatIndex::none || endpoint.address == remote) {
    return true;
  }
  const Place place = unpack(reference);
  const PeerRecord& record = groups_[place.group][place.position];
  return record.source_hash == source_of(remote) || record.is_overdue(now);
}

bool Swarm::remove(const Endpoint& endpoint, const PeerId& id) {
  const uint32_t reference = find(endpoint, hash_of(endpoint));
  if (reference == FlatIndex::none) {
    return false;
  }
  const Place place = unpack(reference);
  if (groups_[place.group][place.position].id != id) {
    return false;
  }
  drop(place);
  return true;
}

const PeerRecord* Swarm::find_record(const Endpoint& endpoint) const {
  const uint32_t reference = find(endpoint, hash_of(endpoint));
  if (reference == FlatIndex::none) {
    return nullptr;
  }
  const Place place = unpack(reference);
  return &groups_[place.group][place.position];
}

const PeerRecord& Swarm::random_record(Prng& prng) const {
  uint32_t number = prng.below(record_count());
  uint32_t group = 0;
  while (number >= groups_[group].size()) {
    number -= static_cast<uint32_t>(groups_[group++].size());
  }
  return groups_[group][number];
}

const PeerRecord* Swarm::random_hidden_record(Prng& prng) const {
  const auto& group = groups_[hidden_group];
  return group.empty() ? nullptr : &group[prng.below(static_cast<uint32_t>(group.size()))];
}

void Swarm::set_standing(const Endpoint& endpoint, Standing standing, bool is_refused) {
  const uint32_t hash = hash_of(endpoint);
  const Place place = unpack(find(endpoint, hash));
  at(place).is_refused = is_refused;
  if (at(place).standing == standing) {
    return;
  }
  PeerRecord record = at(place);
  const std::string rack(racks_.name(record.seat.rack));
  record.standing = standing;
  drop(place);
  append(record, hash, rack);
}

void Swarm::drop_record(const Endpoint& endpoint) {
  drop(unpack(find(endpoint, hash_of(endpoint))));
}

void Swarm::drop_all() {
  for (uint32_t group = 0; group < group_count; ++group) {
    while (!groups_[group].empty()) {
      drop({group, static_cast<uint32_t>(groups_[group].size() - 1)});
    }
  }
}

bool Swarm::count_completed(const PeerId& id, bool has_room) {
  const uint64_t word =
      mix_bits(mix_bits(word_at(id.bytes, 0) ^ hash_seed_) ^ word_at(id.bytes, 8)) ^
      mix_bits(word_at(id.bytes, 16));
  const auto hash = static_cast<uint32_t>(word);
  const uint32_t rest = static_cast<uint32_t>(word >> 32U) & ~1U;  // never FlatIndex::none
  const bool is_known =
      completed_ids_.find(hash, [&](uint32_t other) { return other == rest; }) != FlatIndex::none;
  if (is_known) {
    return false;
  }
  if (has_room) {
    completed_ids_.insert(hash, rest);
  }
  ++counts_.completed_count;
  return has_room;
}

uint32_t Swarm::candidate_count(const Asker& asker, Family family, Layer layer) const {
  size_t count = groups_[group_of(family, false, layer)].size();
  if (!asker.is_seeder) {
    count += groups_[group_of(family, true, layer)].size();
  }
  return static_cast<uint32_t>(count);
}

uint32_t Swarm::candidate_count(const Asker& asker, Family family) const {
  return candidate_count(asker, family, Layer::front) + candidate_count(asker, family, Layer::back);
}

uint32_t Swarm::hand_out(const Asker& asker, Family family, Instant now, Prng& prng,
                         std::span<codec::AnnouncePeer> out) const {
  ENSURE(out.size() <= limits::peers_per_reply_max);
  const uint32_t count = hand_out_of(asker, family, Layer::front, now, prng, out);
  return count + hand_out_of(asker, family, Layer::back, now, prng, out.subspan(count));
}

uint32_t Swarm::hand_out_of(const Asker& asker, Family family, Layer layer, Instant now, Prng& prng,
                            std::span<codec::AnnouncePeer> out) const {
  const uint32_t bound = candidate_count(asker, family, layer);
  if (out.empty() || bound == 0) {
    return 0;
  }
  const auto wanted = static_cast<uint32_t>(out.size());
  const uint32_t draw_count = std::min(wanted + spare_draws, bound);
  std::array<uint32_t, draws_max> numbers;
  draw(bound, draw_count, prng, numbers);
  uint32_t count = 0;
  for (uint32_t index = 0; index < draw_count && count < wanted; ++index) {
    const Place place = candidate_place(family, layer, numbers[index]);
    const PeerRecord& record = groups_[place.group][place.position];
    if (record.expires_at <= now || record.id == asker.id || record.endpoint == asker.endpoint) {
      continue;
    }
    out[count++] = {.endpoint = record.endpoint, .peer_id = record.id};
  }
  return count;
}

Swarm::SweepResult Swarm::sweep(Instant now, uint32_t budget) {
  SweepResult result;
  while (result.checked_count < budget) {
    if (sweep_at_.position >= groups_[sweep_at_.group].size()) {
      sweep_at_ = {.group = (sweep_at_.group + 1) % group_count, .position = 0};
      if (sweep_at_.group == 0) {
        result.pass_done = true;
        return result;
      }
      continue;
    }
    ++result.checked_count;
    if (at(sweep_at_).expires_at <= now) {
      result.lost_count += LostPeers::is_missed(at(sweep_at_)) ? 1 : 0;
      lost_.add(at(sweep_at_));
      drop(sweep_at_);
      ++result.dropped_count;
    } else {
      ++sweep_at_.position;
    }
  }
  return result;
}

}  // namespace murder::tracker
