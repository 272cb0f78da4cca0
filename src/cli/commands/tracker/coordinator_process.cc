#include "cli/commands/tracker/coordinator_process.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cli/commands/tracker/audit_events.h"
#include "cli/commands/tracker/bounds.h"
#include "cli/commands/tracker/copy_arguments.h"
#include "coordinator/store/open_store.h"
#include "engine/base/host_name.h"
#include "engine/host/own_program.h"
#include "engine/trust/openssl.h"

namespace murder::cli {
namespace {

// Where copies of releases are kept; empty: nowhere.
std::string copies_directory(const TrackerSettings& settings) {
  constexpr std::string_view sqlite = "sqlite:";
  const std::string& state = settings.state;
  if (!settings.data.empty()) {
    return settings.data;
  }
  if (settings.deploy_lease > Duration::zero()) {
    return "";  // its seeder serves for as long as it takes
  }
  if (state.starts_with(sqlite)) {
    const std::string file = state.substr(sqlite.size());
    const size_t slash = file.rfind('/');
    return fmt::format("{}/releases", slash == std::string::npos ? "." : file.substr(0, slash));
  }
  const bool is_elsewhere = state.starts_with("etcd:") || state.starts_with("memory:");
  return is_elsewhere ? "" : fmt::format("{}/releases", state);
}

Result<std::optional<coordinator::CopiesOptions>> copies_of(const TrackerSettings& settings,
                                                            const std::string& own_address) {
  const std::string directory = copies_directory(settings);
  if (directory.empty()) {
    return std::nullopt;
  }
  Result<std::string> program = host::own_program_path();
  if (!program) {
    return fail(program.error());
  }
  return coordinator::CopiesOptions{
      .directory = directory,
      .program = {.program = std::move(*program),
                  .arguments = copy_arguments(settings, own_address)}};
}

}  // namespace

Result<std::unique_ptr<CoordinatorProcess>> CoordinatorProcess::create(
    tracker::TrackerServer& server, const TrackerSettings& settings, host::Parent& parent) {
  std::unique_ptr<CoordinatorProcess> made(new CoordinatorProcess(server, parent));
  if (settings.state.empty()) {
    return made;
  }
  if (Status started = trust::start_openssl(); !started) {
    return fail(started.error());
  }
  Result<std::unique_ptr<store::RecordStore>> store = store::open_store(settings.state);
  if (!store) {
    return fail(store.error());
  }
  // A state that another process has is an error now; a database that cannot be reached is waited
  // for.
  const std::string address = place_for_others(server.endpoints().front());
  if (const Result<bool> leads = (*store)->try_lead(address);
      !leads && leads.error().code != ErrorCode::network &&
      leads.error().code != ErrorCode::timeout) {
    return fail(leads.error());
  }
  Result<std::optional<coordinator::CopiesOptions>> copies = copies_of(settings, address);
  if (!copies) {
    return fail(copies.error());
  }
  const uint32_t places = server.connections_max();
  auto plane = coordinator::ControlPlane::create(
      server.reactor(), server.public_server(), std::move(*store), *made,
      {.own_address = address,
       .agents_max =
           std::max(places / 2, places - std::min(places, limits::coordinator_places_kept)),
       .fleet_keys = settings.tracker.tunables.fleet_keys,
       .orders_from_anywhere = settings.orders_from_anywhere,
       .enrol = settings.enrol,
       .copies = std::move(*copies),
       .deploy_lease = settings.deploy_lease,
       // The keys of a deploy, and whoever gives orders with them, are its own.
       .state_lasts =
           settings.state != store::memory_spec && settings.deploy_lease == Duration::zero()});
  if (!plane) {
    return fail(plane.error());
  }
  made->plane_ = std::move(*plane);
  server.set_coordinator(made->plane_.get());
  server.show_metrics_of(callback<&coordinator::ControlPlane::metrics>(made->plane_.get()));
  return made;
}

CoordinatorProcess::~CoordinatorProcess() {
  server_.set_coordinator(nullptr);
  server_.show_metrics_of({});
}

void CoordinatorProcess::recorded(const control::Coordinator& machine,
                                  const control::Record& record) {
  if (service_ == nullptr || !service_->has_journal()) {
    return;
  }
  if (const std::optional<host::ServiceEvent> event = audit_event_of(machine.state(), record)) {
    service_->report(*event);
  }
}

// Others may use the tracker meanwhile.
void CoordinatorProcess::lease_ended() {
  server_.end_when_idle(limits::tracker_idle_after_deploy);
}

void CoordinatorProcess::warn(const std::string& text) {
  if (service_ == nullptr) {
    parent_.warn(text);
  } else {
    service_->report({.kind = host::ServiceEventKind::coordinator_failed, .message = text});
  }
}

}  // namespace murder::cli
