// What a part of a swarm needs to be tested alone: a context, a sink that writes down, and sessions
// whose facts the test sets.
#pragma once

#include <array>

#include "engine/swarm/context.h"
#include "recorder.h"

namespace murder::test {

struct PartBench {
  explicit PartBench(swarm::SwarmConfig config = config_of(8), bool complete = false)
      : context(config, pieces_of(config, complete), Prng(1), sink) {}

  // A release of that many pieces of 64 KiB.
  static swarm::SwarmConfig config_of(uint32_t piece_count) {
    swarm::SwarmConfig config{
        .geometry = {.total_bytes = uint64_t{piece_count} * 65536, .piece_bytes = 65536},
        .listen_port = 6881,
        .sessions_max = 32,
        .piece_buffers = 4};
    config.peer_id.bytes[0] = 255;
    return config;
  }
  static BitSet pieces_of(const swarm::SwarmConfig& config, bool complete) {
    BitSet have(config.geometry.piece_count());
    if (complete) {
      have.set_all();
    }
    return have;
  }
  static Endpoint endpoint_of(uint8_t number) {
    return {IpAddress::from_v4(std::array<uint8_t, 4>{10, 0, 0, number}), 6881};
  }

  // An open session of somebody who came from 10.0.0.`number`.
  swarm::SessionId open(uint8_t number) {
    const swarm::SessionId id =
        context.sessions.make(endpoint_of(number), false, now, context.pieces.count());
    session(id).peer_id.bytes[0] = number;
    context.sessions.opened(session(id));
    return id;
  }
  // The same, one of our own.
  swarm::SessionId open_own(uint8_t number) {
    const swarm::SessionId id = open(number);
    context.sessions.uses_grants(session(id));
    session(id).grants.extended_id = Recorder::own_extended_id;
    return id;
  }
  swarm::Session& session(swarm::SessionId id) { return *context.sessions.get(id); }

  Recorder sink;
  swarm::Context context;
  Instant now{std::chrono::seconds(100)};
};

}  // namespace murder::test
