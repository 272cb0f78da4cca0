#include "engine/sim/prefetch.h"

#include "engine/base/fetch.h"
#include "engine/sim/messages.h"

namespace murder::sim {

namespace {

void prefetch_sessions(const Host& host, const Sides& sides, Instant horizon) {
  for (const Event& event : host.agenda.events()) {
    if (event.when >= horizon || !is_of_side(event.kind)) {
      continue;
    }
    const Side& side = sides.at(event.target);
    if (side.state_of_session != nullptr) {
      side.swarm->fetch_ahead(*side.state_of_session);
      side.swarm->fetch_ahead(side.session, *side.state_of_session, message_of(event));
    }
  }
}

}  // namespace

void prefetch(const Fleet& fleet, const Sides& sides, Instant horizon,
              const std::vector<uint32_t>& due, size_t position) {
  if (position + 3 < due.size()) {
    const Host& host = fleet.host(due[position + 3]);
    fetch_lines(&host, &host + 1);
  }
  if (position + 2 < due.size()) {
    const Host& host = fleet.host(due[position + 2]);
    const std::span<const Event> events = host.agenda.events();
    fetch_lines(events.data(), events.data() + events.size());
  }
  if (position + 1 < due.size()) {
    for (const Event& event : fleet.host(due[position + 1]).agenda.events()) {
      if (event.when < horizon && is_of_side(event.kind)) {
        const Side& side = sides.at(event.target);
        fetch_lines(&side, &side.flow);
      }
    }
  }
  prefetch_sessions(fleet.host(due[position]), sides, horizon);
}

}  // namespace murder::sim
