#include "cli/commands/tracker/tracker_service.h"

#include <fmt/format.h>

#include <ctime>

#include "cli/commands/tracker/copy_arguments.h"
#include "engine/archive/release_name.h"
#include "engine/base/host_name.h"
#include "engine/base/printable.h"
#include "engine/base/units.h"

namespace murder::cli {
namespace {

std::string count_of(uint64_t count, const char* one, const char* many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string listen_text(const tracker::TrackerServer& server) {
  std::string text;
  for (const Endpoint& endpoint : server.endpoints()) {
    text += (text.empty() ? "" : ", ") + endpoint.text();
  }
  return text;
}

}  // namespace

host::ServiceEvent service_event_of(const tracker::TrackerEvent& event) {
  const std::string address = event.endpoint.address.text();
  host::ServiceEvent made{.tag = std::string(archive::tag_of_name(event.release)),
                          .host = event.host.empty() ? address : event.host,
                          .info_hash = event.info_hash.hex()};
  const std::string release = made.tag.empty() ? made.info_hash : made.tag;
  const std::string host = event.host.empty() || event.host == address
                               ? address
                               : fmt::format("{} ({})", event.host, address);
  switch (event.kind) {
    case tracker::TrackerEventKind::release_announced:
      made.kind = host::ServiceEventKind::release_announced;
      made.message = fmt::format("{}: first announced, by {}", release, host);
      break;
    case tracker::TrackerEventKind::host_done:
      made.kind = host::ServiceEventKind::host_done;
      made.message = fmt::format("{}: {} has it; {} done, {} still fetch", release, host,
                                 event.done_count, event.fetch_count);
      break;
    case tracker::TrackerEventKind::host_lost:
      made.kind = host::ServiceEventKind::host_lost;
      made.message = event.left_bytes == 0
                         ? fmt::format("{}: {}, which serves it, fell silent", release, host)
                         : fmt::format("{}: {} fell silent with {} left to fetch", release, host,
                                       format_size(event.left_bytes));
      break;
    case tracker::TrackerEventKind::release_complete:
      made.kind = host::ServiceEventKind::release_complete;
      made.host.clear();
      made.message =
          fmt::format("{}: {}, none is still fetching{}", release,
                      event.done_count == 1 ? "1 host has it"
                                            : fmt::format("{} hosts have it", event.done_count),
                      event.lost_count == 0 ? "" : fmt::format("; {} lost", event.lost_count));
      break;
    case tracker::TrackerEventKind::announce_refused:
      made.kind = host::ServiceEventKind::announce_refused;
      made.message = fmt::format("the tracker is full: an announce of {} was refused", host);
      break;
  }
  made.message = printable_value(made.message);
  return made;
}

TrackerService::TrackerService(tracker::TrackerServer& server, TrackerWords words,
                               TrackerSettings running, coordinator::ControlPlane* coordinator,
                               host::Parent& parent)
    : server_(server),
      words_(std::move(words)),
      running_(std::move(running)),
      coordinator_(coordinator),
      parent_(parent),
      link_(server.reactor(), callback<&TrackerService::state>(this)) {
  server_.set_owner(*this);
}

std::string TrackerService::state() const {
  const tracker::SwarmCounts counts = server_.table().totals();
  return fmt::format("listening on {}: {}, {} fetching, {} with all of it", listen_text(server_),
                     count_of(server_.table().swarm_count(), "release", "releases"),
                     count_of(counts.leecher_count, "host", "hosts"), counts.seeder_count);
}

void TrackerService::report(const host::ServiceEvent& event) {
  if (link_.report(event)) {
    return;
  }
  if (event.kind == host::ServiceEventKind::reload_refused ||
      event.kind == host::ServiceEventKind::coordinator_failed) {
    parent_.warn(event.message);
  } else if (event.kind == host::ServiceEventKind::reloaded) {
    parent_.note(event.message);
  }
}

void TrackerService::started() {
  link_.ready();
  report({.kind = host::ServiceEventKind::started,
          .message = fmt::format("tracker{} on {}",
                                 coordinator_ == nullptr ? " listens" : " and coordinator listen",
                                 listen_text(server_))});
}

void TrackerService::stopping() {
  link_.stopping();
  report({.kind = host::ServiceEventKind::stopping, .message = "tracker stops"});
}

void TrackerService::reload_requested() {
  link_.reloading();
  Result<TrackerSettings> wanted = tracker_settings(words_);
  if (!wanted) {
    report({.kind = host::ServiceEventKind::reload_refused,
            .message = fmt::format("configuration not read, the one before stays: {}",
                                   wanted.error().text)});
  } else {
    const std::string later = settings_for_restart(running_, *wanted);
    tracker::TrackerTunables& tunables = wanted->tracker.tunables;
    const uint32_t networks = tunables.racks.network_count();
    if (coordinator_ != nullptr && tunables.fleet_keys) {
      coordinator_->set_keys(*tunables.fleet_keys);
    }
    if (coordinator_ != nullptr && server_.is_https() && tunables.certificate) {
      coordinator_->use_copy_arguments(
          copy_arguments(*wanted, place_for_others(server_.endpoints().front())));
    }
    const std::string warning = settings_warning(*wanted, std::time(nullptr));
    server_.change(std::move(tunables));
    report({.kind = host::ServiceEventKind::reloaded,
            .message = fmt::format(
                "configuration read again: {}{}{}{}", count_of(networks, "network", "networks"),
                later.empty() ? "" : fmt::format("; a change of {} needs a restart", later),
                warning.empty() ? "" : "; ", warning)});
  }
  link_.ready();
}

void TrackerService::happened(const tracker::TrackerEvent& event) {
  report(service_event_of(event));
}

void TrackerService::events_dropped(uint64_t count) {
  report({.kind = host::ServiceEventKind::announce_refused,
          .message = fmt::format("{} more within a second, not listed",
                                 count_of(count, "event", "events"))});
}

}  // namespace murder::cli
