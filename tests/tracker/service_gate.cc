#include "tracker/service_gate.h"

#include <doctest/doctest.h>

#include <string>

#include "../fleet_secrets.h"
#include "tracker/bounds.h"

using namespace murder;
using namespace murder::tracker;

namespace {

uint64_t clock_now_s = 1'764'400'000;

trust::FleetKeys keys_of(uint8_t fleet, uint8_t opener = 0) {
  return {.fleet = test::pair_of({fleet}),
          .opener = opener == 0 ? trust::KeyPair{} : test::pair_of({opener})};
}

http::Request request_of(std::string_view target, std::string_view authorization = {}) {
  const size_t query_at = std::min(target.find('?'), target.size());
  return {.method = "GET",
          .path = target.substr(0, query_at),
          .query = target.substr(std::min(query_at + 1, target.size())),
          .authorization = authorization};
}

Gate gate_of(const trust::FleetKeys& keys) {
  Gate gate([] { return clock_now_s; });
  gate.set_keys(keys);
  return gate;
}

// As `murder deploy` has one.
trust::TokenKeys deploy_tokens(uint8_t fill) {
  return trust::TokenKeys(test::fleet_keys_of({fill}));
}

InfoHash gated_hash(uint8_t fill) {
  InfoHash info_hash;
  info_hash.bytes.fill(fill);
  return info_hash;
}

std::string viewer_key(const trust::FleetKeys& keys) {
  return trust::key_text(trust::KeyKind::viewer, trust::viewer_secret(keys.fleet.first()));
}

}  // namespace

TEST_CASE("a stranger is told the same whatever he asks for") {
  Gate gate = gate_of(keys_of(1));
  for (const char* target : {"/", "/announce", "/announce?info_hash=x", "/scrape", "/status.json",
                             "/metrics", "/nothing", "/announce?token=1-2", "/?viewer=x"}) {
    const Gate::Admission admission = gate.admit(request_of(target), {});
    REQUIRE(admission.refusal);
    CHECK(admission.refusal->status == 403);
    CHECK(admission.refusal->body == "forbidden\n");
    CHECK(admission.refusal->close);
    CHECK(!admission.opens_releases);
  }
}

TEST_CASE("a member is let in, and opens releases where there is no operator key") {
  const trust::FleetKeys member = keys_of(1);
  const std::string target = trust::TokenKeys(member).signed_target("/announce?a=1", clock_now_s);
  const Gate::Admission open = gate_of(member).admit(request_of(target), {});
  CHECK(!open.refusal);
  CHECK(open.opens_releases);
  const Gate::Admission strict = gate_of(keys_of(1, 2)).admit(request_of(target), {});
  CHECK(!strict.refusal);
  CHECK(!strict.opens_releases);
}

TEST_CASE("an operator opens releases") {
  const trust::FleetKeys keys = keys_of(1, 2);
  const std::string target = trust::TokenKeys(keys).signed_target("/announce?a=1", clock_now_s);
  CHECK(gate_of(keys).admit(request_of(target), {}).opens_releases);
}

