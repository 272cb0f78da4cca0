#include "agent/agent_metrics.h"

#include <algorithm>

#include "engine/base/metrics_text.h"

namespace murder::agent {
namespace {

constexpr MetricType counter = MetricType::counter;
constexpr MetricType gauge = MetricType::gauge;

void write_link(MetricsText& out, const AgentMetrics& metrics) {
  out.single("murder_agent_connected", gauge, "Whether a coordinator is connected.",
             uint64_t{metrics.is_connected ? 1U : 0U});
  out.single("murder_agent_connections_total", counter, "Connections that were made.",
             metrics.connections);
  out.single("murder_agent_reports_total", counter, "Reports that were sent.", metrics.reports);
  out.single("murder_agent_wanted_total", counter, "Messages of coordinators that were heard.",
             metrics.wanted);
}

void write_releases(MetricsText& out, const AgentMetrics& metrics) {
  out.family("murder_agent_releases", gauge, "Releases that are here, by state.");
  for (const AgentMetrics::App& app : metrics.apps) {
    const control::KeptApp& kept = app.kept;
    const uint64_t active = kept.active ? 1 : 0;
    const auto ready = static_cast<uint64_t>(
        std::count_if(kept.ready.begin(), kept.ready.end(),
                      [&](const control::HeldRelease& held) { return held != kept.active; }));
    out.sample({{"app", kept.app}, {"state", "active"}}, active);
    out.sample({{"app", kept.app}, {"state", "ready"}}, ready);
    out.sample({{"app", kept.app}, {"state", "revoked"}}, uint64_t{kept.revoked.size()});
  }
  out.family("murder_agent_healthy", gauge, "Whether what is active is healthy.");
  for (const AgentMetrics::App& app : metrics.apps) {
    out.sample({{"app", app.kept.app}}, uint64_t{app.kept.is_healthy ? 1U : 0U});
  }
}

void write_work(MetricsText& out, const AgentMetrics& metrics) {
  out.family("murder_agent_received_bytes_total", counter,
             "Content of releases, by where it came from.");
  for (const AgentMetrics::App& app : metrics.apps) {
    out.sample({{"app", app.kept.app}, {"source", "swarm"}}, app.counters.fetched_bytes);
    out.sample({{"app", app.kept.app}, {"source", "disk"}}, app.counters.resumed_bytes);
    out.sample({{"app", app.kept.app}, {"source", "wasted"}}, app.counters.wasted_bytes);
  }
  out.family("murder_agent_hash_failures_total", counter, "Pieces that were not what they should.");
  for (const AgentMetrics::App& app : metrics.apps) {
    out.sample({{"app", app.kept.app}}, app.counters.hash_failures);
  }
  out.family("murder_agent_steps_total", counter, "Steps that ended, by outcome.");
  for (const AgentMetrics::App& app : metrics.apps) {
    const AppCounters& counters = app.counters;
    out.sample({{"app", app.kept.app}, {"step", "fetch"}, {"outcome", "done"}}, counters.fetches);
    out.sample({{"app", app.kept.app}, {"step", "fetch"}, {"outcome", "failed"}},
               counters.fetch_failures);
    out.sample({{"app", app.kept.app}, {"step", "activate"}, {"outcome", "done"}},
               counters.activations);
    out.sample({{"app", app.kept.app}, {"step", "activate"}, {"outcome", "failed"}},
               counters.activation_failures);
  }
  out.family("murder_agent_stage_seconds_total", counter, "Time that was spent in steps.");
  for (const AgentMetrics::App& app : metrics.apps) {
    out.sample({{"app", app.kept.app}, {"stage", "fetch"}}, seconds_of(app.counters.fetching));
    out.sample({{"app", app.kept.app}, {"stage", "activate"}}, seconds_of(app.counters.activating));
  }
  out.family("murder_agent_health_failures_total", counter, "Health checks that failed.");
  for (const AgentMetrics::App& app : metrics.apps) {
    out.sample({{"app", app.kept.app}}, app.health_failures);
  }
}

}  // namespace

std::string render_agent_metrics(const AgentMetrics& metrics) {
  MetricsText out;
  out.build_info();
  write_link(out, metrics);
  write_releases(out, metrics);
  write_work(out, metrics);
  return out.take();
}

}  // namespace murder::agent
