// What the tracker's pages show, as values: taken from the table in one go, rendered by pure code.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/latency_histogram.h"
#include "engine/base/types.h"
#include "tracker/peer_table.h"

namespace murder::tracker {

// Since the start; they never fall.
struct ServiceCounters {
  std::array<uint64_t, 4> announces_by_event{};  // index: codec::AnnounceEvent
  uint64_t announces_refused = 0;                // answered with a failure reason
  uint64_t scrapes = 0;
  uint64_t requests = 0;  // HTTP requests that were well-formed, of any kind

  [[nodiscard]] uint64_t announces() const {
    uint64_t sum = 0;
    for (const uint64_t count : announces_by_event) {
      sum += count;
    }
    return sum;
  }
};

struct HttpCounts {
  uint32_t connections_open = 0;
  uint64_t connections = 0;
  uint64_t bad_requests = 0;
  uint64_t timeouts = 0;
  uint64_t evictions = 0;
  uint64_t crowded = 0;
  uint64_t accept_failures = 0;
};

struct SwarmLine {
  InfoHash info_hash;
  std::string name;  // presentable; empty when no peer told it
  SwarmCounts counts;
  uint64_t total_bytes = 0;  // of the release; 0 when no peer told it
  uint64_t delivered_bytes = 0;
  SwarmProgress progress;
  Duration since_last_announce{};
  std::optional<Duration> elapsed;    // of this round of fetching, or the last one
  uint64_t rate_bytes_per_s = 0;      // of all hosts together
  std::optional<Duration> remaining;  // at this rate

  // Hosts that have the release, the sources not among them: also those that have left since.
  [[nodiscard]] uint32_t done_count() const;
  // Hosts that are to have it, as far as they are known.
  [[nodiscard]] uint32_t host_count() const { return done_count() + counts.leecher_count; }
  // Of what all these hosts are to have, rounded down: 100 when nobody lacks anything. Nothing
  // while there is no host, or the size is not known.
  [[nodiscard]] std::optional<uint32_t> percent() const;
};

struct Snapshot {
  Instant now;
  Duration uptime{};
  LatencyHistogram announce_latency;
  SwarmCounts totals;
  uint32_t swarm_count = 0;
  uint32_t record_count = 0;
  uint64_t table_bytes = 0;
  ServiceCounters service;
  HttpCounts http;
  // Swarms in which somebody fetches, then others with peers, then empty ones; within these in
  // SnapshotLimits::order, then by info hash.
  std::vector<SwarmLine> swarms;
};

enum class SwarmOrder : uint8_t { by_name, newest_first };

struct SnapshotLimits {
  uint32_t lines_max = 0;    // swarms that are listed
  uint32_t slowest_max = 0;  // leechers that are named in each
  uint32_t racks_max = 0;    // likewise, racks
  // Leechers and racks of all swarms together; later swarms go without.
  uint32_t rows_max = UINT32_MAX;
  const InfoHash* only = nullptr;
  SwarmOrder order = SwarmOrder::by_name;
};

// The part that comes from the table.
[[nodiscard]] Snapshot take_snapshot(const PeerTable& table, Instant now,
                                     const SnapshotLimits& limits);

[[nodiscard]] std::string render_status_page(const Snapshot& snapshot);  // HTML
[[nodiscard]] std::string render_status_json(const Snapshot& snapshot);  // one object
[[nodiscard]] std::string render_metrics(const Snapshot& snapshot);      // Prometheus, text 0.0.4

}  // namespace murder::tracker
