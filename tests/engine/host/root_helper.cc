#include "engine/host/root_helper.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <filesystem>
#include <fstream>

#include "../../temporary_directory.h"
#include "engine/base/types.h"
#include "engine/hash/sha1.h"
#include "engine/host/peer_outcome.h"

namespace murder::host {
namespace {

// A peer that was taken over: it says what it likes to the helper that kept root's rights.
struct Scene {
  // The pieces are those of `fetched`, as of content of one SHA-1.
  Scene(std::string_view signed_text, std::string_view fetched) {
    metainfo.name = "v1";
    metainfo.geometry = {.total_bytes = fetched.size(), .piece_bytes = 16384};
    metainfo.files = {{.path = "v1", .size_bytes = fetched.size()}};
    metainfo.piece_digests = {hash::sha1(as_bytes_of(fetched))};
    std::filesystem::create_directory(scratch / "app");
    std::ofstream(scratch / "archive") << fetched;
    DeliveryOptions delivery{.archive_path = scratch / "archive",
                             .to = scratch / "app",
                             .to_is_directory = true,
                             .makes_directory = true,
                             .tag = "v1",
                             .sync_to_disk = false};
    delivery.signed_placing =
        SignedPlacing{.release = {.content = {.sha256 = hash::sha256(as_bytes_of(signed_text)),
                                              .size_bytes = signed_text.size()},
                                  .app = "shop",
                                  .serial = 7},
                      .place = {.directory = scratch / "app", .name = ""}};
    auto started = RootHelper::start({.delivery = delivery,
                                      .metainfo = &metainfo,
                                      .run_directory = scratch / "run",
                                      .tag = "v1",
                                      .sync_to_disk = false});
    REQUIRE(started);
    helper = std::move(*started);
  }

  // What the helper says in the end.
  Json deliver() {
    const io::Fd archive(open((scratch / "archive").c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(helper->link().send({{"kind", "start"}}, archive.get()));
    REQUIRE(helper->link().send({{"kind", "front"}, {"bytes", metainfo.geometry.total_bytes}}));
    while (true) {
      const Result<HelperLink::Received> received = helper->link().receive();
      REQUIRE(received);
      if (text_member(received->message, "kind") == "done") {
        return received->message;
      }
    }
  }
  [[nodiscard]] bool has_outcome() const {
    const Result<RunDirectory> directory = RunDirectory::open(scratch / "run");
    REQUIRE(directory);
    return read_outcome(*directory, "v1").has_value();
  }
  [[nodiscard]] bool is_placed() const { return std::filesystem::exists(scratch / "app/v1"); }

  TemporaryDirectory scratch;
  codec::Metainfo metainfo;
  std::unique_ptr<RootHelper> helper;
};

}  // namespace

TEST_CASE("what was signed is placed, and told") {
  Scene scene("good", "good");
  CHECK(text_member(scene.deliver(), "path") == scene.scratch / "app/v1");
  CHECK(scene.is_placed());
  CHECK(scene.helper->write_outcome({{"state", outcome_done}}));
  CHECK(scene.has_outcome());
}

TEST_CASE("other content than was signed gets no name from root, whatever its peer says of it") {
  Scene scene("good", "evil");
  const Json end = scene.deliver();
  CHECK(failure_of_json(end["error"]).code == ErrorCode::untrusted);
  CHECK(end["other_content"] == true);
  CHECK_FALSE(scene.is_placed());
  CHECK_FALSE(std::filesystem::exists(scene.scratch / "app/.murder-releases.json"));
  CHECK_FALSE(scene.helper->write_outcome({{"state", outcome_done}}));
  CHECK_FALSE(scene.has_outcome());
}

TEST_CASE("a release that was not placed is not told to be there") {
  Scene scene("good", "good");
  CHECK_FALSE(scene.helper->write_outcome({{"state", outcome_done}}));
  CHECK_FALSE(scene.has_outcome());
  // The helper has ended: nothing is placed after a lie.
  CHECK_FALSE(scene.helper->link().receive());
  Scene other("good", "good");
  CHECK(other.helper->write_outcome({{"state", outcome_failed}}));
  CHECK(other.has_outcome());
}

}  // namespace murder::host
