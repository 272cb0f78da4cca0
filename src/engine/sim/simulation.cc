#include "engine/sim/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base/ensure.h"
#include "engine/sim/floor.h"

namespace murder::sim {

using Lane = EventQueue::Lane;

namespace {

// So long before the others the seeder is there.
constexpr Duration seeder_lead = std::chrono::seconds(1);
constexpr Duration latency_min = std::chrono::microseconds(1);

uint32_t part_of(double share, uint32_t count) {
  return static_cast<uint32_t>(std::lround(std::clamp(share, 0.0, 1.0) * count));
}

std::vector<uint32_t> shuffled_hosts(uint32_t count, Prng& prng) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), seeder_index + 1);
  prng.shuffle(std::span(order));
  return order;
}

}  // namespace

Simulation::Simulation(const Options& options)
    : options_(options),
      prng_(options.seed),
      network_(options.rate_precision),
      table_({.peers_max = std::max(limits::tracker_peers_max, options.host_count + 1)}),
      tracker_prng_(prng_.next()) {
  ENSURE(options_.geometry.piece_count() > 0 && options_.host_count > 0);
  options_.latency = std::max(options_.latency, latency_min);
  now_ = start_ - seeder_lead;
  make_hosts();
  plan_faults();
}

Simulation::~Simulation() = default;

// --- the fleet
// -----------------------------------------------------------------------------------

void Simulation::make_hosts() {
  hosts_.reserve(options_.host_count + 1);
  for (uint32_t index = 0; index <= options_.host_count; ++index) {
    hosts_.push_back(std::make_unique<Host>(*this, index, Prng(prng_.next())));
    Host& host = *hosts_.back();
    host.stored = BitSet(options_.geometry.piece_count());
    host.hash_rate = options_.hash_rate;
    host.disk_rate = options_.disk_rate;
  }
  hosts_[seeder_index]->stored.set_all();
  for (const auto& host : hosts_) {
    host->verified = host->stored;
  }
  Prng prng(prng_.next());
  const std::vector<uint32_t> slow = shuffled_hosts(options_.host_count, prng);
  for (uint32_t count = 0; count < part_of(options_.slow_share, options_.host_count); ++count) {
    hosts_[slow[count]]->is_slow = true;
  }
  const std::vector<uint32_t> slow_disks = shuffled_hosts(options_.host_count, prng);
  for (uint32_t count = 0; count < part_of(options_.slow_disk_share, options_.host_count);
       ++count) {
    hosts_[slow_disks[count]]->disk_rate *= options_.slow_disk_factor;
  }
  make_racks();
  for (const auto& host : hosts_) {
    make_links(*host);
  }
}

void Simulation::make_racks() {
  ENSURE(options_.racks.empty() || options_.racks.size() == options_.host_count);
  uint32_t count = 0;
  for (uint32_t index = seeder_index + 1; index <= options_.host_count; ++index) {
    Host& host = *hosts_[index];
    if (!options_.racks.empty()) {
      host.rack = options_.racks[index - 1];
    } else if (options_.rack_size > 0) {
      host.rack = (index - 1) / options_.rack_size;
    }
    count = host.rack == no_rack ? count : std::max(count, host.rack + 1);
  }
  rack_bytes_.assign(count, 0);
  for (uint32_t rack = 0; rack < count && options_.rack_uplink > 0; ++rack) {
    rack_up_.push_back(network_.add_link(options_.rack_uplink));
    rack_down_.push_back(network_.add_link(options_.rack_uplink));
  }
}

void Simulation::make_links(Host& host) {
  double rate = host.is_slow ? options_.rate * options_.slow_factor : options_.rate;
  if (host.index == seeder_index) {
    rate = options_.seed_rate > 0 ? options_.seed_rate : options_.rate;
  }
  host.link_up = network_.add_link(rate);
  host.link_down = network_.add_link(rate);
}

