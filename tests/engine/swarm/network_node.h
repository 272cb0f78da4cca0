// The parts of a Network: a node (one swarm and its sink), a host, a connection.
#pragma once

#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "engine/codec/grant_message.h"
#include "network.h"

namespace murder::test {

// What a unit of this piece holds when it is right.
inline uint64_t right_tag(PieceIndex piece, uint32_t unit) {
  return (uint64_t{piece.raw} << 32U) + unit + 1;
}
inline constexpr uint64_t wrong_tag = UINT64_MAX;
inline constexpr uint64_t torn_tag = UINT64_MAX - 1;  // being written

struct Network::Host {
  Endpoint endpoint;
  PeerId peer_id;
  std::vector<uint32_t> nodes;  // its shards
  std::optional<swarm::LeaseLedger> ledger;
  BitSet stored;
};

struct Network::Connection {
  struct End {
    uint32_t node = 0;
    swarm::SessionId session;  // none: not accepted yet
    bool open = false;
    std::deque<BlockRange> blocks;  // to be sent
    bool transmitting = false;      // a block is on the uplink now; what is said comes after it
    std::vector<std::function<void(Side)>> waiting;
    Instant last_arrival{};        // at the other end: nothing overtakes
    uint64_t unread_bytes = 0;     // sent and not yet taken by the other end
    swarm::PayloadPlace arriving;  // where the payload that comes in goes
    bool disarming = false;
    std::vector<swarm::OutgoingRequest> armed;  // places the kernel may write to
  };
  End ends[2];
  bool fast_extension = true;
  bool extension_protocol = true;
};

struct Network::Event {
  Instant when;
  uint64_t sequence;
  uint32_t actor;
  std::function<void()> action;
};

class Network::Node final : public swarm::EffectSink {
 public:
  Node(Network& network, uint32_t index, const NodeOptions& options, Host& host,
       const swarm::SwarmConfig& config);

  void dial(swarm::SessionId session, const Endpoint& endpoint) override;
  void send_handshake(swarm::SessionId session, const codec::Handshake& handshake) override;
  void send(swarm::SessionId session, const codec::PeerMessage& message) override;
  void send_block(swarm::SessionId session, const BlockRange& block) override;
  void disarm(swarm::SessionId session) override;
  void close(swarm::SessionId session, swarm::CloseReason reason) override;
  void verify(BufferIndex buffer, PieceIndex piece) override;
  void store(BufferIndex buffer, PieceIndex piece) override;
  void request_lease(PieceIndex piece) override;
  void return_lease(PieceIndex piece) override;
  void lease_fulfilled(PieceIndex piece) override;
  void completed() override { ++completed_count; }

  [[nodiscard]] Side side(swarm::SessionId session) const;
  void write(BufferIndex buffer, uint32_t offset, uint32_t size_bytes, PieceIndex piece,
             std::optional<uint64_t> tag);

  Network& network;
  uint32_t index;
  NodeOptions options;
  Host& host;
  std::vector<std::vector<uint64_t>> buffers;  // a tag for each unit
  std::map<swarm::SessionId, Side> links;      // sessions the transport knows, until closed
  std::set<swarm::SessionId> closing;
  struct Said {
    swarm::SessionId session;
    std::function<void(Side)> deliver;
  };
  std::vector<Said> outbox;  // said in this event; sent at its end
  std::vector<Side> uplink;  // connections in the order they are given a turn
  bool uplink_busy = false;
  bool alive = true;
  bool silent = false;
  bool frozen = false;
  std::vector<std::function<void()>> held;  // what happens to it once it is thawed
  uint32_t completed_count = 0;
  std::unique_ptr<swarm::Swarm> swarm;          // of all but the attackers,
  std::unique_ptr<Network::Stranger> stranger;  // which have this instead

 private:
  void to_home(std::function<void()> action);
  [[nodiscard]] bool is_right(BufferIndex buffer, PieceIndex piece) const;
};

// A node that is not one of ours: it has no swarm, and does one thing wrong.
class Network::Stranger {
 public:
  Stranger(Network& network, uint32_t node, const swarm::SwarmConfig& config);

  // It connects to everybody, again and again.
  void meet();
  [[nodiscard]] swarm::SessionId new_session() { return {next_slot_++, 1}; }
  void dialed(Side side);
  void hear(Side side, const codec::Handshake& handshake);
  void hear(Side side, const codec::PeerMessage& message);
  void ended(Side side);
  void block_came(Side side, const BlockRange& block);
  [[nodiscard]] bool reads() const;

 private:
  [[nodiscard]] bool has_all() const;
  [[nodiscard]] bool speaks_grants() const;
  void shake_hands(Side side);
  void greet(Side side);
  void tell_all(const codec::PeerMessage& message);
  void say(Side side, codec::GrantKind kind, uint32_t value);
  void send(Side side, const codec::PeerMessage& message);
  void on_grant_message(Side side, const codec::GrantMessage& message);
  [[nodiscard]] std::optional<PieceIndex> choose(Side side, uint32_t named);
  void learn(Side side, const codec::PeerMessage& message);
  void on_request(Side side, const BlockRange& block);
  void drip(Side side);
  [[nodiscard]] PeerId id_for(Side side) const;

  Network& network_;
  uint32_t node_;
  Attack attack_;
  swarm::SwarmConfig config_;
  uint32_t next_slot_ = 0;
  uint32_t wanted_ = 0;
  std::set<const Connection*> shaken_;
  std::set<const Connection*> dripping_;
  std::map<std::pair<const Connection*, uint32_t>, uint32_t> left_bytes_;  // of pieces it takes
  std::map<const Connection*, BitSet> others_have_;
  BitSet taken_;
};

}  // namespace murder::test
