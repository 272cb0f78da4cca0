// What each store does, in the same words for all of them.
#include "coordinator/store/record_store.h"

#include <doctest/doctest.h>

#include "coordinator/store/bounds.h"
#include "engine/control/bounds.h"
#include "etcd_cluster.h"
#include "places.h"

using namespace murder;
using namespace murder::store;

namespace {

template <typename Test>
void for_each_place(Test&& test) {
  MemoryPlace memory;
  DirectoryPlace directory;
  std::vector<Place*> places = {&memory, &directory};
  std::unique_ptr<EtcdPlace> etcd;
  if (EtcdCluster::can_run()) {
    etcd = std::make_unique<EtcdPlace>(shared_cluster());
    places.push_back(etcd.get());
  }
  for (Place* place : places) {
    INFO("store: ", place->name());
    test(*place);
  }
}

template <typename Test>
void for_each_durable_place(Test&& test) {
  for_each_place([&](Place& place) {
    if (place.is_durable()) {
      test(place);
    }
  });
}

}  // namespace

TEST_CASE("a new store is empty, and gives back what was appended in its order") {
  for_each_place([](Place& place) {
    const auto store = open_leading(place);
    CHECK(store->load() == Lines{});
    CHECK(store->last_number() == 0);
    REQUIRE(store->append(numbered(1, 3)));
    REQUIRE(store->append(Lines{}));
    REQUIRE(store->append(numbered(4, 4)));
    CHECK(store->last_number() == 4);
    CHECK(store->load() == numbered(1, 4));
    CHECK(store->last_number() == 4);
  });
}

TEST_CASE("what was appended is there for the next process") {
  for_each_durable_place([](Place& place) {
    REQUIRE(open_leading(place)->append(numbered(1, 3)));
    const auto store = open_leading(place);
    CHECK(store->load() == numbered(1, 3));
    REQUIRE(store->append(numbered(4, 5)));
    CHECK(store->load() == numbered(1, 5));
  });
}

TEST_CASE("a snapshot stands for what was before, which stays for the audit") {
  for_each_place([](Place& place) {
    const auto store = open_leading(place);
    REQUIRE(store->append(numbered(1, 5)));
    REQUIRE(store->write_snapshot(Lines{"snapshot", "of it"}));
    CHECK(store->load() == Lines{"snapshot", "of it"});
    CHECK(store->last_number() == 5);
    REQUIRE(store->append(numbered(6, 7)));
    CHECK(store->load() == Lines{"snapshot", "of it", "{\"record\":6}", "{\"record\":7}"});

    REQUIRE(store->write_snapshot(Lines{"another"}));
    REQUIRE(store->append(numbered(8, 8)));
    CHECK(store->load() == Lines{"another", "{\"record\":8}"});
    const auto audit = store->read_audit(1, 100);
    REQUIRE(audit);
    REQUIRE(audit->size() == 8);
    CHECK(audit->front() == AuditLine{.number = 1, .line = "{\"record\":1}"});
    CHECK(audit->back() == AuditLine{.number = 8, .line = "{\"record\":8}"});
  });
}

TEST_CASE("a snapshot is there for the next process, and so is the number of the last record") {
  for_each_durable_place([](Place& place) {
    {
      const auto store = open_leading(place);
      REQUIRE(store->append(numbered(1, 5)));
      REQUIRE(store->write_snapshot(Lines{"snapshot"}));
    }
    const auto store = open_leading(place);
    CHECK(store->load() == Lines{"snapshot"});
    CHECK(store->last_number() == 5);
    REQUIRE(store->append(numbered(6, 6)));
    CHECK(store->read_audit(6, 1).value().at(0).number == 6);
  });
}

TEST_CASE("the audit is read from any number on, so many at a time") {
  for_each_place([](Place& place) {
    const auto store = open_leading(place);
    for (uint64_t number = 1; number <= 40; number += 4) {
      REQUIRE(store->append(numbered(number, number + 3)));
    }
    for (uint64_t from = 0; from <= 42; ++from) {
      for (const size_t max : {0U, 1U, 3U, 4U, 5U, 100U}) {
        const auto audit = store->read_audit(from, max);
        REQUIRE(audit);
        const uint64_t first = std::max<uint64_t>(from, 1);
        const uint64_t there = first > 40 ? 0 : 41 - first;
        REQUIRE(audit->size() == std::min<uint64_t>(there, max));
        for (size_t index = 0; index < audit->size(); ++index) {
          CHECK((*audit)[index].number == first + index);
          CHECK((*audit)[index].line == numbered(first + index, first + index)[0]);
        }
      }
    }
    CHECK(store->read_audit(UINT64_MAX, 5).value().empty());
  });
}

