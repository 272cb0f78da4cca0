// How time passes: window by window, each as long as the latency between hosts.
#include <algorithm>

#include "engine/base/fetch.h"
#include "engine/sim/messages.h"
#include "engine/sim/simulation.h"

namespace murder::sim {

bool Simulation::has_ended() const {
  Instant progressed_at = start_;
  for (const Region& region : regions_) {
    progressed_at = std::max(progressed_at, region.progressed_at);
  }
  return unfinished_count() == 0 || !fault_.empty() || nothing_waits_ ||
         now_ - progressed_at > options_.stalled_after;
}

bool Simulation::advance(uint64_t events) {
  const auto taken = [&] {
    uint64_t count = block_count_;
    for (const Region& region : regions_) {
      count += region.counters.event_count;
    }
    return count;
  };
  for (const uint64_t end = taken() + events; taken() < end;) {
    if (has_ended()) {
      check_end();
      return false;
    }
    run_window();
  }
  return true;
}

void Simulation::run_window() {
  Instant first = std::min(wire_mail_at_, network_.next_completion());
  for (const Region& region : regions_) {
    first = std::min(first, region.next_at);
  }
  if (!announces_.empty()) {
    first = std::min(first, announces_.front()->arrives);
  }
  if (first == instant_never) {
    nothing_waits_ = true;
    return;
  }
  now_ = std::max(now_, first);
  horizon_ = now_ + options_.latency;
  ++window_;
  const auto count = static_cast<uint32_t>(regions_.size());
  crew_.run(count, [&](uint32_t index) { run_hosts(regions_[index]); });
  // While one thread plays the network, the others sort the hosts' mail.
  crew_.run(count + 1, [&](uint32_t index) {
    if (index == 0) {
      run_wires();
    } else {
      collect(regions_[index - 1]);
    }
  });
  run_tracker();
  settle();
}

// --- hosts ---------------------------------------------------------------------------------------

void Simulation::run_hosts(Region& region) {
  const auto own = static_cast<size_t>(&region - regions_.data());
  for (const Mail& mail : wire_mail_[own]) {
    hosts_[mail.host]->agenda.push(mail.event);
    next_at_[mail.host] = std::min(next_at_[mail.host], mail.event.when);
  }
  wire_mail_[own].clear();
  region.due.clear();
  for (uint32_t index = region.first_host; index < region.end_host; ++index) {
    if (next_at_[index] < horizon_) {
      region.due.push_back(index);
    }
  }
  for (size_t position = 0; position < region.due.size(); ++position) {
    fetch_ahead(region.due, position);
    Host& host = *hosts_[region.due[position]];
    while (host.agenda.next_at() < horizon_) {
      const Event event = host.agenda.pop();
      host.now = event.when;
      ++region.counters.event_count;
      handle(host, event);
      check(host);
    }
    next_at_[host.index] = host.agenda.next_at();
  }
}

// The state of many hosts is not in the processor's caches: what the next ones will need is asked
// for while this one is served, first the objects, then what they point to.
void Simulation::fetch_ahead(const std::vector<uint32_t>& due, size_t position) const {
  if (position + 3 < due.size()) {
    const Host& host = *hosts_[due[position + 3]];
    fetch_lines(&host, &host + 1);
  }
  if (position + 2 < due.size()) {
    const Host& host = *hosts_[due[position + 2]];
    const std::span<const Event> events = host.agenda.events();
    fetch_lines(events.data(), events.data() + events.size());
  }
  if (position + 1 < due.size()) {
    for (const Event& event : hosts_[due[position + 1]]->agenda.events()) {
      if (event.when < horizon_ && is_of_side(event.kind)) {
        const Side& side = sides_.at(event.target);
        fetch_lines(&side, &side.flow);
      }
    }
  }
  fetch_sessions(*hosts_[due[position]]);
}

void Simulation::fetch_sessions(const Host& host) const {
  for (const Event& event : host.agenda.events()) {
    if (event.when >= horizon_ || !is_of_side(event.kind)) {
      continue;
    }
    const Side& side = sides_.at(event.target);
    if (side.state_of_session != nullptr) {
      side.swarm->fetch_ahead(*side.state_of_session);
      side.swarm->fetch_ahead(side.session, *side.state_of_session, message_of(event));
    }
  }
}

// --- between them --------------------------------------------------------------------------------

// The order in which mail comes does not depend on regions: by the sender's number, then by time.
void Simulation::collect(Region& region) {
  constexpr size_t step = 8;
  const auto own = static_cast<size_t>(&region - regions_.data());
  for (Region& sender : regions_) {
    std::vector<Mail>& mails = sender.outbox[own];
    for (size_t position = 0; position < mails.size(); ++position) {
      if (position + 2 * step < mails.size()) {
        fetch(&hosts_[mails[position + 2 * step].host]->agenda);
      }
      if (position + step < mails.size()) {
        const std::span<const Event> events = hosts_[mails[position + step].host]->agenda.events();
        fetch(events.data() + events.size());
      }
      const Mail& mail = mails[position];
      hosts_[mail.host]->agenda.push(mail.event);
      next_at_[mail.host] = std::min(next_at_[mail.host], mail.event.when);
    }
    mails.clear();
  }
  region.next_at =
      *std::min_element(next_at_.begin() + region.first_host, next_at_.begin() + region.end_host);
}

void Simulation::settle() {
  while (!resting_.empty() && resting_.front().until < now_) {
    const SideIndex side = resting_.front().side;
    regions_[region_of(sides_.at(side).host)].free_sides.push_back(side);
    resting_.pop_front();
  }
  for (Region& region : regions_) {
    for (const SideIndex side_index : region.finished) {
      Side& side = sides_.at(side_index);
      const Side& remote = sides_.at(other_side(side_index));
      side.finished = true;
      if (remote.finished) {
        const Instant last = std::max({horizon_, side.last_arrival, remote.last_arrival});
        resting_.push_back(
            {last + 3 * options_.latency, std::min(side_index, other_side(side_index))});
      }
    }
    region.finished.clear();
  }
  find_fault();
}

}  // namespace murder::sim
