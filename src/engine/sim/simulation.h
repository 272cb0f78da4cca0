// A fleet under a virtual clock: every host runs the swarm and the announcer
// that run on hosts, the tracker is the tracker's own table, and the effects of
// each become events of one queue.
//
// Deterministic: the same options give the same run. Single-threaded. Memory:
// some 45 KiB a host. It ends when every living host has everything, when
// nothing was stored for Options::stalled_after, or at the first fault: a rule
// that must hold and did not.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "engine/codec/announce.h"
#include "engine/sim/event_queue.h"
#include "engine/sim/flow_network.h"
#include "engine/sim/host.h"
#include "engine/sim/options.h"
#include "engine/sim/transfers.h"
#include "tracker/peer_table.h"

namespace murder::sim {

struct Counters {
  uint64_t event_count = 0;
  uint64_t message_count = 0;  // of the peer wire, payload apart
  uint64_t message_bytes = 0;
  uint64_t block_count = 0;
  uint64_t announce_count = 0;
  std::array<uint64_t, 32> messages{};  // by the message's number on the wire
};

class Simulation {
 public:
  explicit Simulation(const Options& options);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // Takes up to so many events. False when the run has ended.
  bool advance(uint64_t events);

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] Duration elapsed() const { return now_ - start_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Host>>& hosts() const { return hosts_; }
  [[nodiscard]] Duration since_start(Instant when) const { return when - start_; }
  [[nodiscard]] uint32_t done_count() const { return done_count_; }
  [[nodiscard]] uint64_t stored_count() const { return stored_count_; }  // pieces, of all hosts
  // When the run has ended: pieces that no living host has any more.
  [[nodiscard]] uint32_t lost_count() const { return lost_count_; }
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] const std::vector<uint64_t>& rack_bytes() const { return rack_bytes_; }
  [[nodiscard]] const FlowNetwork& network() const { return network_; }
  // The first breach of a rule; empty when all went well.
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  friend class Host;

  struct AnnounceTalk {
    codec::AnnounceRequest request;
    codec::AnnounceReply reply;
    TrackerIndex tracker;
  };

  // fleet (simulation.cc)
  void make_hosts();
  void make_racks();
  void make_links(Host& host);
  void plan_faults();
  void join(Host& host);
  void tick(Host& host);
  void die(Host& host);
  void leave_if_given(Host& host);
  void reset_a_connection(Host& host);
  void handle(const Event& event);
  void handle_connection(const Event& event);
  void push(Instant when, EventKind kind, uint32_t target, uint32_t first = 0, uint32_t second = 0,
            EventQueue::Lane lane = EventQueue::Lane::none);
  [[nodiscard]] bool has_ended() const;
  [[nodiscard]] static std::string rack_name(const Host& host);
  [[nodiscard]] swarm::SwarmConfig config_of(const Host& host) const;

  // connections (transport.cc)
  [[nodiscard]] static Endpoint endpoint_of(uint32_t host);
  [[nodiscard]] uint32_t host_at(const Endpoint& endpoint) const;  // UINT32_MAX: nobody's address
  [[nodiscard]] SideIndex make_connection(uint32_t from, uint32_t to);
  void dial(Host& host, swarm::SessionId session, const Endpoint& endpoint);
  void dialed(SideIndex side);
  void accepted(SideIndex side);
  void note_swarm(Side& side);
  void close(Host& host, swarm::SessionId session);
  void closed(SideIndex side);
  void remote_end(SideIndex side, swarm::CloseReason reason);
  void break_off(SideIndex side, swarm::CloseReason reason);
  void cut(Side& side);
  void finish(SideIndex side);
  [[nodiscard]] Instant arrival(Side& from);

  // messages and blocks (traffic.cc)
  void send(Host& host, swarm::SessionId session, const codec::PeerMessage& message);
  [[nodiscard]] Parcel* find_open_parcel(const codec::PeerMessage& message, const Side& sender);
  uint32_t make_parcel(const codec::PeerMessage& message);
  void deliver(uint32_t parcel);
  void fetch_ahead(const Parcel& parcel, size_t position) const;
  void send_handshake(Host& host, swarm::SessionId session, const codec::Handshake& handshake);
  void hear_handshake(SideIndex side);
  void send_block(Host& host, swarm::SessionId session, const BlockRange& block);
  void start_flow(SideIndex side);
  [[nodiscard]] uint64_t next_block(SideIndex side);
  void block_left(SideIndex side);
  void payload_begins(SideIndex side, PieceIndex piece, uint32_t units);
  void payload_ends(SideIndex side);
  void count_into_rack(SideIndex receiver);

  // pieces and tracker (services.cc)
  void verify(Host& host, BufferIndex buffer, PieceIndex piece);
  void store(Host& host, BufferIndex buffer, PieceIndex piece);
  void stored(Host& host, BufferIndex buffer);
  void completed(Host& host);
  void pump_announcer(Host& host);
  void announce_sent(Host& host, uint32_t talk);
  void announce_heard(Host& host, uint32_t talk);

  // checks (checks.cc)
  void check(const Host& host) {
    if (options_.check_every > 0 && ++events_unchecked_ >= options_.check_every) {
      check_now(host);
    }
  }
  void check_now(const Host& host);
  void check_end();
  void check_end_of(const Host& host, const BitSet& alive);
  [[nodiscard]] BitSet pieces_alive() const;
  void note_fault(const Host& host, std::string_view what);

  Options options_;
  Prng prng_;
  Instant start_{std::chrono::seconds(1000)};
  Instant now_ = start_;
  EventQueue queue_;
  FlowNetwork network_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<Side> sides_;
  std::vector<SideIndex> free_sides_;
  ParcelPool parcels_;
  std::array<uint32_t, 4> open_parcels_{};  // those that more receivers may join
  uint32_t open_parcel_count_ = 0;
  uint32_t open_parcel_next_ = 0;
  uint32_t open_parcel_host_ = UINT32_MAX;

  tracker::PeerTable table_;
  Prng tracker_prng_;
  Instant tracker_free_at_{};
  std::vector<std::unique_ptr<AnnounceTalk>> talks_;
  std::vector<uint32_t> free_talks_;

  std::vector<uint32_t> rack_up_;  // links
  std::vector<uint32_t> rack_down_;
  std::vector<uint64_t> rack_bytes_;  // payload that came from outside
  uint32_t unfinished_count_ = 0;     // hosts that live, or will, and lack something
  uint32_t done_count_ = 0;
  uint64_t stored_count_ = 0;
  uint32_t lost_count_ = 0;
  Instant progressed_at_ = start_;
  uint32_t events_unchecked_ = 0;
  Counters counters_;
  std::string fault_;
};

}  // namespace murder::sim
