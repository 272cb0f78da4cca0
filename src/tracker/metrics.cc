// Prometheus text exposition, version 0.0.4.
#include <fmt/format.h>

#include <iterator>

#include "engine/codec/announce.h"
#include "tracker/snapshot.h"

namespace murder::tracker {

namespace {

class Exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    fmt::format_to(std::back_inserter(text_),
                   "# HELP murder_tracker_{0} {1}\n# TYPE murder_tracker_{0} {2}\n", name, help,
                   type);
  }
  template <typename Value>
  void sample(Value value, std::string_view labels = {}) {
    fmt::format_to(std::back_inserter(text_), "murder_tracker_{}{} {}\n", name_, labels, value);
  }
  template <typename Value>
  void single(std::string_view name, std::string_view type, std::string_view help, Value value) {
    family(name, type, help);
    sample(value);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string_view name_;
};

}  // namespace

std::string render_metrics(const Snapshot& snapshot) {
  using codec::AnnounceEvent;
  Exposition out;
  out.family("announces_total", "counter", "Announces, by event.");
  const auto announces = [&](AnnounceEvent event, std::string_view labels) {
    out.sample(snapshot.service.announces_by_event[static_cast<size_t>(event)], labels);
  };
  announces(AnnounceEvent::none, "{event=\"none\"}");
  announces(AnnounceEvent::started, "{event=\"started\"}");
  announces(AnnounceEvent::stopped, "{event=\"stopped\"}");
  announces(AnnounceEvent::completed, "{event=\"completed\"}");
  out.single("announces_refused_total", "counter", "Announces answered with a failure reason.",
             snapshot.service.announces_refused);
  out.single("scrapes_total", "counter", "Scrapes.", snapshot.service.scrapes);
  out.single("swarms", "gauge", "Releases that are known.", snapshot.swarm_count);
  out.family("peers", "gauge", "Peers of all releases, by state.");
  out.sample(snapshot.totals.seeder_count, "{state=\"seeder\"}");
  out.sample(snapshot.totals.leecher_count, "{state=\"leecher\"}");
  out.single("left_bytes", "gauge", "Bytes that all leechers together still need.",
             snapshot.totals.left_bytes);
  out.single("peer_records", "gauge", "Addresses of peers in the table.", snapshot.record_count);
  out.single("table_bytes", "gauge", "Memory of the peer table.", snapshot.table_bytes);
  out.single("http_requests_total", "counter", "Well-formed HTTP requests.",
             snapshot.service.requests);
  out.single("http_bad_requests_total", "counter",
             "HTTP requests that were malformed or too large.", snapshot.http.bad_requests);
  out.single("http_connections_total", "counter", "HTTP connections accepted.",
             snapshot.http.connections);
  out.single("http_connections", "gauge", "HTTP connections open.", snapshot.http.connections_open);
  out.single("http_timeouts_total", "counter", "HTTP connections closed for silence.",
             snapshot.http.timeouts);
  out.single("http_evictions_total", "counter",
             "HTTP connections, idle or slow, closed to make room.", snapshot.http.evictions);
  out.single("http_crowded_total", "counter",
             "HTTP connections closed and requests refused since clients did not read.",
             snapshot.http.crowded);
  out.single("http_accept_failures_total", "counter", "Connections that could not be accepted.",
             snapshot.http.accept_failures);
  out.single("uptime_seconds", "gauge", "Time since the tracker started.",
             fmt::format("{:.3f}", seconds_of(snapshot.uptime)));
  return out.take();
}

}  // namespace murder::tracker
