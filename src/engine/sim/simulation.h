// A fleet under a virtual clock: every host runs the swarm and the announcer that run on hosts, the
// tracker is the tracker's own table, and the effects of each become events.
//
// Nothing a host does reaches another one sooner than a latency later. So time goes in windows of
// one latency: first each host takes all that happens to it in the window, alone; then the network
// takes what they sent, the tracker what they asked, and their mail waits for the next windows.
// What a host keeps is in the processor's caches for all of its events of a window, and several
// threads advance hosts at a time (windows.cc).
//
// Deterministic: the same options give the same run, on any number of cores. Memory: some 60 KiB a
// host. It ends when every living host has everything, when nothing was stored for
// Options::stalled_after, or at the first fault: a rule that must hold and did not.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "engine/sim/crew.h"
#include "engine/sim/flow_network.h"
#include "engine/sim/host.h"
#include "engine/sim/options.h"
#include "engine/sim/region.h"
#include "engine/sim/transfers.h"
#include "tracker/peer_table.h"

namespace murder::sim {

class Simulation {
 public:
  explicit Simulation(const Options& options);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // Takes about so many events. False when the run has ended.
  bool advance(uint64_t events);

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] Duration elapsed() const { return now_ - start_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Host>>& hosts() const { return hosts_; }
  [[nodiscard]] Duration since_start(Instant when) const { return when - start_; }
  [[nodiscard]] uint32_t done_count() const;
  [[nodiscard]] uint64_t stored_count() const;  // pieces, of all hosts
  // When the run has ended: pieces that no living host has any more.
  [[nodiscard]] uint32_t lost_count() const { return lost_count_; }
  [[nodiscard]] Counters counters() const;
  // Payload that came from outside, by rack.
  [[nodiscard]] std::vector<uint64_t> rack_bytes() const;
  [[nodiscard]] const FlowNetwork& network() const { return network_; }
  // The first breach of a rule; empty when all went well.
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  friend class Host;

  // fleet (simulation.cc)
  void make_hosts();
  void make_regions();
  void make_racks();
  void make_links(Host& host);
  void plan_faults();
  void join(Host& host);
  void tick(Host& host);
  void die(Host& host);
  void leave_if_given(Host& host);
  void reset_a_connection(Host& host);
  void handle(Host& host, const Event& event);
  static void push(Host& host, Instant when, EventKind kind, uint32_t target = 0);
  [[nodiscard]] static std::string rack_name(const Host& host);
  [[nodiscard]] swarm::SwarmConfig config_of(const Host& host) const;

  // windows (windows.cc)
  [[nodiscard]] bool has_ended() const;
  void run_window();
  void run_hosts(Region& region);
  void fetch_ahead(const std::vector<uint32_t>& due, size_t position) const;
  void fetch_sessions(const Host& host) const;
  void collect(Region& region);
  void settle();
  [[nodiscard]] uint32_t region_of(uint32_t host) const { return host / hosts_per_region_; }

  // the network between hosts (wires.cc)
  void run_wires();
  void take_order(const WireOrder& order);
  void start_flow(SideIndex side, Instant now);
  [[nodiscard]] uint64_t next_block(SideIndex side, Instant now);
  void block_left(SideIndex side, Instant now);
  void cut(Side& side, Instant now);
  [[nodiscard]] Instant arrival(Side& from, Instant now);
  void deliver(uint32_t host, const Event& event);

  // connections (transport.cc)
  [[nodiscard]] static Endpoint endpoint_of(uint32_t host);
  [[nodiscard]] uint32_t host_at(const Endpoint& endpoint) const;  // UINT32_MAX: nobody's address
  void dial(Host& host, swarm::SessionId session, const Endpoint& endpoint);
  void dialed(Host& host, SideIndex side);
  void accepted(Host& host, SideIndex side);
  static void note_swarm(const Host& host, Side& side);
  void close(Host& host, swarm::SessionId session);
  void closed(Host& host, SideIndex side);
  void remote_end(Host& host, SideIndex side, swarm::CloseReason reason);
  void break_off(Host& host, SideIndex side, swarm::CloseReason reason);
  void order(Host& host, SideIndex side, WireOrder::Kind kind);
  void finish(Host& host, SideIndex side);

  // messages and blocks (traffic.cc)
  void say(Host& host, SideIndex side, Event event);
  void send(Host& host, swarm::SessionId session, const codec::PeerMessage& message);
  void hear(Host& host, const Event& event);
  void send_handshake(Host& host, swarm::SessionId session, const codec::Handshake& handshake);
  void hear_handshake(Host& host, SideIndex side);
  void send_block(Host& host, swarm::SessionId session, const BlockRange& block);
  void block_sent(Host& host, const Event& event);
  void payload_begins(Host& host, const Event& event);
  void payload_ends(Host& host, SideIndex side);
  void count_into_rack(Host& host, const Side& receiver);
  [[nodiscard]] bool takes_part(const Host& host, SideIndex side) const {
    return sides_.at(side).state == Side::State::open && host.is_alive();
  }

  // pieces and tracker (services.cc)
  void verify(Host& host, BufferIndex buffer, PieceIndex piece);
  void store(Host& host, BufferIndex buffer, PieceIndex piece);
  void stored(Host& host, BufferIndex buffer);
  void completed(Host& host);
  void pump_announcer(Host& host);
  void run_tracker();
  void announce_heard(Host& host, std::unique_ptr<AnnounceTalk> heard);

  // checks (checks.cc)
  void check(const Host& host) {
    if (options_.check_every > 0 && ++host.region->events_unchecked >= options_.check_every) {
      check_now(host);
    }
  }
  void check_now(const Host& host);
  void check_end();
  void check_end_of(const Host& host, const BitSet& alive);
  [[nodiscard]] BitSet pieces_alive() const;
  [[nodiscard]] uint32_t unfinished_count() const;
  static void note_fault(const Host& host, std::string_view what);
  void find_fault();

  Options options_;
  Prng prng_;
  Instant start_{std::chrono::seconds(1000)};
  Instant now_ = start_;  // of the window
  Instant horizon_ = start_;
  uint32_t window_ = 0;
  FlowNetwork network_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<Instant> next_at_;  // of each host's agenda
  std::vector<Region> regions_;
  uint32_t hosts_per_region_ = 1;
  Crew crew_;
  Sides sides_;

  // --- between windows ---
  std::vector<WireOrder> orders_;
  std::vector<std::pair<Instant, uint32_t>> order_of_orders_;
  std::vector<std::vector<Mail>> wire_mail_;  // by the receiver's region
  Instant wire_mail_at_ = instant_never;      // the first of it
  uint64_t block_count_ = 0;
  struct Resting {
    Instant until;
    SideIndex side;
  };
  std::deque<Resting> resting_;  // connections that are over, until nothing of them is under way
  tracker::PeerTable table_;
  Prng tracker_prng_;
  Instant tracker_free_at_{};
  std::deque<std::unique_ptr<AnnounceTalk>> announces_;  // under way to the tracker
  uint64_t announce_count_ = 0;

  std::vector<uint32_t> rack_up_;  // links
  std::vector<uint32_t> rack_down_;
  uint32_t rack_count_ = 0;
  uint32_t lost_count_ = 0;
  bool nothing_waits_ = false;
  std::string fault_;
};

}  // namespace murder::sim
