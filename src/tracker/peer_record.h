// What the tracker knows of one peer of a release.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/endpoint.h"
#include "engine/base/instant.h"
#include "engine/base/types.h"
#include "tracker/rack_register.h"
#include "tracker/sources.h"

namespace murder::tracker {

enum class Family : uint8_t { v4, v6 };

struct PeerRecord {
  PeerId id;
  Endpoint endpoint;
  // A second address of a peer that has a record already: handed out, not counted.
  bool is_alias : 1 = false;
  bool is_source : 1 = false;   // a seeder that the release comes from
  bool is_refused : 1 = false;  // the tracker dialled it in vain
  // How many neighbours it is counted with: what it reported last, and what was handed out since.
  // Of a peer in a rack those outside of it, and its mates by themselves.
  uint8_t neighbour_count = 0;
  uint64_t left_bytes = 0;  // 0: a seeder
  Instant expires_at;
  std::string host;  // what it calls itself, presentable; empty when it does not say
  RackRegister::Seat seat;
  uint16_t grace_s = 0;  // it was expected to announce this long before it expires
  uint8_t mate_count = 0;
  Standing standing = Standing::usual;
  uint32_t source_hash = 0;  // of the address that its announce came from: Swarm::source_of()
  SourceKey source = 0;      // likewise, or of its network
  Instant last_announce;

  // Silent beyond what it was told: probably dead, although it is remembered.
  [[nodiscard]] bool is_overdue(Instant now) const {
    return now + std::chrono::seconds(grace_s) >= expires_at;
  }
  [[nodiscard]] bool is_seeder() const { return left_bytes == 0; }
  [[nodiscard]] Family family() const { return endpoint.address.is_v4() ? Family::v4 : Family::v6; }
};
static_assert(sizeof(PeerRecord) == 112, "50,000 of them take 5.6 MB");

}  // namespace murder::tracker