void Simulation::plan_faults() {
  Prng prng(prng_.next());
  const Duration floor = floor_of(options_).plain;
  const auto within = [&](Duration span) {
    return start_ + Duration(static_cast<int64_t>(prng.unit() * static_cast<double>(span.count())));
  };
  push(now_, EventKind::join, seeder_index);
  const std::vector<uint32_t> joining = shuffled_hosts(options_.host_count, prng);
  for (uint32_t count = 0; count < joining.size(); ++count) {
    const auto share = static_cast<double>(count) / static_cast<double>(joining.size());
    const auto after =
        static_cast<int64_t>(share * static_cast<double>(options_.join_over.count()));
    push(start_ + Duration(after), EventKind::join, joining[count]);
  }
  const std::vector<uint32_t> dying = shuffled_hosts(options_.host_count, prng);
  const uint32_t dying_count = part_of(options_.die_share, options_.host_count);
  for (uint32_t count = 0; count < dying_count; ++count) {
    Host& host = *hosts_[dying[count]];
    host.dies = true;
    host.dies_silently = prng.unit() < options_.silent_share;
    push(within(floor), EventKind::die, host.index);
  }
  for (uint32_t count = 0; count < options_.reset_count; ++count) {
    push(within(floor), EventKind::reset, 1 + prng.below(options_.host_count));
  }
  unfinished_count_ = options_.host_count - dying_count;
}

// Empty: it stands in no rack.
std::string Simulation::rack_name(const Host& host) {
  return host.rack == no_rack ? std::string() : fmt::format("r{}", host.rack);
}

swarm::SwarmConfig Simulation::config_of(const Host& host) const {
  const uint32_t missing = host.stored.size() - host.stored.count();
  const uint64_t fitting = options_.piece_memory_bytes / options_.geometry.piece_bytes;
  swarm::SwarmConfig config;
  config.peer_id = host.peer_id;
  config.geometry = options_.geometry;
  config.listen_port = endpoint_of(host.index).port;
  config.block_bytes_max = options_.block_bytes;
  config.policy = options_.policy;
  config.rack = rack_name(host);
  config.piece_buffers = static_cast<uint32_t>(std::clamp<uint64_t>(
      fitting, limits::piece_buffers_min,
      std::clamp(missing + 1, limits::piece_buffers_min, limits::piece_buffers_max)));
  return config;
}

void Simulation::join(Host& host) {
  if (host.state != Host::State::absent) {
    return;  // it died before
  }
  const swarm::SwarmConfig config = config_of(host);
  host.state = Host::State::alive;
  host.joined_at = now_;
  host.progressed_at = now_;
  host.sides.assign(config.sessions_max, no_side);
  host.swarm = std::make_unique<swarm::Swarm>(config, host.stored, Prng(host.prng.next()), host);
  pump_announcer(host);
  const uint32_t phase_ns =
      host.prng.below(static_cast<uint32_t>(Duration(swarm::Swarm::tick_interval).count()));
  push(now_ + Duration(phase_ns), EventKind::tick, host.index, 0, 0, Lane::tick);
}

void Simulation::tick(Host& host) {
  push(now_ + swarm::Swarm::tick_interval, EventKind::tick, host.index, 0, 0, Lane::tick);
  // Bytes of blocks that are under way have come meanwhile.
  network_.each_on(host.link_down, [&](uint32_t sender, uint32_t) {
    const Side& side = sides_[other_side(sender)];
    if (side.state == Side::State::open) {
      host.swarm->bytes_received(side.session, now_);
    }
  });
  host.swarm->tick(now_);
  if (!host.swarm->complete() && host.swarm->open_count() == 0) {
    host.announcer.want_peers(now_);  // as a node does
    pump_announcer(host);
  }
}

// --- what goes wrong
// -----------------------------------------------------------------------------

// The kernel of a process that died resets its connections; a machine that lost
// power says nothing.
void Simulation::die(Host& host) {
  const bool was_alive = host.is_alive();
  host.state = Host::State::dead;
  host.is_silent = host.dies_silently;
  if (!was_alive) {
    return;
  }
  for (const SideIndex side_index : host.sides) {
    if (side_index == no_side || sides_[side_index].state == Side::State::closed) {
      continue;
    }
    Side& remote = sides_[other_side(side_index)];
    const bool was_open = sides_[side_index].state == Side::State::open;
    cut(sides_[side_index]);
    if (host.is_silent) {
      cut(remote);
      remote.is_cut_off = true;
    } else if (was_open) {
      break_off(side_index, swarm::CloseReason::connection_lost);
    }
    finish(side_index);
  }
}

void Simulation::leave_if_given(Host& host) {
  if (!options_.seeder_leaves || host.has_left) {
    return;
  }
  const double copies = static_cast<double>(host.swarm->stats().uploaded_bytes) /
                        static_cast<double>(options_.geometry.total_bytes);
  if (copies >= *options_.seeder_leaves) {
    host.has_left = true;
    host.swarm->stop(now_);
    host.announcer.stop(now_);
    pump_announcer(host);
  }
}

