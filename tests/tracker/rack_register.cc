#include "tracker/rack_register.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "tracker/bounds.h"

using namespace murder;
using namespace murder::tracker;

TEST_CASE("members of one name share a rack, and an empty name is none") {
  RackRegister racks(1);
  const RackRegister::Seat first = racks.join("r1", 10);
  const RackRegister::Seat second = racks.join("r1", 11);
  const RackRegister::Seat other = racks.join("r2", 12);
  CHECK(first.rack == second.rack);
  CHECK(first.rack != other.rack);
  CHECK(racks.join("", 13).rack == no_rack);
  CHECK(racks.name(first.rack) == "r1");
  CHECK(racks.members(first.rack).size() == 2);
  CHECK(racks.members(no_rack).empty());
  CHECK(racks.rack_count() == 2);
}

TEST_CASE("a rack that is left by all is gone") {
  RackRegister racks(1);
  CHECK(racks.leave(racks.join("r1", 1)) == FlatIndex::none);
  CHECK(racks.rack_count() == 0);
  const uint32_t bound = racks.number_bound();
  CHECK(racks.join("r2", 2).rack != no_rack);
  CHECK(racks.number_bound() == bound);
}

TEST_CASE("racks beyond the bound are none, and so are members") {
  RackRegister racks(1);
  for (uint32_t number = 0; number < limits::tracker_racks_max; ++number) {
    CHECK(racks.join("r" + std::to_string(number), number).rack != no_rack);
  }
  CHECK(racks.join("one more", 0).rack == no_rack);
  for (uint32_t number = 1; number < limits::tracker_rack_members_max; ++number) {
    CHECK(racks.join("r0", number).rack != no_rack);
  }
  CHECK(racks.join("r0", 0).rack == no_rack);
}

TEST_CASE("seats hold through any joining, leaving and renaming") {
  RackRegister racks(7);
  Prng prng(1);
  struct Member {
    std::string name;
    RackRegister::Seat seat;
  };
  std::map<uint32_t, Member> members;
  uint32_t next = 0;
  for (uint32_t step = 0; step < 20'000; ++step) {
    const uint32_t what = prng.below(5);
    if (what < 2 || members.empty()) {
      const std::string name = "r" + std::to_string(prng.below(30));
      members[next] = {name, racks.join(name, next)};
      ++next;
      continue;
    }
    auto chosen = members.begin();
    std::advance(chosen, prng.below(static_cast<uint32_t>(members.size())));
    if (what < 4) {
      const uint32_t moved = racks.leave(chosen->second.seat);
      if (moved != FlatIndex::none) {
        members.at(moved).seat.position = chosen->second.seat.position;
      }
      members.erase(chosen);
    } else {
      const Member member = chosen->second;
      racks.rename(member.seat, next);
      members.erase(chosen);
      members[next++] = member;
    }
  }
  std::set<std::string> names;
  for (const auto& [reference, member] : members) {
    CHECK(racks.name(member.seat.rack) == member.name);
    CHECK(racks.members(member.seat.rack)[member.seat.position] == reference);
    names.insert(member.name);
  }
  CHECK(racks.rack_count() == names.size());
}
