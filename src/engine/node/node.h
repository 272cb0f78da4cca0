// A release on this host: fetches it, or serves it, until stopped. The home of its shards.
//
// Phases: verifying (a thread reads what is on disk) -> fetching -> serving -> stopping -> stopped;
// from any of them to failed, which is told once and followed by stop(). Lives on the home thread,
// that of `reactor`, which also runs shard 0; further shards have threads of their own. One that is
// destroyed without stop() ends its connections and waits for what the kernel holds of it.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/archive/observer.h"
#include "engine/base/bit_set.h"
#include "engine/base/bounds.h"
#include "engine/base/ensure.h"
#include "engine/base/port_range.h"
#include "engine/codec/metainfo.h"
#include "engine/io/notifier.h"
#include "engine/io/reactor.h"
#include "engine/node/bounds.h"
#include "engine/node/messages.h"
#include "engine/node/shard.h"
#include "engine/node/shard_thread.h"
#include "engine/node/store.h"
#include "engine/node/store_watch.h"
#include "engine/node/tracker_client.h"
#include "engine/swarm/lease_ledger.h"
#include "engine/trust/fleet_key.h"
#include "engine/trust/swarm_keys.h"

namespace murder::node {

struct NodeOptions {
  InfoHash info_hash;
  std::string path;             // the file, or for a torrent of several files their directory
  bool serve_only = false;      // everything must be there already, nothing is written
  std::string name;             // the tag, for the tracker's page
  std::string host_label;       // what this host calls itself there; may be empty
  std::string rack;             // where this host stands (base/rack.h); may be empty
  std::optional<IpAddress> ip;  // announced; listened on and connected from where it is ours
  PortRange ports;              // the first free one of them
  uint32_t shard_count = 1;
  uint64_t memory_bytes = limits::memory_bytes_default;  // of the whole process
  bool direct_io = true;  // pieces are written past the page cache where the file system can
  SendPath send_path = SendPath::automatic;
  uint64_t upload_limit = 0;  // bytes a second, shared out over the shards; 0: none
  uint64_t download_limit = 0;
  std::optional<trust::FleetKeys> fleet_keys;      // of a closed swarm; nothing: an open one
  bool is_encrypted = false;                       // links are, by TLS; of a closed swarm only
  uint64_t rekey_bytes = limits::tls_rekey_bytes;  // a key of theirs is used for that much
  std::string pins;  // keys of https trackers (http::RequestOptions::pins)
};

enum class NodePhase : uint8_t { verifying, fetching, serving, stopping, stopped };

struct NodeProgress {
  NodePhase phase = NodePhase::verifying;
  uint64_t verified_bytes = 0;  // looked at, while verifying
  uint64_t have_bytes = 0;
  uint64_t total_bytes = 0;
  uint64_t resumed_bytes = 0;  // of have_bytes: were on disk at the start
  ShardStats stats;            // of all shards
  Endpoint listens_on;
  std::string tracker_trouble;  // empty when all is well
  uint32_t trackers_working = 0;
  std::string rack;  // empty: none is known
};

// Those of the torrent that can be asked, without twins, at most limits::trackers_max.
[[nodiscard]] std::vector<std::string> tracker_urls(const codec::Metainfo& metainfo);
// Of a torrent without any that can be asked, where something has to be fetched.
[[nodiscard]] Error no_tracker_error();
// What there is to say of the others, once; empty: there are none.
[[nodiscard]] std::string unusable_trackers_text(const codec::Metainfo& metainfo);

class NodeObserver {
 public:
  // Verified, listening, announcing.
  virtual void node_ready() = 0;
  // Everything is there and written. After node_ready(), at most once.
  virtual void node_complete() = 0;
  // A line for people on what changed (a tracker is down, wrong data came).
  virtual void node_notice(const std::string& line) = 0;
  // It cannot go on. The owner calls stop().
  virtual void node_failed(const Error& error) = 0;
  // After stop(): nothing is in flight any more.
  virtual void node_stopped() = 0;

 protected:
  ~NodeObserver() = default;
};

class Node final : private ShardOutbox, private TrackerClientOwner {
 public:
  // Takes the lock on the files and starts to verify. `metainfo` and `observer` outlive the node.
  [[nodiscard]] static Result<std::unique_ptr<Node>> create(io::Reactor& reactor,
                                                            const codec::Metainfo& metainfo,
                                                            const NodeOptions& options,
                                                            NodeObserver& observer);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();

