#include "engine/host/peer_start.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "../../temporary_directory.h"
#include "engine/host/peer_outcome.h"
#include "engine/host/placed_release.h"
#include "engine/host/release_directory.h"
#include "engine/host/run_directory.h"

namespace murder::host {
namespace {

const std::string own_hash(40, 'a');
const std::string other_hash(40, 'b');

codec::Metainfo packed_release() {
  codec::Metainfo metainfo;
  metainfo.name = "v1.tar.zst";
  metainfo.geometry = {.total_bytes = 1000, .piece_bytes = 1024};
  return metainfo;
}

codec::Metainfo file_release() {
  codec::Metainfo metainfo = packed_release();
  metainfo.name = "v1";
  return metainfo;
}

// Releases go to app/, archives to temp/.
struct Host {
  Host() {
    std::filesystem::create_directory(scratch / "app");
    std::filesystem::create_directory(scratch / "temp");
  }

  [[nodiscard]] PeerRequest request() const {
    return {.tag = "v1",
            .info_hash = own_hash,
            .run_directory = scratch / "run",
            .delivery = {.archive_path = scratch / "temp/v1.tar.zst",
                         .to = scratch / "app",
                         .tag = "v1",
                         .sync_to_disk = false},
            .user_id = 7};
  }
  void place(const std::string& info_hash) const {
    std::filesystem::create_directory(scratch / "app/v1");
    REQUIRE(record_place({.directory = scratch / "app",
                          .tag = "v1",
                          .info_hash = info_hash,
                          .run_directory = scratch / "run"},
                         {.sync_to_disk = false}));
  }
  [[nodiscard]] Result<Json> outcome() const {
    const Result<RunDirectory> directory = RunDirectory::open(scratch / "run");
    REQUIRE(directory);
    return read_outcome(*directory, "v1");
  }