void Simulation::reset_a_connection(Host& host) {
  if (!host.is_alive()) {
    return;
  }
  std::vector<SideIndex> open;
  for (const SideIndex side : host.sides) {
    if (side != no_side && sides_[side].state == Side::State::open) {
      open.push_back(side);
    }
  }
  if (!open.empty()) {
    const SideIndex side = open[host.prng.below(static_cast<uint32_t>(open.size()))];
    host.swarm->end(sides_[side].session, swarm::CloseReason::connection_lost, now_);
  }
}

// --- time
// ----------------------------------------------------------------------------------------

void Simulation::push(Instant when, EventKind kind, uint32_t target, uint32_t first,
                      uint32_t second, Lane lane) {
  // One that comes later than the others of its lane would keep those behind it out.
  if (lane == Lane::latency && when > now_ + options_.latency) {
    lane = Lane::none;
  }
  queue_.push(lane,
              {.when = when, .kind = kind, .target = target, .first = first, .second = second});
}

bool Simulation::has_ended() const {
  return unfinished_count_ == 0 || !fault_.empty() || queue_.empty() ||
         now_ - progressed_at_ > options_.stalled_after;
}

bool Simulation::advance(uint64_t events) {
  for (; events > 0; --events) {
    if (has_ended()) {
      check_end();
      return false;
    }
    ++counters_.event_count;
    open_parcel_count_ = 0;
    if (network_.next_completion() <= queue_.next_at()) {
      now_ = std::max(now_, network_.next_completion());
      const SideIndex side = network_.user(network_.completed());
      block_left(side);
      check(*hosts_[sides_[side].host]);
      continue;
    }
    const Event event = queue_.pop();
    now_ = std::max(now_, event.when);
    handle(event);
  }
  return true;
}

void Simulation::handle(const Event& event) {
  switch (event.kind) {
    case EventKind::parcel:
      deliver(event.target);
      return;
    case EventKind::dialed:
    case EventKind::accepted:
    case EventKind::handshake:
    case EventKind::payload_begin:
    case EventKind::payload_end:
    case EventKind::remote_end:
    case EventKind::closed:
    case EventKind::forget:
    case EventKind::disarmed:
      handle_connection(event);
      return;
    default:
      break;
  }
  Host& host = *hosts_[event.target];
  if (event.kind == EventKind::join) {
    join(host);
  } else if (event.kind == EventKind::die) {
    die(host);
  } else if (event.kind == EventKind::announce_sent) {
    announce_sent(host, event.first);
  } else if (event.kind == EventKind::announce_heard) {
    announce_heard(host, event.first);
  } else if (!host.is_alive()) {
    return;
  } else if (event.kind == EventKind::tick) {
    tick(host);
  } else if (event.kind == EventKind::reset) {
    reset_a_connection(host);
  } else if (event.kind == EventKind::verified) {
    host.swarm->piece_verified({event.first}, true, now_);
  } else if (event.kind == EventKind::stored) {
    stored(host, {event.first});
  } else if (event.kind == EventKind::announcer_due) {
    host.announcer_due_at = instant_never;
    pump_announcer(host);
  }
  check(host);
}

void Simulation::handle_connection(const Event& event) {
  const uint32_t host_index = sides_[event.target].host;
  switch (event.kind) {
    case EventKind::dialed:
      dialed(event.target);
      break;
    case EventKind::accepted:
      accepted(event.target);
      break;
    case EventKind::handshake:
      hear_handshake(event.target);
      break;
    case EventKind::payload_begin:
      payload_begins(event.target, {event.first}, event.second);
      break;
    case EventKind::payload_end:
      payload_ends(event.target);
      break;
    case EventKind::remote_end:
      remote_end(event.target, static_cast<swarm::CloseReason>(event.first));
      break;
    case EventKind::closed:
      closed(event.target);
      break;
    case EventKind::forget:
      free_sides_.push_back(event.target);
      return;
    case EventKind::disarmed:
      if (sides_[event.target].state == Side::State::open && hosts_[host_index]->is_alive()) {
        hosts_[host_index]->swarm->disarmed(sides_[event.target].session, now_);
      }
      break;
    default:
      ENSURE(false);
  }
  check(*hosts_[host_index]);
}

}  // namespace murder::sim
