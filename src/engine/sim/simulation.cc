#include "engine/sim/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base/bounds.h"
#include "engine/base/ensure.h"
#include "engine/sim/floor.h"
#include "tracker/bounds.h"

namespace murder::sim {

namespace {

// So long before the others the seeder is there.
constexpr Duration seeder_lead = std::chrono::seconds(1);
constexpr Duration latency_min = std::chrono::microseconds(1);
constexpr uint32_t regions_max = 16;

// Small fleets are one region, which starts no threads.
uint32_t region_count_for(const Options& options) {
  return std::clamp(options.host_count / options.region_hosts_min, 1U, regions_max);
}

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
      crew_(region_count_for(options)),
      table_({.peers_max = std::max(limits::tracker_peers_max, options.host_count + 1)}),
      tracker_prng_(prng_.next()) {
  ENSURE(options_.geometry.piece_count() > 0 && options_.host_count > 0);
  options_.latency = std::max(options_.latency, latency_min);
  now_ = start_ - seeder_lead;
  horizon_ = now_;
  make_hosts();
  make_regions();
  plan_faults();
}

Simulation::~Simulation() {
  const auto drop = [](const Event& event) {
    if (event.kind == EventKind::parcel) {
      delete event.carried<Parcel>();
    } else if (event.kind == EventKind::announce_heard) {
      delete event.carried<AnnounceTalk>();
    }
  };
  for (const auto& host : hosts_) {
    std::ranges::for_each(host->agenda.events(), drop);
  }
  const auto drop_mail = [&](const std::vector<Mail>& mails) {
    std::ranges::for_each(mails, [&](const Mail& mail) { drop(mail.event); });
  };
  std::ranges::for_each(wire_mail_, drop_mail);
}

// --- the fleet -----------------------------------------------------------------------------------

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

void Simulation::make_regions() {
  const auto count = static_cast<uint32_t>(hosts_.size());
  hosts_per_region_ = (count + region_count_for(options_) - 1) / region_count_for(options_);
  regions_.resize((count + hosts_per_region_ - 1) / hosts_per_region_);
  wire_mail_.resize(regions_.size());
  next_at_.assign(count, instant_never);
  for (uint32_t index = 0; index < regions_.size(); ++index) {
    Region& region = regions_[index];
    region.first_host = index * hosts_per_region_;
    region.end_host = std::min(count, region.first_host + hosts_per_region_);
    region.outbox.resize(regions_.size());
    region.progressed_at = start_;
    for (uint32_t host = region.first_host; host < region.end_host; ++host) {
      hosts_[host]->region = &region;
    }
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
  rack_count_ = count;
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
  const auto plan_join = [&](Host& host, Instant when) {
    host.joins_at = when;
    push(host, when, EventKind::join);
  };
  plan_join(*hosts_[seeder_index], now_);
  const std::vector<uint32_t> joining = shuffled_hosts(options_.host_count, prng);
  for (uint32_t count = 0; count < joining.size(); ++count) {
    const auto share =
        static_cast<double>(count) / std::max(1.0, static_cast<double>(joining.size() - 1));
    const auto after =
        static_cast<int64_t>(share * static_cast<double>(options_.join_over.count()));
    // A nanosecond apart at the least, so that the tracker does not hear of them by their numbers.
    plan_join(*hosts_[joining[count]], start_ + std::max(Duration(after), Duration(count)));
  }
  const std::vector<uint32_t> dying = shuffled_hosts(options_.host_count, prng);
  const uint32_t dying_count = part_of(options_.die_share, options_.host_count);
  for (uint32_t count = 0; count < dying_count; ++count) {
    Host& host = *hosts_[dying[count]];
    host.dies_silently = prng.unit() < options_.silent_share;
    host.dies_at = within(floor);
    push(host, host.dies_at, EventKind::die);
  }
  for (uint32_t count = 0; count < options_.reset_count; ++count) {
    const Instant when = within(floor);
    push(*hosts_[1 + prng.below(options_.host_count)], when, EventKind::reset);
  }
  for (const auto& host : hosts_) {
    const bool counts = host->index != seeder_index && host->dies_at == instant_never;
    host->region->unfinished_count += counts ? 1 : 0;
    next_at_[host->index] = host->agenda.next_at();
    host->region->next_at = std::min(host->region->next_at, host->agenda.next_at());
  }
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
  host.joined_at = host.now;
  host.progressed_at = host.now;
  host.sides.assign(config.sessions_max, no_side);
  host.swarm = std::make_unique<swarm::Swarm>(config, host.stored, Prng(host.prng.next()), host);
  pump_announcer(host);
  const uint32_t phase_ns =
      host.prng.below(static_cast<uint32_t>(Duration(swarm::Swarm::tick_interval).count()));
  push(host, host.now + Duration(phase_ns), EventKind::tick);
}

void Simulation::tick(Host& host) {
  push(host, host.now + swarm::Swarm::tick_interval, EventKind::tick);
  // Bytes of blocks that are under way have come meanwhile.
  network_.each_on(host.link_down, [&](uint32_t sender, uint32_t) {
    const Side& side = sides_.at(other_side(sender));
    if (side.state == Side::State::open) {
      host.swarm->bytes_received(side.session, limits::block_bytes_stock, host.now);
    }
  });
  host.swarm->tick(host.now);
  if (!host.swarm->complete() && host.swarm->neighbour_count(host.now) == 0) {
    host.announcer.want_peers(host.now);  // as a node does
    pump_announcer(host);
  }
}

// --- what goes wrong -----------------------------------------------------------------------------

// The kernel of a process that died resets its connections; a machine that lost
// power says nothing.
void Simulation::die(Host& host) {
  const bool was_alive = host.is_alive();
  host.state = Host::State::dead;
  if (!was_alive) {
    return;
  }
  for (const SideIndex side_index : host.sides) {
    if (side_index == no_side || sides_.at(side_index).state == Side::State::closed) {
      continue;
    }
    order(host, side_index, WireOrder::Kind::cut);
    if (host.dies_silently) {
      order(host, other_side(side_index), WireOrder::Kind::cut_off);
    } else if (sides_.at(side_index).state == Side::State::open) {
      break_off(host, side_index, swarm::CloseReason::connection_lost);
    }
    finish(host, side_index);
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
    host.swarm->stop(host.now);
    host.announcer.stop(host.now);
    pump_announcer(host);
  }
}

void Simulation::reset_a_connection(Host& host) {
  if (!host.is_alive()) {
    return;
  }
  std::vector<SideIndex> open;
  for (const SideIndex side : host.sides) {
    if (side != no_side && sides_.at(side).state == Side::State::open) {
      open.push_back(side);
    }
  }
  if (!open.empty()) {
    const SideIndex side = open[host.prng.below(static_cast<uint32_t>(open.size()))];
    host.swarm->end(sides_.at(side).session, swarm::CloseReason::connection_lost, host.now);
  }
}

// --- what happens to a host ----------------------------------------------------------------------

void Simulation::push(Host& host, Instant when, EventKind kind, uint32_t target) {
  Event event;
  event.when = when;
  event.kind = kind;
  event.target = target;
  host.agenda.push(event);
}

void Simulation::handle(Host& host, const Event& event) {
  switch (event.kind) {
    case EventKind::join:
      join(host);
      return;
    case EventKind::die:
      die(host);
      return;
    case EventKind::message:
    case EventKind::parcel:
      hear(host, event);
      return;
    case EventKind::dialed:
      dialed(host, event.target);
      return;
    case EventKind::accepted:
      accepted(host, event.target);
      return;
    case EventKind::handshake:
      hear_handshake(host, event.target);
      return;
    case EventKind::payload_begin:
      payload_begins(host, event);
      return;
    case EventKind::payload_end:
      payload_ends(host, event.target);
      return;
    case EventKind::block_left:
      block_sent(host, event);
      return;
    case EventKind::remote_end:
      remote_end(host, event.target, static_cast<swarm::CloseReason>(event.words[0]));
      return;
    case EventKind::closed:
      closed(host, event.target);
      return;
    case EventKind::announce_heard:
      announce_heard(host, std::unique_ptr<AnnounceTalk>(event.carried<AnnounceTalk>()));
      return;
    default:
      break;
  }
  if (!host.is_alive()) {
    return;
  }
  if (event.kind == EventKind::tick) {
    tick(host);
  } else if (event.kind == EventKind::reset) {
    reset_a_connection(host);
  } else if (event.kind == EventKind::verified) {
    host.swarm->piece_verified({event.target}, true, host.now);
  } else if (event.kind == EventKind::stored) {
    stored(host, {event.target});
  } else if (event.kind == EventKind::disarmed) {
    if (takes_part(host, event.target)) {
      host.swarm->disarmed(sides_.at(event.target).session, host.now);
    }
  } else if (event.kind == EventKind::announcer_due) {
    host.announcer_due_at = instant_never;
    pump_announcer(host);
  }
}

// --- what became of it ---------------------------------------------------------------------------

uint32_t Simulation::done_count() const {
  uint32_t count = 0;
  for (const Region& region : regions_) {
    count += region.done_count;
  }
  return count;
}

uint64_t Simulation::stored_count() const {
  uint64_t count = 0;
  for (const Region& region : regions_) {
    count += region.stored_count;
  }
  return count;
}

Counters& Counters::operator+=(const Counters& other) {
  event_count += other.event_count;
  message_count += other.message_count;
  message_bytes += other.message_bytes;
  block_count += other.block_count;
  announce_count += other.announce_count;
  return *this;
}

Counters Simulation::counters() const {
  Counters sum{.block_count = block_count_, .announce_count = announce_count_};
  for (const Region& region : regions_) {
    sum += region.counters;
  }
  return sum;
}

std::vector<uint64_t> Simulation::rack_bytes() const {
  std::vector<uint64_t> bytes(rack_count_, 0);
  for (const auto& host : hosts_) {
    if (host->rack != no_rack) {
      bytes[host->rack] += host->outside_bytes;
    }
  }
  return bytes;
}

}  // namespace murder::sim
