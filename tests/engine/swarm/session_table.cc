#include "engine/swarm/session_table.h"

#include <doctest/doctest.h>

#include <array>

using murder::Endpoint;
using murder::Instant;
using murder::IpAddress;
using murder::swarm::CloseReason;
using murder::swarm::Session;
using murder::swarm::SessionId;
using murder::swarm::SessionTable;

namespace {

Endpoint endpoint(uint8_t number) {
  return {IpAddress::from_v4(std::array<uint8_t, 4>{10, 0, 0, number}), 6881};
}

struct Counts {
  uint32_t dialing;
  uint32_t open;
  uint32_t stock;
  bool operator==(const Counts&) const = default;
};

Counts counts(const SessionTable& table) {
  CHECK(table.check() == "");
  return {table.dialing_count(), table.open_count(), table.stock_count()};
}

}  // namespace

TEST_CASE("the counts of a table follow each session from its dial to its end") {
  SessionTable table(4);
  const SessionId id = table.make(endpoint(1), true, Instant{}, 8);
  Session& session = *table.get(id);
  CHECK(counts(table) == Counts{1, 0, 0});
  table.dialed(session);
  CHECK(counts(table) == Counts{0, 0, 0});
  table.opened(session);
  CHECK(counts(table) == Counts{0, 1, 1});
  SUBCASE("one of our own") {
    table.uses_grants(session);
    CHECK(counts(table) == Counts{0, 1, 0});
  }
  SUBCASE("a stock client") {}
  table.closing(session, CloseReason::silent);
  CHECK(session.close_reason == CloseReason::silent);
  CHECK(counts(table) == Counts{0, 0, 0});
  CHECK(table.size() == 1);  // until its transport is gone
  table.free(id);
  CHECK(table.size() == 0);
  CHECK(counts(table) == Counts{0, 0, 0});
}

TEST_CASE("a dial that ends before it is answered is not counted any more") {
  SessionTable table(4);
  const SessionId dialed = table.make(endpoint(1), true, Instant{}, 8);
  const SessionId came = table.make(endpoint(2), false, Instant{}, 8);
  CHECK(counts(table) == Counts{1, 0, 0});
  table.closing(*table.get(dialed), CloseReason::dial_failed);
  table.closing(*table.get(came), CloseReason::handshake_timeout);
  CHECK(counts(table) == Counts{0, 0, 0});
}

TEST_CASE("sessions are walked in the order of their slots, and a slot names its live session") {
  SessionTable table(3);
  const SessionId first = table.make(endpoint(1), false, Instant{}, 8);
  const SessionId second = table.make(endpoint(2), false, Instant{}, 8);
  const SessionId third = table.make(endpoint(3), false, Instant{}, 8);
  CHECK(table.full());
  table.closing(*table.get(second), CloseReason::silent);
  table.free(second);
  CHECK(table.at_slot(second.slot).is_none());
  CHECK(table.get(second) == nullptr);
  const SessionId again = table.make(endpoint(4), false, Instant{}, 8);
  CHECK(again.slot == second.slot);
  CHECK(again != second);
  CHECK(table.at_slot(again.slot) == again);
  std::vector<SessionId> walked;
  std::as_const(table).each([&](SessionId id, const Session&) { walked.push_back(id); });
  CHECK(walked == std::vector<SessionId>{first, again, third});
  walked.clear();
  table.each([&](SessionId id, Session&) { walked.push_back(id); });
  CHECK(walked == std::vector<SessionId>{first, again, third});
}

TEST_CASE("check notices a session whose state was changed behind the table's back") {
  SessionTable table(2);
  Session& session = *table.get(table.make(endpoint(1), true, Instant{}, 8));
  session.state = Session::State::open;
  CHECK(table.check() == "a count of sessions is not what a recount gives");
}

TEST_CASE("what was given for nothing counts until something comes back, or its session ends") {
  SessionTable table(4);
  const auto opened = [&](uint8_t number) {
    const SessionId id = table.make(endpoint(number), false, Instant{}, 8);
    table.opened(*table.get(id));
    return id;
  };
  const auto takes = [&](SessionId id, uint32_t count) {
    for (uint32_t piece = 0; piece < count; ++piece) {
      table.took(*table.get(id), 1);
    }
    CHECK(table.check() == "");
  };
  const SessionId taker = opened(1);
  const SessionId giver = opened(2);
  takes(giver, 10);
  takes(taker, murder::policy::unreturned_max - 10);
  CHECK(table.has_takers());
  table.gave(*table.get(giver));
  CHECK_FALSE(table.has_takers());
  takes(giver, 100);
  CHECK_FALSE(table.has_takers());
  takes(taker, 10);
  CHECK(table.has_takers());
  CHECK(table.get(taker)->only_takes(table.has_takers()));
  table.closing(*table.get(taker), CloseReason::silent);
  CHECK_FALSE(table.has_takers());
  CHECK(table.check() == "");
}