TEST_CASE("one answer of the audit is bounded, and less than was asked for is not its end") {
  for_each_place([](Place& place) {
    const auto store = open_leading(place);
    const uint64_t count = limits::store_audit_read_bytes_max / 50'000 + 10;
    REQUIRE(store->append(numbered(1, count, 50'000)));
    uint64_t next = 1;
    size_t reads = 0;
    for (; next <= count; ++reads) {
      const auto audit = store->read_audit(next, 1'000'000);
      REQUIRE(audit);
      REQUIRE(!audit->empty());
      CHECK(audit->size() * 50'000 < limits::store_audit_read_bytes_max + 200'000);
      CHECK(audit->front().number == next);
      next = audit->back().number + 1;
    }
    CHECK(reads == 2);
  });
}

TEST_CASE("many records at once are one turn") {
  for_each_durable_place([](Place& place) {
    const Lines many = numbered(1, 30'000, 100);
    REQUIRE(open_leading(place)->append(many));
    CHECK(open_leading(place)->load() == many);
  });
}

TEST_CASE("records of any bytes of text come back as they were") {
  for_each_place([](Place& place) {
    const auto store = open_leading(place);
    const Lines lines = {"{\"text\":\"\\n \xc3\xa9 \xf0\x9f\x98\x80 ' \\\" \x01 \\u0000\"}", " ",
                         "x\r", std::string(limits::control_record_bytes_max, 'x')};
    REQUIRE(store->append(lines));
    CHECK(store->load() == lines);
  });
}

TEST_CASE("what is not a line is refused, and nothing of it is there") {
  for_each_place([](Place& place) {
    const auto store = open_leading(place);
    for (const std::string& bad : {std::string(), std::string("a\nb"), std::string("a\0b", 3),
                                   std::string(limits::control_record_bytes_max + 1, 'x')}) {
      CHECK(store->append(Lines{"good", bad}).error().code == ErrorCode::invalid_input);
      CHECK(store->write_snapshot(Lines{bad}).error().code == ErrorCode::invalid_input);
    }
    CHECK(store->load() == Lines{});
  });
}

TEST_CASE("whoever does not lead, or has not read what is there, writes nothing") {
  for_each_place([](Place& place) {
    const auto store = place.open();
    CHECK(store->append(numbered(1, 1)).error().code == ErrorCode::conflict);
    CHECK(store->write_snapshot(numbered(1, 1)).error().code == ErrorCode::conflict);
    CHECK(store->put_torrent(hash_of(1), some_bytes(10, 1)).error().code == ErrorCode::conflict);
    CHECK(store->keep_lead() == false);
    REQUIRE(store->try_lead("here:8998") == true);
    CHECK(store->append(numbered(1, 1)).error().code == ErrorCode::conflict);
    REQUIRE(store->load());
    CHECK(store->append(numbered(1, 1)));
    store->resign();
    CHECK_FALSE(store->is_leading());
    CHECK(store->append(numbered(2, 2)).error().code == ErrorCode::conflict);
  });
}

TEST_CASE("the lead is kept, tells its address, and is given back") {
  for_each_durable_place([](Place& place) {
    const auto first = open_leading(place);
    CHECK(first->keep_lead() == true);
    CHECK(first->try_lead("here:8998") == true);
    CHECK(first->leader_address() == "here:8998");
    const auto second = place.open();
    CHECK_FALSE(second->try_lead("there:8998").value_or(false));
    CHECK(second->leader_address() == "here:8998");
    REQUIRE(first->append(numbered(1, 2)));
    first->resign();
    CHECK(second->try_lead("there:8998") == true);
    CHECK(second->load() == numbered(1, 2));
    CHECK(second->leader_address() == "there:8998");
  });
}

TEST_CASE("torrents are kept, replaced, listed and removed") {
  for_each_place([](Place& place) {
    const auto store = open_leading(place);
    CHECK(store->get_torrent(hash_of(7)).error().code == ErrorCode::not_found);
    CHECK(store->remove_torrent(hash_of(7)));
    const auto large = some_bytes(3'000'001, 1);
    REQUIRE(store->put_torrent(hash_of(9), large));
    REQUIRE(store->put_torrent(hash_of(7), some_bytes(1, 0)));
    CHECK(store->get_torrent(hash_of(9)) == large);
    CHECK(store->list_torrents() == std::vector{hash_of(7), hash_of(9)});
    REQUIRE(store->put_torrent(hash_of(9), some_bytes(600'000, 2)));
    CHECK(store->get_torrent(hash_of(9)) == some_bytes(600'000, 2));
    REQUIRE(store->remove_torrent(hash_of(7)));
    CHECK(store->list_torrents() == std::vector{hash_of(9)});
    CHECK(store->put_torrent(hash_of(1), {}).error().code == ErrorCode::limit);
  });
}

TEST_CASE("torrents are there for the next process") {
  for_each_durable_place([](Place& place) {
    REQUIRE(open_leading(place)->put_torrent(hash_of(9), some_bytes(1'000'000, 3)));
    CHECK(open_leading(place)->get_torrent(hash_of(9)) == some_bytes(1'000'000, 3));
  });
}

TEST_CASE("a snapshot is due when reading the records would cost more than reading it") {
  for_each_place([](Place& place) {
    const auto store = open_leading(place);
    REQUIRE(store->append(numbered(1, limits::store_snapshot_records_min - 1)));
    CHECK_FALSE(store->wants_snapshot());
    REQUIRE(store->append(numbered(1, 1)));
    CHECK(store->wants_snapshot());
    REQUIRE(store->load());
    CHECK(store->wants_snapshot());
    REQUIRE(store->write_snapshot(numbered(1, 3 * limits::store_snapshot_records_min)));
    CHECK_FALSE(store->wants_snapshot());
    REQUIRE(store->append(numbered(1, 3 * limits::store_snapshot_records_min - 1)));
    REQUIRE(store->load());
    CHECK_FALSE(store->wants_snapshot());
    REQUIRE(store->append(numbered(1, 1)));
    CHECK(store->wants_snapshot());
  });
}
