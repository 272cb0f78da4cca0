// Some of the hosts of a simulation, that one thread advances at a time, and what they have to say
// to the rest. How hosts are divided into regions does not change the run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/types.h"
#include "engine/codec/announce.h"
#include "engine/sim/event.h"
#include "engine/sim/transfers.h"

namespace murder::sim {

// For the tracker, and back with its answer.
struct AnnounceTalk {
  uint32_t host = 0;
  Instant arrives{};
  codec::AnnounceRequest request;
  codec::AnnounceReply reply;
  TrackerIndex tracker;
};

struct Counters {
  uint64_t event_count = 0;
  uint64_t message_count = 0;  // of the peer wire, payload apart
  uint64_t message_bytes = 0;
  uint64_t block_count = 0;
  uint64_t announce_count = 0;

  Counters& operator+=(const Counters& other);
};

struct Mail {
  uint32_t host;
  Event event;
};

// Deletes what the event carries, when nobody will take it any more.
void drop(const Event& event);

struct Region {
  uint32_t first_host = 0;
  uint32_t end_host = 0;

  std::vector<std::vector<Mail>> outbox;  // by the receiver's region
  std::vector<WireOrder> orders;
  std::vector<std::unique_ptr<AnnounceTalk>> announces;
  std::vector<SideIndex> finished;    // sides
  std::vector<SideIndex> free_sides;  // of connections to make: the first of each pair

  std::vector<uint32_t> due;  // hosts to which something happens in this window
  Instant next_at = instant_never;

  // --- what became of its hosts ---
  Counters counters;
  uint64_t stored_count = 0;  // pieces
  uint32_t done_count = 0;
  uint32_t unfinished_count = 0;  // hosts that live, or will, and lack something
  Instant progressed_at{};
  uint32_t events_unchecked = 0;
  Instant fault_at = instant_never;
  std::string fault;
};

}  // namespace murder::sim
