// What is known of an agent's process: what it says, its state in a line, its metrics.
#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>

#include "agent/agent_metrics.h"
#include "agent/agent_process.h"
#include "agent/placed.h"

namespace murder::agent {

void AgentProcess::say(host::ServiceEventKind kind, std::string_view text, std::string_view tag,
                       const std::optional<InfoHash>& release) {
  if (!service_->report({.kind = kind,
                         .message = std::string(text),
                         .tag = std::string(tag),
                         .host = run_.options.host,
                         .info_hash = release ? release->hex() : ""})) {
    parent_.note(text);
  }
}

void AgentProcess::say_changes() {
  for (size_t index = 0; index < apps_.size(); ++index) {
    App& app = apps_[index];
    const control::KeptApp& kept = machine_->kept().apps[index];
    if (kept.phase == control::Phase::idle && kept.active && kept.is_healthy &&
        app.said_active != kept.active->info_hash) {
      app.said_active = kept.active->info_hash;
      const std::string tag = placed_tag(app.worker->app(), kept.active->info_hash);
      say(host::ServiceEventKind::release_activated,
          fmt::format("{}: {} is active and healthy", kept.app, tag), tag, kept.active->info_hash);
    }
    if (kept.failure != control::Reason::none && kept.failed_attempt != app.said_failure) {
      app.said_failure = kept.failed_attempt;
      say(host::ServiceEventKind::release_failed,
          fmt::format("{}: {}{}{}", kept.app, control::text_of(kept.failure),
                      kept.text.empty() ? "" : ": ", kept.text),
          app.wanted ? app.worker->tag_of(*app.wanted) : std::string(), app.wanted);
    }
  }
}

std::string AgentProcess::state_line() const {
  std::string text =
      link_ && link_->is_open() ? "connected to " + link_->coordinator().text() : "no coordinator";
  for (const control::KeptApp& app : machine_->kept().apps) {
    text += fmt::format("; {}: {}", app.app,
                        !app.active      ? "nothing yet"
                        : app.is_healthy ? "healthy"
                                         : "not healthy");
  }
  return text;
}

std::string AgentProcess::metrics() const {
  AgentMetrics view{.is_connected = link_->is_open(),
                    .connections = link_->opened_count(),
                    .reports = report_count_,
                    .wanted = wanted_count_,
                    .apps = {}};
  for (size_t index = 0; index < apps_.size(); ++index) {
    view.apps.push_back({.kept = machine_->kept().apps[index],
                         .counters = apps_[index].worker->counters(),
                         .health_failures = apps_[index].health == nullptr
                                                ? 0
                                                : apps_[index].health->failure_count()});
  }
  return render_agent_metrics(view);
}

uint64_t AgentProcess::free_bytes() const {
  uint64_t least = UINT64_MAX;
  for (const AppOptions& app : run_.options.apps) {
    // Of the directory, or of the nearest one above it that is there.
    std::string path = app.to;
    struct statvfs status {};
    while (statvfs(path.c_str(), &status) != 0 && path.size() > 1) {
      path.resize(std::max<size_t>(path.rfind('/'), 1));
    }
    least = std::min<uint64_t>(least, uint64_t{status.f_bavail} * status.f_frsize);
  }
  return least == UINT64_MAX ? 0 : least;
}

}  // namespace murder::agent