  TemporaryDirectory scratch;
};

}  // namespace

TEST_CASE("a release that is in its place is reported, and there is nothing to fetch") {
  const Host host;
  host.place(own_hash);
  const Result<PeerPlan> plan = plan_peer(host.request(), packed_release());
  REQUIRE(plan);
  REQUIRE(plan->report);
  CHECK(plan->report->json["already_there"] == true);
  CHECK(plan->report->json["user_id"] == 7);
  CHECK(plan->report->text.find("nothing to do") != std::string::npos);
  CHECK_FALSE(host.outcome());
}

TEST_CASE("who waits for a peer that has nothing to fetch finds its outcome") {
  const Host host;
  host.place(own_hash);
  PeerRequest request = host.request();
  request.leaves_outcome = true;
  request.deploy = "token";
  REQUIRE(plan_peer(request, packed_release()));
  const Result<Json> outcome = host.outcome();
  REQUIRE(outcome);
  CHECK(text_member(*outcome, "state") == outcome_done);
  CHECK(text_member(*outcome, "deploy") == "token");
}

TEST_CASE("another release of that tag is an error, unless it is to be replaced") {
  const Host host;
  host.place(other_hash);
  PeerRequest request = host.request();
  const Result<PeerPlan> plan = plan_peer(request, packed_release());
  REQUIRE_FALSE(plan);
  CHECK(plan.error().code == ErrorCode::exists);
  request.delivery.replace = true;
  const Result<PeerPlan> replacing = plan_peer(request, packed_release());
  REQUIRE(replacing);
  CHECK_FALSE(replacing->report);
}

TEST_CASE("a release is recorded where somebody waits for it, and may be removed where asked") {
  const Host host;
  PeerRequest request = host.request();
  const auto record = [&request] {
    const Result<PeerPlan> plan = plan_peer(request, packed_release());
    REQUIRE(plan);
    return plan->delivery.record;
  };
  CHECK_FALSE(record());
  request.leaves_outcome = true;
  REQUIRE(record());
  CHECK_FALSE(record()->options.is_delivered);
  CHECK(record()->place.path() == host.scratch / "app/v1");
  request.is_recorded = true;
  CHECK(record()->options.is_delivered);
  request.delivery.tag.clear();  // the tree is DIR itself
  CHECK_FALSE(record());
}

TEST_CASE("a file is recorded in a directory of releases alone, under its tag") {
  const Host host;
  PeerRequest request = host.request();
  request.is_recorded = true;
  codec::Metainfo metainfo = file_release();
  const auto is_recorded = [&] {
    const Result<PeerPlan> plan = plan_peer(request, metainfo);
    REQUIRE(plan);
    return plan->delivery.record.has_value();
  };
  CHECK_FALSE(is_recorded());
  request.delivery.makes_directory = true;
  request.delivery.to_is_directory = true;
  CHECK(is_recorded());
  metainfo.name = "disk.img";
  CHECK_FALSE(is_recorded());
}

TEST_CASE("what a peer that was killed had placed is recorded, and known to the next one") {
  const Host host;
  std::filesystem::create_directory(host.scratch / "app/v1");
  const int tree = ::open((host.scratch / "app/v1").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  note_placing(host.scratch / "run", "v1", own_hash, tree, false);
  ::close(tree);
  PeerRequest request = host.request();
  request.leaves_outcome = true;
  const Result<PeerPlan> plan = plan_peer(request, packed_release());
  REQUIRE(plan);
  CHECK(plan->report);
  CHECK_FALSE(was_placed(host.scratch / "run", "v1", own_hash, host.scratch / "app/v1"));
  const ReleasePlace place{.directory = host.scratch / "app",
                           .tag = "v1",
                           .info_hash = own_hash,
                           .run_directory = host.scratch / "run"};
  CHECK(look_at_place(place).state == PlaceState::same);
}

namespace {

// The request of a host that demands a signature, and got one over this content.
PeerRequest signed_request(const Host& host, std::string_view content, uint64_t serial) {
  PeerRequest request = host.request();
  request.leaves_outcome = true;
  request.delivery.signed_placing =
      SignedPlacing{.release = {.content = {.sha256 = hash::sha256(as_bytes_of(content)),
                                            .size_bytes = content.size()},
                                .app = "shop",
                                .serial = serial},
                    .place = {}};
  return request;
}

ErrorCode code_of(const PeerRequest& request) {
  const Result<PeerPlan> plan = plan_peer(request, packed_release());
  REQUIRE_FALSE(plan);
  return plan.error().code;
}

}  // namespace

TEST_CASE("what came without a signature is not taken for what is signed") {
  const Host host;
  host.place(own_hash);
  CHECK(code_of(signed_request(host, "one", 1)) == ErrorCode::untrusted);
  // Nor is what a peer that demanded none had placed before it was killed.
  std::filesystem::remove(host.scratch / "app/.murder-releases.json");
  const int tree = ::open((host.scratch / "app/v1").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  note_placing(host.scratch / "run", "v1", own_hash, tree, false);
  std::ofstream(host.scratch / "app/v1/file") << "text";
  CHECK(code_of(signed_request(host, "one", 1)) == ErrorCode::exists);
  note_placing(host.scratch / "run", "v1", own_hash, tree, false,
               hash::sha256(as_bytes_of("one")).hex());
  ::close(tree);
  CHECK(code_of(signed_request(host, "other", 1)) == ErrorCode::exists);
  const Result<PeerPlan> plan = plan_peer(signed_request(host, "one", 1), packed_release());
  REQUIRE(plan);
  CHECK(plan->report);
}

TEST_CASE(
    "a signed release that is in its place raises the serial there, and an older one is refused") {
  const Host host;
  std::filesystem::create_directory(host.scratch / "app/v1");
  const PeerRequest first = signed_request(host, "one", 3);
  REQUIRE(record_place({.directory = host.scratch / "app",
                        .tag = "v1",
                        .info_hash = own_hash,
                        .run_directory = host.scratch / "run",
                        .signed_content = first.delivery.signed_placing->content()},
                       {.sync_to_disk = false}));
  const auto serial = [&host] {
    const Result<ReleaseRecord> record = ReleaseDirectory::read_record(host.scratch / "app");
    REQUIRE(record);
    return record->serials.empty() ? 0 : record->serials.front().serial;
  };
  for (const uint64_t next : {3, 5}) {
    const Result<PeerPlan> plan = plan_peer(signed_request(host, "one", next), packed_release());
    REQUIRE(plan);
    CHECK(plan->report);
    CHECK(serial() == next);
  }
  CHECK(code_of(signed_request(host, "one", 4)) == ErrorCode::untrusted);
  CHECK(serial() == 5);
  // It costs nothing to ask for a release that is not here yet.
  PeerRequest next = signed_request(host, "two", 6);
  next.tag = next.delivery.tag = "v2";
  REQUIRE(plan_peer(next, packed_release()));
  CHECK(serial() == 5);
}

TEST_CASE("the serial is kept beside what gets the name") {
  const Host host;
  const auto place_of = [&host](DeliveryOptions delivery, const codec::Metainfo& metainfo) {
    delivery.signed_placing = signed_request(host, "one", 1).delivery.signed_placing;
    REQUIRE(plan_signed_placing(delivery, metainfo));
    return delivery.signed_placing->place;
  };
  const std::string app = host.scratch / "app";
  const std::string whole = std::filesystem::canonical(host.scratch.path()).string();
  SerialPlace place = place_of({.to = app, .tag = "v1"}, packed_release());
  CHECK(place.directory == app);
  CHECK(place.name.empty());
  place = place_of({.to = app}, packed_release());  // the tree is DIR itself
  CHECK(place.directory == whole);
  CHECK(place.name == "app");
  place = place_of({.to = app}, file_release());  // into the directory, as cp would
  CHECK(place.directory == app);
  CHECK(place.name.empty());
  place = place_of({.to = app + "/program"}, file_release());
  CHECK(place.directory == whole + "/app");
  CHECK(place.name == "program");
  CHECK(place_of({.to = app, .keeps_archive = true}, file_release()).directory.empty());
}

TEST_CASE("an archive that is only fetched is planned without a look at any place") {
  const Host host;
  host.place(other_hash);
  PeerRequest request = host.request();
  request.delivery.keeps_archive = true;
  request.leaves_outcome = true;
  const Result<PeerPlan> plan = plan_peer(request, packed_release());
  REQUIRE(plan);
  CHECK_FALSE(plan->report);
  CHECK_FALSE(plan->delivery.record);
}

TEST_CASE("whoever waits finds that the peer runs, and whose the archive is") {
  const Host host;
  PeerRequest request = host.request();
  request.deploy = "token";
  REQUIRE(leave_running_outcome(request));
  const Result<Json> outcome = host.outcome();
  REQUIRE(outcome);
  CHECK(text_member(*outcome, "state") == outcome_running);
  CHECK(count_member(*outcome, "user_id") == 7);
  CHECK(text_member(*outcome, "archive") == request.delivery.archive_path);
  CHECK(text_member(*outcome, "deploy") == "token");
}

}  // namespace murder::host
