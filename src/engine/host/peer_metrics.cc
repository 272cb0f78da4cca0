#include "engine/host/peer_metrics.h"

#include <algorithm>

#include "engine/base/metrics_text.h"

namespace murder::host {
namespace {

using enum MetricType;

// Those that take time, in the order of a peer's life.
constexpr std::array<std::string_view, 6> timed_states = {"verifying", "downloading", "unpacking",
                                                          "copying",   "syncing",     "seeding"};

// All but the last are of one size.
uint64_t pieces_of(uint64_t bytes, const Geometry& geometry) {
  return Geometry{.total_bytes = bytes, .piece_bytes = geometry.piece_bytes}.piece_count();
}

void append_state(MetricsText& out, const PeerMetrics& metrics) {
  out.family("murder_peer_state", gauge, "1 for the state that the process is in, 0 for others.");
  for (const std::string_view state : peer_states) {
    out.sample({{"state", state}}, uint64_t{state == metrics.stages.state() ? 1U : 0U});
  }
  if (!metrics.failure.empty()) {
    out.family("murder_peer_failure", gauge, "1 when the process failed, by the kind of error.");
    out.sample({{"reason", metrics.failure}}, uint64_t{1});
  }
  out.family("murder_peer_stage_seconds", gauge, "Time spent in each state so far.");
  for (const std::string_view state : timed_states) {
    out.sample({{"stage", state}}, seconds_of(metrics.stages.spent_in(state)));
  }
  out.single("murder_peer_start_timestamp_seconds", gauge, "When the process started.",
             static_cast<uint64_t>(metrics.started_at_s));
  out.single("murder_peer_update_timestamp_seconds", gauge, "When these metrics were written.",
             static_cast<uint64_t>(metrics.written_at_s));
}

void append_content(MetricsText& out, const PeerMetrics& metrics) {
  const node::NodeProgress& now = metrics.progress;
  out.single("murder_peer_size_bytes", gauge, "Size of the archive of the release.",
             metrics.geometry.total_bytes);
  out.single("murder_peer_verified_bytes", gauge, "Bytes of it that are here and verified.",
             now.have_bytes);
  out.single("murder_peer_resumed_bytes", gauge, "Bytes of it that were here at the start.",
             now.resumed_bytes);
  const uint64_t piece_count = metrics.geometry.piece_count();
  const uint64_t have_count = pieces_of(now.have_bytes, metrics.geometry);
  out.family("murder_peer_pieces", gauge, "Pieces of it, by whether they are here.");
  out.sample({{"state", "verified"}}, have_count);
  out.sample({{"state", "missing"}}, piece_count - std::min(have_count, piece_count));
}

void append_transfer(MetricsText& out, const PeerMetrics& metrics) {
  const node::ShardStats& stats = metrics.progress.stats;
  out.family("murder_peer_received_bytes_total", counter,
             "Payload received, by whether it was asked for.");
  out.sample({{"kind", "wanted"}}, stats.downloaded_bytes);
  out.sample({{"kind", "unwanted"}}, stats.wasted_bytes);
  out.family("murder_peer_sent_bytes_total", counter, "Payload sent, by where it was taken from.");
  out.sample({{"source", "memory"}}, stats.io.sent_memory_bytes);
  out.sample({{"source", "page_cache"}}, stats.io.sent_splice_bytes);
  out.sample({{"source", "file"}}, stats.io.sent_read_bytes);
  out.single("murder_peer_hash_failures_total", counter,
             "Pieces that were fetched and did not match their hash.", stats.failed_pieces);
  out.single("murder_peer_connections", gauge, "Peers that it is connected to.",
             uint64_t{stats.open_count});
  out.family("murder_peer_trackers", gauge, "Trackers it announces to, by whether they answer.");
  const uint32_t working_count = std::min(metrics.progress.trackers_working, metrics.tracker_count);
  out.sample({{"state", "working"}}, uint64_t{working_count});
  out.sample({{"state", "failing"}}, uint64_t{metrics.tracker_count - working_count});
}

}  // namespace

size_t StageClock::number_of(std::string_view state) {
  const auto found = std::find(peer_states.begin(), peer_states.end(), state);
  return found == peer_states.end() ? 0 : static_cast<size_t>(found - peer_states.begin());
}

void StageClock::enter(std::string_view state, Instant now) {
  if (has_begun_) {
    spent_[state_] += now - since_;
  }
  has_begun_ = true;
  since_ = now;
  state_ = number_of(state);
}

Duration StageClock::spent_in(std::string_view state) const {
  return spent_[number_of(state)];
}

std::string render_peer_metrics(const PeerMetrics& metrics) {
  const std::array<MetricLabel, 3> common = {
      {{"role", metrics.role}, {"tag", metrics.tag}, {"info_hash", metrics.info_hash}}};
  MetricsText out(common);
  out.build_info();
  append_state(out, metrics);
  append_content(out, metrics);
  append_transfer(out, metrics);
  return out.take();
}

}  // namespace murder::host
