#include "engine/sim/host.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/base/ensure.h"
#include "engine/sim/addresses.h"
#include "engine/sim/clock.h"
#include "engine/sim/region.h"

namespace murder::sim {

Host::Host(const Options& options, uint32_t own_index, Prng own_prng)
    : index(own_index), prng(own_prng), announcer(1, own_prng), options_(options) {
  constexpr std::array<char, 9> prefix = {"-MU0001-"};  // of our own kind (BEP 20)
  std::memcpy(peer_id.bytes.data(), prefix.data(), prefix.size() - 1);
  for (size_t at = prefix.size() - 1; at < peer_id.bytes.size(); ++at) {
    peer_id.bytes[at] = static_cast<uint8_t>('a' + prng.below(26));
  }
}

// Empty: it stands in no rack.
std::string Host::rack_name() const {
  return rack == no_rack ? std::string() : fmt::format("r{}", rack);
}

swarm::SwarmConfig Host::config() const {
  const uint32_t missing = stored.size() - stored.count();
  const uint64_t fitting = options_.piece_memory_bytes / options_.geometry.piece_bytes;
  swarm::SwarmConfig config;
  config.peer_id = peer_id;
  config.geometry = options_.geometry;
  config.listen_port = endpoint_of(index).port;
  config.block_bytes_max = options_.block_bytes;
  config.policy = options_.policy;
  config.rack = rack_name();
  config.piece_buffers = static_cast<uint32_t>(std::clamp<uint64_t>(
      fitting, limits::piece_buffers_min,
      std::clamp(missing + 1, limits::piece_buffers_min, limits::piece_buffers_max)));
  return config;
}

void Host::join(swarm::EffectSink& sink) {
  if (state != State::absent) {
    return;  // it died before
  }
  ENSURE(swarm == nullptr && region != nullptr);
  const swarm::SwarmConfig own_config = config();
  state = State::alive;
  joined_at = now;
  progressed_at = now;
  sides.assign(own_config.sessions_max, no_side);
  swarm = std::make_unique<swarm::Swarm>(own_config, stored, Prng(prng.next()), sink);
  pump_announcer();
  const uint32_t phase_ns =
      prng.below(static_cast<uint32_t>(Duration(swarm::Swarm::tick_interval).count()));
  push(now + Duration(phase_ns), EventKind::tick);
}

void Host::tick() {
  ENSURE(is_alive() && swarm != nullptr);
  swarm->tick(now);
  if (!swarm->complete() && swarm->neighbour_count(now) == 0) {
    announcer.want_peers(now);  // as a node does
    pump_announcer();
  }
}

void Host::leave_if_given() {
  if (!options_.seeder_leaves || has_left) {
    return;
  }
  const double copies = static_cast<double>(swarm->stats().uploaded_bytes) /
                        static_cast<double>(options_.geometry.total_bytes);
  if (copies >= *options_.seeder_leaves) {
    has_left = true;
    swarm->stop(now);
    announcer.stop(now);
    pump_announcer();
  }
}

void Host::note_fault(std::string_view what) const {
  ENSURE(region != nullptr);
  if (now < region->fault_at) {
    region->fault_at = now;
    region->fault =
        fmt::format("at {:.6f} s host {}: {}", seconds_of(now - run_start), index, what);
  }
}

void Host::count_to_check() const {
  if (++region->events_unchecked < options_.check_every) {
    return;
  }
  region->events_unchecked = 0;
  if (swarm == nullptr || !is_alive()) {
    return;
  }
  const std::string_view broken = swarm->broken_invariant();
  if (!broken.empty()) {
    note_fault(broken);
  }
}

}  // namespace murder::sim