  // Leaves the swarm: tells the trackers, ends all connections. node_stopped() follows within
  // seconds.
  void stop();
  [[nodiscard]] NodeProgress progress() const;
  [[nodiscard]] NodePhase phase() const { return phase_; }
  // For how long the home has not heard of one of the shards, each of which reports ten times a
  // second: of the most silent one. Zero while there is none, and once it stops.
  [[nodiscard]] Duration longest_silence() const {
    const bool all_report = !heard_at_.empty() && phase_ < NodePhase::stopping;
    return all_report ? reactor_.now() - *std::ranges::min_element(heard_at_) : Duration::zero();
  }
  // How many pieces from the first on are verified and written, without a gap; at least `from`,
  // which it was before. After node_ready(), of a release that has pieces.
  [[nodiscard]] uint32_t front(uint32_t from) const {
    ENSURE(shard_ != nullptr);
    return shard_->swarm().stored().find_unset(from);
  }

 private:
  class VerifyObserver final : public archive::Observer {
   public:
    void progress(const archive::ByteProgress& progress) override {
      bytes_done.store(progress.bytes_done, std::memory_order_relaxed);
    }
    std::atomic<uint64_t> bytes_done{0};
  };

  Node(io::Reactor& reactor, const codec::Metainfo& metainfo, const NodeOptions& options,
       NodeObserver& observer, StoreLock lock);

  static uint64_t bytes_of(const Geometry& geometry, const BitSet& pieces);
  void start_verifying();
  void verified(io::Notifier& notifier);
  void verify_other();
  [[nodiscard]] Status start_fetching();
  [[nodiscard]] Status start_shards(const BitSet& have);
  [[nodiscard]] Status make_shards(const BitSet& have);
  [[nodiscard]] Result<io::Fd> listen_first(const io::ListenOptions& listen_options);
  [[nodiscard]] Result<io::Fd> listen_on(uint16_t port, const io::ListenOptions& listen_options);
  [[nodiscard]] Result<std::vector<io::Fd>> listen();
  void start_tracker_client();
  void fail_once(const Error& error);

  // ShardOutbox, on the home thread
  void post(const ShardReport& report) override;
  void handle_reports(io::TurnHook& hook);
  void handle(const ShardReport& report);
  void on(ShardIndex shard, const ShardStats& stats);
  void on(ShardIndex shard, const to_home::LeaseRequest& message);
  void on(ShardIndex shard, const to_home::LeaseReturn& message);
  void on(ShardIndex shard, const to_home::LeaseFulfilled& message);
  void on(ShardIndex shard, const to_home::Completed& message);
  void on(ShardIndex shard, const to_home::Stopped& message);
  void on(ShardIndex shard, const to_home::WriteFailed& message);
  void on(ShardIndex shard, const to_home::ReadFailed& message);
  void deliver(ShardIndex shard, const FromHome& message);
  void broadcast(ShardIndex except, const FromHome& message);
  void complete();
  void tick(io::Timer& timer);
  void tell_notices(const ShardStats& stats);
  void check_stopped();

  // TrackerClientOwner
  codec::AnnounceRequest announce_request() override;
  void rack_told(const std::string& rack) override;
  void peers_found(std::span<const codec::AnnouncePeer> peers) override;
  void tracker_changed(std::string line) override { observer_.node_notice(line); }

  io::Reactor& reactor_;
  const codec::Metainfo& metainfo_;
  NodeOptions options_;
  NodeObserver& observer_;
  StoreLock lock_;
  NodePhase phase_ = NodePhase::verifying;
  bool failed_ = false;
  Prng prng_;
  PeerId peer_id_;
  Endpoint listens_on_;
  std::optional<IpAddress> source_;

  std::thread verifier_;
  io::Notifier verifier_done_;
  VerifyObserver verify_observer_;
  archive::CancelFlag verify_cancel_;
  Result<BitSet> verify_result_;
  uint32_t replacements_ = 0;  // of what is at the path, while it was verified
  std::optional<trust::SwarmKeys> closed_;
  StoreWatch watch_;  // when everything is there from the start
  uint64_t resumed_bytes_ = 0;

  std::unique_ptr<swarm::LeaseLedger> ledger_;
  std::unique_ptr<Shard> shard_;                       // shard 0
  std::vector<std::unique_ptr<ShardThread>> threads_;  // shards 1 ..
  std::vector<ShardReport> reports_;                   // of shard 0, until the end of the turn
  std::vector<ShardStats> stats_;                      // by shard
  std::vector<Instant> heard_at_;                      // by shard, when stats_ came
  uint32_t shards_stopped_ = 0;
  uint32_t next_shard_ = 0;  // that is given a candidate
  uint64_t failed_pieces_told_ = 0;
  uint64_t unproven_to_tell_ = 1;   // connections without the key: told from that many on
  uint64_t differing_to_tell_ = 1;  // likewise, of another transport
  std::unique_ptr<TrackerClient> trackers_;
  io::Timer tick_timer_;
  io::TurnHook report_hook_;
  Instant stop_deadline_ = instant_never;
};

}  // namespace murder::node
