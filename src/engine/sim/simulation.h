// A fleet under a virtual clock: every host runs the swarm and the announcer that run on hosts, the
// tracker is the tracker's own table, and the effects of each become events.
//
// Nothing a host does reaches another one sooner than a latency later. So time goes in windows of
// one latency: first each host takes all that happens to it in the window, alone; then the network
// takes what they sent, the tracker what they asked, and their mail waits for the next windows.
// What a host keeps is in the processor's caches for all of its events of a window, and several
// threads advance hosts at a time.
//
// This class is the clock and the order of things. Its parts do not know it: the Fleet has the
// hosts, Connections what is between two of them, Wires the network below that, SimulatedTracker
// the tracker, Post the mail of these two, the Crew the threads.
//
// Deterministic: the same options give the same run, on any number of cores. Memory: some 60 KiB a
// host. It ends when every living host has everything, when nothing was stored for
// Options::stalled_after, or at the first fault: a rule that must hold and did not.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "engine/sim/clock.h"
#include "engine/sim/connections.h"
#include "engine/sim/crew.h"
#include "engine/sim/fleet.h"
#include "engine/sim/host.h"
#include "engine/sim/host_sink.h"
#include "engine/sim/options.h"
#include "engine/sim/post.h"
#include "engine/sim/simulated_tracker.h"
#include "engine/sim/transfers.h"
#include "engine/sim/wires.h"

namespace murder::sim {

class Simulation {
 public:
  explicit Simulation(const Options& options);
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // Takes about that many events. False when the run has ended.
  bool advance(uint64_t events);

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] Duration elapsed() const { return clock_.now - run_start; }
  [[nodiscard]] const std::vector<std::unique_ptr<Host>>& hosts() const { return fleet_.hosts(); }
  [[nodiscard]] static Duration since_start(Instant when) { return when - run_start; }
  [[nodiscard]] uint32_t done_count() const { return fleet_.done_count(); }
  [[nodiscard]] uint64_t stored_count() const { return fleet_.stored_count(); }  // of all hosts
  // When the run has ended: pieces that no living host has any more.
  [[nodiscard]] uint32_t lost_count() const { return lost_count_; }
  [[nodiscard]] Counters counters() const;
  // Payload that came from outside, by rack.
  [[nodiscard]] std::vector<uint64_t> rack_bytes() const { return fleet_.rack_bytes(); }
  [[nodiscard]] const FlowNetwork& network() const { return wires_.network(); }
  // The first breach of a rule; empty when all went well.
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  [[nodiscard]] bool has_ended() const;
  [[nodiscard]] uint64_t events_taken() const;
  void run_window();
  [[nodiscard]] Instant next_at() const;

  // --- on several threads, each with a region ---
  void run_hosts(Region& region, uint32_t own);
  void collect(Region& region, uint32_t own);
  void put_into_agenda(const Mail& mail);
  void handle(Host& host, const Event& event);
  void handle_own(Host& host, const Event& event);
  void tick(Host& host);

  void find_fault();

  const Options options_;
  Clock clock_;
  Prng prng_;
  Sides sides_;
  std::vector<HostSink> sinks_;  // of the hosts
  SimulatedTracker tracker_;
  Fleet fleet_;
  Connections connections_;
  Wires wires_;
  Post post_;
  std::vector<Instant> next_at_;  // of each host's agenda
  Crew crew_;

  uint32_t lost_count_ = 0;
  bool nothing_waits_ = false;
  std::string fault_;
};

}  // namespace murder::sim
