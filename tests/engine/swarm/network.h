// A network of swarms in memory, on a virtual clock: it plays transport, store and tracker for each
// of them, deterministically. What can go wrong in the world is an option here.
//
// Contents are modelled by a tag per 16 KiB unit. Every transfer takes time on the sender's uplink;
// a place that is armed may be overwritten at any time until it is disarmed, as a kernel would.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "engine/swarm/lease_ledger.h"
#include "engine/swarm/swarm.h"

namespace murder::test {

// What a node without a swarm does to others: stranger.cc.
enum class Attack : uint8_t {
  none,
  drip,        // grants to everybody, then a byte of a block every 200 ms
  drip_stock,  // the same as a stock client
  silent,      // grants to everybody and answers no request
  rejecter,    // grants to everybody and rejects each request
  liar,        // grants to everybody and sends wrong bytes
  drip_taker,  // takes grants up and does not read what comes
  freeloader,  // takes grants up, and never says that it has a piece
  leech,       // takes grants up, says what it has, and gives nothing
  decliner,    // is free, and declines each grant
  mute,        // is free, and answers no grant
  idle,        // is connected
  squatter,    // is connected under the peer id of the node before the one it dials
};

struct NodeOptions {
  Attack attack = Attack::none;
  uint32_t connections = 1;  // of an attacker, to each node
  bool seed = false;
  double bytes_per_second = 100e6;  // of its uplink
  double poisoned = 0;              // share of the blocks it sends that hold wrong bytes
  double rejected = 0;              // share of the requests it refuses although it could serve
  bool reorders = false;            // answers in any order
  bool fast_extension = true;
  bool extension_protocol = true;
  uint32_t piece_buffers = 16;
  uint32_t served_max = 4;
  uint32_t sessions_max = 40;
  std::optional<uint32_t> shard_of;  // another shard of the host of this node
  bool leased = false;               // the first of several shards
};

struct NetworkOptions {
  Geometry geometry{.total_bytes = 64 * 65536, .piece_bytes = 65536};
  uint64_t seed = 1;
  Duration latency = std::chrono::microseconds(100);
  bool checks_invariants = true;  // after every event
};

class Network {
 public:
  explicit Network(const NetworkOptions& options);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // Joins; every node hears of it and it of them (as far as the tracker is asked).
  uint32_t add(const NodeOptions& options);
  // Its machine resets connections from now on; with `silently` it just says nothing more.
  void kill(uint32_t node, bool silently = false);
  void freeze(uint32_t node);  // as SIGSTOP does: its kernel still takes connections and bytes
  void thaw(uint32_t node);
  // A message as if the node had sent it on each of its connections.
  void inject(uint32_t node, codec::MessageType type);

  // Runs until `done` or until this much virtual time has passed; whether it was done.
  bool run_until(const std::function<bool()>& done, Duration at_most);
  // Until every node that is alive and not a poisoner has everything.
  bool run_until_complete(Duration at_most);
  void run(Duration duration);

  [[nodiscard]] swarm::Swarm& swarm(uint32_t node);
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] uint32_t node_count() const { return static_cast<uint32_t>(nodes_.size()); }
  [[nodiscard]] bool is_alive(uint32_t node) const;
  [[nodiscard]] bool is_complete(uint32_t node);
  [[nodiscard]] uint32_t completed_count(uint32_t node) const;  // EffectSink::completed calls
  // Open sessions between two nodes, seen from the first.
  [[nodiscard]] uint32_t connection_count(uint32_t from, uint32_t to);
  [[nodiscard]] uint64_t closed_count(uint32_t node, swarm::CloseReason reason);
  [[nodiscard]] uint64_t uploaded_bytes(uint32_t node);
  [[nodiscard]] Endpoint endpoint(uint32_t node) const;
  // Breaches of a rule by a swarm; empty when all went well.
  [[nodiscard]] const std::string& fault() const { return fault_; }
  // The sum over all nodes but the attackers.
  [[nodiscard]] uint64_t honest_uploaded_bytes();
  // One line for each node: for a person who looks into a failure.
  [[nodiscard]] std::string description();

 private:
  class Node;
  class Stranger;
  struct Host;
  struct Connection;
  struct Event;

  // One side of a connection.
  struct Side {
    Connection* connection = nullptr;
    uint32_t index = 0;
  };

  void at(Instant when, uint32_t actor, std::function<void()> action);
  void step();
  void check(uint32_t node);
  void note_fault(uint32_t node, std::string_view what);
  void announce(uint32_t node);
  void tick(uint32_t node);

  // transport (network_link.cc)
  void dial(uint32_t node, swarm::SessionId session, const Endpoint& endpoint);
  void hear(Side to, const codec::Handshake& handshake);
  void hear(Side to, const codec::PeerMessage& message);
  void hear_bytes(Side to, uint32_t size_bytes);
  void hear_end(Side to, swarm::CloseReason reason);
  [[nodiscard]] swarm::SessionId accept(uint32_t node, const Endpoint& remote);
  void connect(uint32_t node, swarm::SessionId session, uint32_t target);
  void transmit(uint32_t node, swarm::SessionId session, std::function<void(Side)> deliver);
  void flush(uint32_t node);
  void pass_on(Side from, std::function<void(Side)> deliver);
  void close(uint32_t node, swarm::SessionId session);
  void disarm(uint32_t node, swarm::SessionId session);
  void answer_disarm(Side side);
  void end_remote(Side from, swarm::CloseReason reason);
  void pump(uint32_t node);
  void send_next(Side from);
  void payload_begins(Side to, const BlockRange& block);
  void payload_ends(Side to, const BlockRange& block, bool poisoned);
  void arm(Side side);
  void after_event(uint32_t node);

  NetworkOptions options_;
  Prng prng_;
  Instant now_{std::chrono::seconds(1000)};
  uint64_t event_count_ = 0;
  std::vector<std::unique_ptr<Event>> events_;  // a heap, soonest first
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::string fault_;
};

}  // namespace murder::test
