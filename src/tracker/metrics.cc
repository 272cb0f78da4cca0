// What /metrics shows. docs/monitoring.md has the same list, with what each is for.
#include "engine/base/metrics_text.h"
#include "engine/codec/announce.h"
#include "tracker/snapshot.h"

namespace murder::tracker {

namespace {

using enum MetricType;

void append_announces(MetricsText& out, const Snapshot& snapshot) {
  using codec::AnnounceEvent;
  out.family("murder_tracker_announces_total", counter, "Announces, by event.");
  const auto announces = [&](AnnounceEvent event, std::string_view name) {
    out.sample({{"event", name}}, snapshot.service.announces_by_event[static_cast<size_t>(event)]);
  };
  announces(AnnounceEvent::none, "none");
  announces(AnnounceEvent::started, "started");
  announces(AnnounceEvent::stopped, "stopped");
  announces(AnnounceEvent::completed, "completed");
  out.single("murder_tracker_announces_refused_total", counter,
             "Announces answered with a failure reason.", snapshot.service.announces_refused);
  out.histogram("murder_tracker_announce_seconds",
                "Time from reading an announce to sending its answer.", snapshot.announce_latency);
}

void append_table(MetricsText& out, const Snapshot& snapshot) {
  out.single("murder_tracker_swarms", gauge, "Releases that are known.",
             uint64_t{snapshot.swarm_count});
  out.family("murder_tracker_peers", gauge, "Peers of all releases, by state.");
  out.sample({{"state", "seeder"}}, uint64_t{snapshot.totals.seeder_count});
  out.sample({{"state", "leecher"}}, uint64_t{snapshot.totals.leecher_count});
  out.single("murder_tracker_left_bytes", gauge, "Bytes that all leechers together still need.",
             snapshot.totals.left_bytes);
  out.single("murder_tracker_peer_records", gauge, "Addresses of peers in the table.",
             uint64_t{snapshot.record_count});
  out.single("murder_tracker_table_bytes", gauge, "Memory of the peer table.",
             snapshot.table_bytes);
}

void append_http(MetricsText& out, const Snapshot& snapshot) {
  const HttpCounts& http = snapshot.http;
  out.single("murder_tracker_scrapes_total", counter, "Scrapes.", snapshot.service.scrapes);
  out.single("murder_tracker_http_requests_total", counter, "Well-formed HTTP requests.",
             snapshot.service.requests);
  out.single("murder_tracker_http_bad_requests_total", counter,
             "HTTP requests that were malformed or too large.", http.bad_requests);
  out.single("murder_tracker_http_connections_total", counter, "HTTP connections accepted.",
             http.connections);
  out.single("murder_tracker_http_connections", gauge, "HTTP connections open.",
             uint64_t{http.connections_open});
  out.single("murder_tracker_http_timeouts_total", counter, "HTTP connections closed for silence.",
             http.timeouts);
  out.single("murder_tracker_http_evictions_total", counter,
             "HTTP connections, idle or slow, closed to make room.", http.evictions);
  out.single("murder_tracker_http_crowded_total", counter,
             "HTTP connections closed and requests refused since clients did not read.",
             http.crowded);
  out.single("murder_tracker_http_accept_failures_total", counter,
             "Connections that could not be accepted.", http.accept_failures);
}

// Labels of one release. Its tag alone may be that of two, when it was packed anew.
struct ReleaseLabels {
  explicit ReleaseLabels(const SwarmLine& line) : name(line.name), hash(line.info_hash.hex()) {}

  [[nodiscard]] MetricLabel tag() const { return {"tag", name}; }
  [[nodiscard]] MetricLabel info_hash() const { return {"info_hash", hash}; }

  std::string_view name;
  std::string hash;
};

// A host is in one state.
void append_hosts(MetricsText& out, const SwarmLine& line) {
  const ReleaseLabels labels(line);
  const auto hosts = [&](std::string_view state, uint32_t count) {
    out.sample({labels.tag(), {"state", state}, labels.info_hash()}, uint64_t{count});
  };
  hosts("source", line.counts.source_count);
  hosts("done", line.done_count());
  hosts("fetching", line.progress.fetching_count);
  hosts("lost", line.progress.lost_count);
}

template <typename Value>
void append_of_releases(MetricsText& out, const Snapshot& snapshot, Value&& value) {
  for (const SwarmLine& line : snapshot.swarms) {
    const ReleaseLabels labels(line);
    out.sample({labels.tag(), labels.info_hash()}, value(line));
  }
}

void append_releases(MetricsText& out, const Snapshot& snapshot) {
  if (snapshot.swarms.empty()) {
    return;
  }
  out.family("murder_release_hosts", gauge, "Hosts of a release, by state.");
  for (const SwarmLine& line : snapshot.swarms) {
    append_hosts(out, line);
  }
  out.family("murder_release_size_bytes", gauge, "Size of a release, 0 while it is not known.");
  append_of_releases(out, snapshot, [](const SwarmLine& line) { return line.total_bytes; });
  out.family("murder_release_left_bytes", gauge, "Bytes that the hosts of a release still need.");
  append_of_releases(out, snapshot, [](const SwarmLine& line) { return line.counts.left_bytes; });
  out.family("murder_release_delivered_bytes_total", counter,
             "Bytes of a release that hosts have fetched.");
  append_of_releases(out, snapshot, [](const SwarmLine& line) { return line.delivered_bytes; });
  out.family("murder_release_elapsed_seconds", gauge,
             "Duration of a release's current or last round of fetching.");
  append_of_releases(out, snapshot, [](const SwarmLine& line) {
    return seconds_of(line.elapsed.value_or(Duration{}));
  });
}

}  // namespace

std::string render_metrics(const Snapshot& snapshot) {
  MetricsText out;
  out.build_info();
  out.single("murder_tracker_uptime_seconds", gauge, "Time since the tracker started.",
             seconds_of(snapshot.uptime));
  append_announces(out, snapshot);
  append_table(out, snapshot);
  append_http(out, snapshot);
  append_releases(out, snapshot);
  return out.take();
}

}  // namespace murder::tracker
