#include "engine/sim/simulation.h"

#include <algorithm>
#include <span>

#include "engine/base/ensure.h"
#include "engine/base/fetch.h"
#include "engine/sim/end_checks.h"
#include "engine/sim/prefetch.h"
#include "engine/sim/run_plan.h"

namespace murder::sim {

namespace {

constexpr Duration latency_min = std::chrono::microseconds(1);

Options checked(Options options) {
  ENSURE(options.geometry.piece_count() > 0 && options.host_count > 0);
  options.latency = std::max(options.latency, latency_min);
  return options;
}

}  // namespace

Simulation::Simulation(const Options& options)
    : options_(checked(options)),
      clock_({.now = run_start - seeder_lead, .horizon = run_start - seeder_lead}),
      prng_(options.seed),
      tracker_(options_, clock_, Prng(prng_.next())),
      fleet_(options_, prng_),
      connections_(options_, clock_, fleet_, sides_),
      wires_(options_, clock_, fleet_, sides_),
      post_(fleet_),
      crew_(region_count_for(options_)) {
  plan_run(fleet_, options_, Prng(prng_.next()));
  sinks_.reserve(hosts().size());
  for (const auto& host : hosts()) {
    sinks_.emplace_back(*host, connections_);
    next_at_.push_back(host->agenda.next_at());
  }
}

Counters Simulation::counters() const {
  Counters sum = fleet_.counters();
  sum.block_count += wires_.block_count();
  sum.announce_count += tracker_.announce_count();
  return sum;
}

// --- windows -------------------------------------------------------------------------------------

bool Simulation::has_ended() const {
  return fleet_.unfinished_count() == 0 || !fault_.empty() || nothing_waits_ ||
         clock_.now - fleet_.progressed_at() > options_.stalled_after;
}

uint64_t Simulation::events_taken() const {
  uint64_t count = wires_.block_count();
  for (const Region& region : fleet_.regions()) {
    count += region.counters.event_count;
  }
  return count;
}

bool Simulation::advance(uint64_t events) {
  for (const uint64_t end = events_taken() + events; events_taken() < end;) {
    if (has_ended()) {
      lost_count_ = check_end(fleet_, options_);
      find_fault();
      return false;
    }
    run_window();
  }
  return true;
}

Instant Simulation::next_at() const {
  Instant first = std::min({post_.next_at(), wires_.next_at(), tracker_.next_at()});
  for (const Region& region : fleet_.regions()) {
    first = std::min(first, region.next_at);
  }
  return first;
}

void Simulation::run_window() {
  const Instant first = next_at();
  if (first == instant_never) {
    nothing_waits_ = true;
    return;
  }
  clock_.now = std::max(clock_.now, first);
  clock_.horizon = clock_.now + options_.latency;
  ++clock_.window;
  const std::span<Region> regions = fleet_.regions();
  const auto count = static_cast<uint32_t>(regions.size());
  crew_.run(count, [&](uint32_t index) { run_hosts(regions[index], index); });
  post_.all_taken();
  // While one thread plays the network, the others sort the hosts' mail.
  crew_.run(count + 1, [&](uint32_t index) {
    if (index == 0) {
      wires_.run(post_);
    } else {
      collect(regions[index - 1], index - 1);
    }
  });
  tracker_.run(fleet_, post_);
  connections_.recycle();
  find_fault();
}

void Simulation::find_fault() {
  fault_ = fault_.empty() ? fleet_.first_fault() : fault_;
}

// --- hosts ---------------------------------------------------------------------------------------

void Simulation::put_into_agenda(const Mail& mail) {
  fleet_.host(mail.host).agenda.push(mail.event);
  next_at_[mail.host] = std::min(next_at_[mail.host], mail.event.when);
}

void Simulation::run_hosts(Region& region, uint32_t own) {
  post_.take(own, [this](const Mail& mail) { put_into_agenda(mail); });
  region.due.clear();
  for (uint32_t index = region.first_host; index < region.end_host; ++index) {
    if (next_at_[index] < clock_.horizon) {
      region.due.push_back(index);
    }
  }
  for (size_t position = 0; position < region.due.size(); ++position) {
    prefetch(fleet_, sides_, clock_.horizon, region.due, position);
    Host& host = fleet_.host(region.due[position]);
    while (host.agenda.next_at() < clock_.horizon) {
      const Event event = host.agenda.pop();
      ENSURE(event.when >= host.now);
      host.now = event.when;
      ++region.counters.event_count;
      handle(host, event);
      host.check();
    }
    next_at_[host.index] = host.agenda.next_at();
  }
}

// The order in which mail comes does not depend on regions: by the sender's number, then by time.
void Simulation::collect(Region& region, uint32_t own) {
  constexpr size_t step = 8;
  for (Region& sender : fleet_.regions()) {
    std::vector<Mail>& mails = sender.outbox[own];
    for (size_t position = 0; position < mails.size(); ++position) {
      if (position + 2 * step < mails.size()) {
        fetch(&fleet_.host(mails[position + 2 * step].host).agenda);
      }
      if (position + step < mails.size()) {
        const std::span<const Event> events =
            fleet_.host(mails[position + step].host).agenda.events();
        fetch(events.data() + events.size());
      }
      put_into_agenda(mails[position]);
    }
    mails.clear();
  }
  region.next_at =
      *std::min_element(next_at_.begin() + region.first_host, next_at_.begin() + region.end_host);
}

void Simulation::handle(Host& host, const Event& event) {
  if (event.kind == EventKind::block_left) {
    if (connections_.block_sent(host, event) && host.index == seeder_index) {
      host.leave_if_given();
    }
  } else if (is_of_side(event.kind)) {
    connections_.handle(host, event);
  } else {
    handle_own(host, event);
  }
}

// What is not of a connection.
void Simulation::handle_own(Host& host, const Event& event) {
  if (event.kind == EventKind::join) {
    host.join(sinks_[host.index]);
    return;
  }
  if (event.kind == EventKind::announce_heard) {
    const std::unique_ptr<AnnounceTalk> heard(event.carried<AnnounceTalk>());
    host.announce_heard(*heard);
    return;
  }
  const bool was_alive = host.is_alive();
  if (event.kind == EventKind::die) {
    host.state = Host::State::dead;
  }
  if (!was_alive) {
    return;
  }
  switch (event.kind) {
    case EventKind::die:
      connections_.host_died(host);
      return;
    case EventKind::tick:
      tick(host);
      return;
    case EventKind::reset:
      connections_.reset_one(host);
      return;
    case EventKind::verified:
      host.swarm->piece_verified({event.target}, true, host.now);
      return;
    case EventKind::stored:
      host.stored_piece({event.target});
      return;
    case EventKind::announcer_due:
      host.announcer_due_at = instant_never;
      host.pump_announcer();
      return;
    default:
      ENSURE(false);
  }
}

void Simulation::tick(Host& host) {
  host.push(host.now + swarm::Swarm::tick_interval, EventKind::tick);
  // Bytes of blocks that are under way have come meanwhile.
  wires_.each_arriving(host, [&](const Side& side) {
    host.swarm->bytes_received(side.session, limits::block_bytes_stock, host.now);
  });
  host.tick();
}

}  // namespace murder::sim
