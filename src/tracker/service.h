// The tracker over HTTP: /announce, /scrape, a status page at /, /status.json (of one release:
// ?info_hash= and 40 hexadecimal digits) and /metrics. The coordinator has what is below /control/.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/callback.h"
#include "engine/base/instant.h"
#include "engine/base/prng.h"
#include "engine/codec/announce.h"
#include "engine/http/server.h"
#include "tracker/peer_table.h"
#include "tracker/service_gate.h"
#include "tracker/service_pages.h"
#include "tracker/snapshot.h"

namespace murder::tracker {

// Lives on the thread of the server that calls it; the table and the server outlive it. What a
// client did wrong is told as a bencoded failure reason with status 200, as is the custom. Pages
// are kept for a second when they are asked for often, and all viewers together have a small share
// of the thread's time: beyond it they wait, or are told to come back.
class Service : public http::Handler {
 public:
  struct Options {
    Instant started_at;
    uint64_t random_seed = 0;
  };

  Service(PeerTable& table, const Options& options)
      : table_(table), prng_(options.random_seed), started_at_(options.started_at) {}

  // Open to all at first.
  [[nodiscard]] Gate& gate() { return gate_; }

  // Answers what is below /control/ from now on, and decides itself who may ask; nullptr: nobody
  // does. Outlives this object, or is taken away before it goes.
  void set_coordinator(http::Handler* coordinator) { coordinator_ = coordinator; }

  http::Response handle(const http::Request& request, Instant now) override;
  http::LargeBody admit_large_body(const http::Request& head) override;
  void take_over(http::TakenSocket socket, const http::Request& request,
                 std::span<const uint8_t> early) override;

  // The end of a turn of the reactor, in which announces were answered: their answers leave now, so
  // long after the turn began. One reading of the clock serves them all.
  [[nodiscard]] bool has_answered() const { return answered_count_ > 0; }
  void answers_leave(Duration latency) {
    announce_latency_.record(latency, answered_count_);
    answered_count_ = 0;
  }

  // What /metrics shows besides; nothing: no more.
  void show_metrics_of(Callback<std::string()> more) { more_metrics_ = more; }
  // The server whose counters /metrics shows; nullptr: none.
  void show_counters_of(const http::Server* server) { server_ = server; }
  [[nodiscard]] const ServiceCounters& counters() const { return counters_; }
  [[nodiscard]] std::string status_json(Instant now) const;
  [[nodiscard]] std::string metrics(Instant now) const;  // as /metrics shows them

 private:
  http::Response announce(const http::Request& request, const Gate::Admission& admission,
                          Instant now);
  http::Response scrape(const http::Request& request, const Gate::Admission& admission,
                        Instant now);
  [[nodiscard]] std::string scrape_of_all() const;
  [[nodiscard]] Snapshot snapshot(Instant now, const SnapshotLimits& limits) const;
  http::Response show(const http::Request& request, const PageCache::Key& key, Instant now);
  [[nodiscard]] std::string make(const PageCache::Key& key, Instant now) const;
  http::Response status(const http::Request& request, const Gate::Admission& admission,
                        Instant now);

  PeerTable& table_;
  Prng prng_;
  Gate gate_;
  Instant started_at_;
  ServiceCounters counters_;
  LatencyHistogram announce_latency_;
  uint32_t answered_count_ = 0;  // announces of this turn
  codec::AnnounceReply reply_;   // its storage is used again
  PageCache pages_;
  ViewerGate viewers_;
  const http::Server* server_ = nullptr;
  http::Handler* coordinator_ = nullptr;
  Callback<std::string()> more_metrics_;
};

}  // namespace murder::tracker
