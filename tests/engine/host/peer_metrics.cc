#include "engine/host/peer_metrics.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace murder;
using namespace murder::host;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view labels = "role=\"peer\",tag=\"v42\",info_hash=\"00ff\"";

bool has_line(const std::string& text, std::string_view name, std::string_view more,
              std::string_view value) {
  std::string line = "\n" + std::string(name) + "{" + std::string(labels);
  line += (more.empty() ? "" : ",") + std::string(more) + "} " + std::string(value) + "\n";
  return text.find(line) != std::string::npos;
}

PeerMetrics metrics_at_work(const StageClock& stages) {
  PeerMetrics metrics{.role = "peer",
                      .tag = "v42",
                      .info_hash = "00ff",
                      .stages = stages,
                      .failure = {},
                      .progress = {},
                      .geometry = {.total_bytes = 950, .piece_bytes = 100},
                      .tracker_count = 3,
                      .started_at_s = 1'700'000'000,
                      .written_at_s = 1'700'000'009};
  metrics.progress.have_bytes = 550;  // the last piece, which is shorter, among them
  metrics.progress.resumed_bytes = 100;
  metrics.progress.trackers_working = 1;
  metrics.progress.stats = {
      .downloaded_bytes = 700,
      .uploaded_bytes = 60,
      .wasted_bytes = 5,
      .failed_pieces = 2,
      .open_count = 4,
      .io = {.sent_memory_bytes = 10, .sent_splice_bytes = 20, .sent_read_bytes = 30}};
  return metrics;
}

}  // namespace

TEST_CASE("a stage clock adds what each state took") {
  StageClock clock;
  const Instant start = Instant{} + 1h;
  CHECK(clock.state() == "starting");
  clock.enter("verifying", start);
  clock.enter("verifying", start + 2s);
  clock.enter("downloading", start + 5s);
  clock.enter("unpacking", start + 6s);
  clock.enter("downloading", start + 7s);
  clock.enter("done", start + 10s);
  CHECK(clock.spent_in("verifying") == 5s);
  CHECK(clock.spent_in("downloading") == 4s);
  CHECK(clock.spent_in("unpacking") == 1s);
  CHECK(clock.spent_in("seeding") == 0s);
  CHECK(clock.state() == "done");
}

TEST_CASE("metrics of a peer at work") {
  StageClock stages;
  stages.enter("verifying", Instant{} + 1h);
  stages.enter("downloading", Instant{} + 1h + 1500ms);
  const std::string text = render_peer_metrics(metrics_at_work(stages));
  CHECK(has_line(text, "murder_peer_state", "state=\"downloading\"", "1"));
  CHECK(has_line(text, "murder_peer_state", "state=\"done\"", "0"));
  CHECK(has_line(text, "murder_peer_stage_seconds", "stage=\"verifying\"", "1.5"));
  CHECK(has_line(text, "murder_peer_size_bytes", "", "950"));
  CHECK(has_line(text, "murder_peer_verified_bytes", "", "550"));
  CHECK(has_line(text, "murder_peer_resumed_bytes", "", "100"));
  CHECK(has_line(text, "murder_peer_pieces", "state=\"verified\"", "6"));
  CHECK(has_line(text, "murder_peer_pieces", "state=\"missing\"", "4"));
  CHECK(has_line(text, "murder_peer_received_bytes_total", "kind=\"wanted\"", "700"));
  CHECK(has_line(text, "murder_peer_received_bytes_total", "kind=\"unwanted\"", "5"));
  CHECK(has_line(text, "murder_peer_sent_bytes_total", "source=\"memory\"", "10"));
  CHECK(has_line(text, "murder_peer_sent_bytes_total", "source=\"page_cache\"", "20"));
  CHECK(has_line(text, "murder_peer_sent_bytes_total", "source=\"file\"", "30"));
  CHECK(has_line(text, "murder_peer_hash_failures_total", "", "2"));
  CHECK(has_line(text, "murder_peer_connections", "", "4"));
  CHECK(has_line(text, "murder_peer_trackers", "state=\"working\"", "1"));
  CHECK(has_line(text, "murder_peer_trackers", "state=\"failing\"", "2"));
  CHECK(has_line(text, "murder_peer_start_timestamp_seconds", "", "1700000000"));
  CHECK(has_line(text, "murder_peer_update_timestamp_seconds", "", "1700000009"));
  CHECK(text.find("murder_build_info{" + std::string(labels) + ",version=\"") != std::string::npos);
  CHECK(text.find("murder_peer_failure") == std::string::npos);
}

TEST_CASE("a peer that failed says why, also when it never had a node") {
  StageClock stages;
  stages.enter("failed", Instant{} + 1h);
  const std::string text = render_peer_metrics({.role = "peer",
                                                .tag = "v42",
                                                .info_hash = "00ff",
                                                .stages = stages,
                                                .failure = "no_space",
                                                .progress = {},
                                                .geometry = {}});
  CHECK(has_line(text, "murder_peer_failure", "reason=\"no_space\"", "1"));
  CHECK(has_line(text, "murder_peer_state", "state=\"failed\"", "1"));
  CHECK(has_line(text, "murder_peer_pieces", "state=\"missing\"", "0"));
}
