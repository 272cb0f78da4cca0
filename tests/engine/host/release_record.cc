#include "engine/host/release_record.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "../../temporary_directory.h"
#include "engine/host/release_directory.h"

using namespace murder;
using namespace murder::host;
namespace fs = std::filesystem;

namespace {

const PresentTags all_present = {"v1", "v2", "v3", "v4"};

ReleaseRecord three_activated() {
  ReleaseRecord record;
  for (const char* tag : {"v1", "v2", "v3"}) {
    note_delivered(record, tag);
    note_activated(record, tag);
  }
  return record;
}

}  // namespace

TEST_CASE("a rollback goes to what was current before, and another one further back") {
  ReleaseRecord record = three_activated();
  CHECK(previous_release(record, "v3", all_present) == "v2");
  note_rolled_back(record, "v2");
  CHECK(previous_release(record, "v2", all_present) == "v1");
  note_rolled_back(record, "v1");
  CHECK_FALSE(previous_release(record, "v1", all_present));
}

TEST_CASE("a release that is gone is passed over") {
  const ReleaseRecord record = three_activated();
  CHECK(previous_release(record, "v3", PresentTags{"v1", "v3"}) == "v1");
}

TEST_CASE("nothing is guessed when somebody else switched the link") {
  const ReleaseRecord record = three_activated();
  CHECK_FALSE(previous_release(record, "v2", all_present));
  CHECK_FALSE(previous_release(record, "", all_present));
}

TEST_CASE("an activation again counts once") {
  ReleaseRecord record = three_activated();
  note_activated(record, "v3");
  CHECK(previous_release(record, "v3", all_present) == "v2");
}

TEST_CASE("the newest are kept, and always the current one and the one before it") {
  ReleaseRecord record = three_activated();
  note_delivered(record, "v4");
  CHECK(releases_to_remove(record, "v3", 1, all_present) == std::vector<std::string>{"v1"});
  CHECK(releases_to_remove(record, "v3", 4, all_present).empty());
  note_activated(record, "v4");
  CHECK(releases_to_remove(record, "v4", 2, all_present) == std::vector<std::string>{"v2", "v1"});
  // What is not there neither counts nor is removed.
  CHECK(releases_to_remove(record, "v4", 2, PresentTags{"v1", "v4"}).empty());
}

TEST_CASE("a record is read back as it was written, and a damaged one is an error") {
  const ReleaseRecord record = three_activated();
  CHECK(record_of(json_of(record)) == record);
  CHECK_FALSE(record_of(*parse_json("[]")));
  ReleaseRecord with_signatures = record;
  REQUIRE(
      note_serial(with_signatures.serials, "shop", "", {std::string(64, 'a'), 7}, 1'800'000'000));
  note_placed(with_signatures, {.tag = "v9",
                                .info_hash = "hash",
                                .time = "now",
                                .identity = nullptr,
                                .signed_content = SignedContent{std::string(64, 'a'), 7}});
  CHECK(record_of(json_of(with_signatures)) == with_signatures);
  ReleaseRecord while_placing = record;
  const PlacedRelease placing{
      .tag = "v9", .info_hash = "hash", .time = "now", .identity = nullptr, .signed_content = {}};
  note_placing(while_placing, placing);
  CHECK(record_of(json_of(while_placing)) == while_placing);
  note_placed(while_placing, placing);
  CHECK(while_placing.placing.empty());
  CHECK_FALSE(record_of(*parse_json(R"({"delivered": [], "activated": [], "serials": 1})")));
  CHECK_FALSE(record_of(*parse_json(R"({"delivered": [1], "activated": []})")));
}

TEST_CASE("the link is switched in one step and leads to the release") {
  const TemporaryDirectory scratch;
  const std::string root = scratch.path();
  fs::create_directory(root + "/v1");
  fs::create_directory(root + "/v2");
  Result<ReleaseDirectory> directory = ReleaseDirectory::open(root);
  REQUIRE(directory);
  CHECK(directory->current("current") == "");
  CHECK(directory->switch_to("v1", "current"));
  CHECK(directory->switch_to("v2", "current"));
  CHECK(directory->current("current") == "v2");
  CHECK(fs::read_symlink(root + "/current") == "v2");
  CHECK_FALSE(directory->switch_to("v3", "current"));
  CHECK(directory->current("current") == "v2");
  note_activated(directory->record(), "v2");
  CHECK(directory->save_record());
  CHECK(directory->remove("v1"));
  CHECK_FALSE(fs::exists(root + "/v1"));
  const auto count = std::distance(fs::directory_iterator(root), fs::directory_iterator());
  CHECK(count == 4);  // v2, current, the record, and the lock while it is held
}

TEST_CASE("what is no link, or a link elsewhere, is not taken for the current release") {
  const TemporaryDirectory scratch;
  const std::string root = scratch.path();
  fs::create_directory(root + "/v1");
  fs::create_directory(root + "/current");
  fs::create_symlink("/etc", root + "/other");
  Result<ReleaseDirectory> directory = ReleaseDirectory::open(root);
  REQUIRE(directory);
  CHECK_FALSE(directory->current("current"));
  CHECK_FALSE(directory->switch_to("v1", "current"));
  CHECK(fs::is_directory(fs::symlink_status(root + "/current")));
  CHECK_FALSE(directory->current("other"));
  CHECK(directory->switch_to("v1", "other"));
  CHECK_FALSE(directory->has("other"));  // a link is no release
  CHECK_FALSE(directory->has("../" + fs::path(scratch.path()).filename().string()));
}
