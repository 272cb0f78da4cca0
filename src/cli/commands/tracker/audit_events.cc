#include "cli/commands/tracker/audit_events.h"

#include <fmt/format.h>

#include "engine/base/printable.h"

namespace murder::cli {
namespace {

using host::ServiceEvent;
using host::ServiceEventKind;

class Describing {
 public:
  Describing(const control::State& state, const control::Record& record)
      : state_(state), record_(record) {}

  std::optional<ServiceEvent> operator()(const control::ReleasePublished& what) const {
    ServiceEvent event = of_app(ServiceEventKind::release_published, what.app, what.number);
    event.message = fmt::format("{} {} is published, by {}", what.app, what.tag, record_.by);
    return event;
  }
  std::optional<ServiceEvent> operator()(const control::ReleaseRevoked& what) const {
    ServiceEvent event = of_app(ServiceEventKind::release_revoked, what.app, what.number);
    event.message = fmt::format("{} {} is revoked, by {}{}{}", what.app, event.tag, record_.by,
                                what.why.empty() ? "" : ": ", what.why);
    return event;
  }
  std::optional<ServiceEvent> operator()(const control::RolloutStarted& what) const {
    ServiceEvent event = of_app(ServiceEventKind::rollout_started, what.app, what.release);
    event.message = fmt::format("{} {}: rollout {} is started, by {}", what.app, event.tag,
                                what.number, record_.by);
    return event;
  }
  std::optional<ServiceEvent> operator()(const control::WaveBegun& what) const {
    ServiceEvent event = of_rollout(ServiceEventKind::rollout_wave, what.app);
    event.message = fmt::format("{} {}: wave {} begins", what.app, event.tag, what.wave + 1);
    return event;
  }
  std::optional<ServiceEvent> operator()(const control::StateChanged& what) const {
    ServiceEvent event = of_rollout(ServiceEventKind::rollout_changed, what.app);
    event.message =
        fmt::format("{} {}: the rollout is {}{}{}", what.app, event.tag,
                    control::name_of(what.state), what.why.empty() ? "" : ": ", what.why);
    return event;
  }
  std::optional<ServiceEvent> operator()(const control::Outcome& what) const {
    if (what.stage != control::Stage::failed && what.stage != control::Stage::back_failed) {
      return std::nullopt;
    }
    ServiceEvent event = of_rollout(ServiceEventKind::rollout_host_failed, what.app);
    event.host = what.host;
    event.message =
        fmt::format("{} {}: {} failed: {}{}{}", what.app, event.tag, what.host,
                    control::text_of(what.reason), what.text.empty() ? "" : ": ", what.text);
    return event;
  }
  std::optional<ServiceEvent> operator()(const control::AgentSeen& what) const {
    return ServiceEvent{.kind = ServiceEventKind::agent_seen,
                        .message = fmt::format("agent {} ({})", what.host, what.identity),
                        .host = what.host};
  }
  std::optional<ServiceEvent> operator()(const control::AgentForgotten& what) const {
    return ServiceEvent{
        .kind = ServiceEventKind::agent_forgotten,
        .message = fmt::format("agent {} is forgotten, by {}", what.host, record_.by),
        .host = what.host,
        .by = record_.by};
  }
  std::optional<ServiceEvent> operator()(const auto& /*what*/) const { return std::nullopt; }

 private:
  [[nodiscard]] ServiceEvent of_app(ServiceEventKind kind, const std::string& name,
                                    control::ReleaseNumber number) const {
    ServiceEvent event{.kind = kind, .app = name, .by = record_.by};
    const control::App* app = state_.find_app(name);
    const control::Release* release =
        app == nullptr ? nullptr : control::find_release(*app, number);
    if (release != nullptr) {
      event.tag = release->tag;
      event.info_hash = release->info_hash.hex();
    }
    return event;
  }
  [[nodiscard]] ServiceEvent of_rollout(ServiceEventKind kind, const std::string& name) const {
    const control::App* app = state_.find_app(name);
    return of_app(kind, name,
                  app != nullptr && app->rollout ? app->rollout->release : control::no_release);
  }

  const control::State& state_;
  const control::Record& record_;
};

}  // namespace

std::optional<host::ServiceEvent> audit_event_of(const control::State& state,
                                                 const control::Record& record) {
  std::optional<host::ServiceEvent> event = std::visit(Describing(state, record), record.what);
  if (event) {
    event->message = printable_value(event->message);
  }
  return event;
}

}  // namespace murder::cli