TEST_CASE("a member with a wrong clock is told the time and nothing else") {
  const trust::FleetKeys keys = keys_of(1);
  const trust::TokenKeys tokens(keys);
  const std::string target = tokens.signed_target("/announce?a=1", clock_now_s - 100'000);
  const Gate::Admission admission = gate_of(keys).admit(request_of(target), {});
  REQUIRE(admission.refusal);
  CHECK(admission.refusal->status == 403);
  CHECK(tokens.told_time(target, admission.refusal->body) == clock_now_s);
}

TEST_CASE("a viewer's key reads pages, by header or query, and does nothing else") {
  const trust::FleetKeys keys = keys_of(1);
  Gate gate = gate_of(keys);
  const std::string key = viewer_key(keys);
  for (const std::string page : {"/", "/status.json", "/metrics"}) {
    const Gate::Admission by_query = gate.admit(request_of(page + "?viewer=" + key), {});
    CHECK(!by_query.refusal);
    CHECK(!by_query.opens_releases);
    CHECK(!gate.admit(request_of(page, "Bearer " + key), {}).refusal);
    CHECK(gate.admit(request_of(page, "Basic " + key), {}).refusal);
    CHECK(gate.admit(request_of(page, "Bearer " + viewer_key(keys_of(2))), {}).refusal);
    CHECK(gate.admit(request_of(page, "Bearer " + trust::key_text(trust::KeyKind::fleet,
                                                                  keys.fleet.first())),
                     {})
              .refusal);
  }
  for (const std::string other : {"/announce", "/scrape", "/nothing"}) {
    CHECK(gate.admit(request_of(other, "Bearer " + key), {}).refusal);
    CHECK(gate.admit(request_of(other + "?viewer=" + key), {}).refusal);
  }
}

TEST_CASE("a deploy with its key deals with its own releases, and nobody else with those") {
  Gate gate([] { return clock_now_s; });
  REQUIRE(gate.deploys().add("one", test::secret_of(1), {}));
  REQUIRE(gate.deploys().add("two", test::secret_of(2), {}));
  const std::string target = "/announce?a=1";
  const auto by = [&](uint8_t fill) {
    const std::string with_token = deploy_tokens(fill).signed_target(target, clock_now_s);
    return gate.admit(request_of(with_token), {});
  };
  const Gate::Admission one = by(1);
  const Gate::Admission two = by(2);
  REQUIRE(one.deploy != nullptr);
  CHECK(one.deploy != two.deploy);
  CHECK(one.opens_releases);
  CHECK(gate.may_announce(one, gated_hash(7), {}));
  CHECK(gate.may_ask(one, gated_hash(7)));
  CHECK_FALSE(gate.may_announce(two, gated_hash(7), {}));
  CHECK_FALSE(gate.may_ask(two, gated_hash(7)));
  // The tracker is open to all else.
  const Gate::Admission stranger = gate.admit(request_of(target), {});
  CHECK_FALSE(stranger.refusal);
  CHECK_FALSE(gate.may_announce(stranger, gated_hash(7), {}));
  CHECK(gate.may_announce(stranger, gated_hash(8), {}));
  CHECK(gate.peer_keys_of(gated_hash(7)).first() == test::secret_of(1));
  CHECK(gate.peer_keys_of(gated_hash(8)).empty());
  // It is over.
  gate.deploys().remove("one");
  CHECK(by(1).deploy == nullptr);
  CHECK(gate.may_announce(gate.admit(request_of(target), {}), gated_hash(7), {}));
}

TEST_CASE("a tracker for deploys alone tells strangers nothing, and a late clock the time") {
  Gate gate([] { return clock_now_s; });
  gate.close();
  CHECK(gate.admit(request_of("/"), {}).refusal->body == "forbidden\n");
  REQUIRE(gate.deploys().add("one", test::secret_of(1), {}));
  CHECK(gate.admit(request_of("/"), {}).refusal->body == "forbidden\n");
  const std::string other = deploy_tokens(2).signed_target("/announce?a=1", clock_now_s);
  CHECK(gate.admit(request_of(other), {}).refusal->body == "forbidden\n");
  const std::string late = deploy_tokens(1).signed_target("/announce?a=1", clock_now_s - 100'000);
  const Gate::Admission told = gate.admit(request_of(late), {});
  REQUIRE(told.refusal);
  CHECK(deploy_tokens(1).told_time(late, told.refusal->body) == clock_now_s);
}

TEST_CASE("members of a closed fleet keep what is theirs beside deploys with keys") {
  Gate gate = gate_of(keys_of(1));
  REQUIRE(gate.deploys().add("one", test::secret_of(5), {}));
  const std::string member =
      trust::TokenKeys(keys_of(1)).signed_target("/announce?a=1", clock_now_s);
  const Gate::Admission admission = gate.admit(request_of(member), {});
  CHECK_FALSE(admission.refusal);
  CHECK(admission.deploy == nullptr);
  CHECK(gate.peer_keys_of(gated_hash(7)).first() == test::secret_of(1));
  CHECK(gate.admit(request_of("/announce?a=1"), {}).refusal);
}

TEST_CASE("a host of a deploy takes no release away from members who announce it") {
  Gate gate = gate_of(keys_of(1));
  REQUIRE(gate.deploys().add("one", test::secret_of(5), {}));
  const auto by = [&](uint8_t fill, Instant now) {
    return gate.admit(request_of(deploy_tokens(fill).signed_target("/announce?a=1", clock_now_s)),
                      now);
  };
  const Gate::Admission member = by(1, {});
  const Gate::Admission host = by(5, {});
  REQUIRE(host.deploy != nullptr);
  REQUIRE(gate.may_announce(member, gated_hash(7), {}));
  gate.note_announce(member, gated_hash(7), true, {});
  const Instant late = Instant{} + limits::member_release_kept;
  CHECK_FALSE(gate.may_announce(host, gated_hash(7), late));
  CHECK_FALSE(gate.may_ask(host, gated_hash(7)));
  CHECK(gate.is_of_members(gated_hash(7), late));
  CHECK(gate.may_announce(member, gated_hash(7), late));
  CHECK(gate.peer_keys_of(gated_hash(7)).first() == test::secret_of(1));
  // Another one is the deploy's, and stays so.
  CHECK(gate.may_announce(host, gated_hash(8), {}));
  CHECK_FALSE(gate.may_announce(member, gated_hash(8), {}));
  // The last member has left, or is not heard any more.
  SUBCASE("when the last has left it is free") {
    gate.note_announce(member, gated_hash(7), false, {});
    CHECK(gate.may_announce(host, gated_hash(7), {}));
  }
  SUBCASE("when none was heard for long it is free") {
    CHECK(gate.may_announce(host, gated_hash(7), late + std::chrono::seconds(1)));
  }
  SUBCASE("what a deploy announces is not the members'") {
    gate.note_announce(host, gated_hash(8), true, {});
    CHECK_FALSE(gate.is_of_members(gated_hash(8), {}));
  }
}

TEST_CASE("a bounded number of the members' releases is remembered, the old ones making room") {
  Gate gate = gate_of(keys_of(1));
  const Gate::Admission member =
      gate.admit(request_of(deploy_tokens(1).signed_target("/announce?a=1", clock_now_s)), {});
  const auto numbered = [](uint32_t number) {
    InfoHash info_hash;
    info_hash.bytes[0] = static_cast<uint8_t>(number);
    info_hash.bytes[1] = static_cast<uint8_t>(number >> 8U);
    return info_hash;
  };
  for (uint32_t number = 0; number < limits::tracker_swarms_max; ++number) {
    gate.note_announce(member, numbered(number), true, {});
  }
  gate.note_announce(member, numbered(limits::tracker_swarms_max), true, {});
  CHECK_FALSE(gate.is_of_members(numbered(limits::tracker_swarms_max), {}));
  CHECK(gate.is_of_members(numbered(0), {}));
  const Instant later = Instant{} + limits::member_release_kept + std::chrono::seconds(1);
  gate.note_announce(member, numbered(limits::tracker_swarms_max), true, later);
  CHECK(gate.is_of_members(numbered(limits::tracker_swarms_max), later));
}
