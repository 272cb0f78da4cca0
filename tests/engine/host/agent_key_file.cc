#include "engine/host/agent_key_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "../../temporary_directory.h"
#include "engine/base/small_file.h"

using namespace murder;
using host::load_or_make_agent_key;

namespace {

class KeyDirectory : public TemporaryDirectory {
 public:
  [[nodiscard]] std::string key() const { return *this / "agent.key"; }
};

}  // namespace

TEST_CASE("an agent's key is made once, for nobody else to read") {
  const KeyDirectory directory;
  const Result<trust::AgentKey> made = load_or_make_agent_key(directory.key(), "web7");
  REQUIRE(made);
  struct stat status {};
  REQUIRE(::stat(directory.key().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0600U);
  CHECK(status.st_nlink == 1);
  const Result<trust::AgentKey> again = load_or_make_agent_key(directory.key(), "web8");
  REQUIRE(again);
  CHECK(again->public_key == made->public_key);
  const KeyDirectory other;
  CHECK_FALSE(load_or_make_agent_key(other.key(), "web7")->public_key == made->public_key);
}

TEST_CASE("two processes that begin at the same time get the same key, and leave no other file") {
  const KeyDirectory directory;
  std::vector<std::string> keys(8);
  std::vector<std::thread> threads;
  threads.reserve(keys.size());
  for (std::string& key : keys) {
    threads.emplace_back([&] {
      const Result<trust::AgentKey> made = load_or_make_agent_key(directory.key(), "web7");
      key = made ? made->public_key.blob : made.error().text;
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (const std::string& key : keys) {
    CHECK(key == keys.front());
    CHECK(key.size() == 51);
  }
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    ++count;
  }
  CHECK(count == 1);
}

TEST_CASE("a key that cannot be used is named, and stays as it is") {
  const KeyDirectory directory;
  REQUIRE(load_or_make_agent_key(directory.key(), "web7"));
  const std::string text = *read_small_file(directory.key(), 10'000);
  REQUIRE(::chmod(directory.key().c_str(), 0640) == 0);
  const Result<trust::AgentKey> open = load_or_make_agent_key(directory.key(), "web7");
  REQUIRE_FALSE(open);
  CHECK(open.error().code == ErrorCode::permission);
  CHECK(open.error().text.find(directory.key()) != std::string::npos);

  REQUIRE(::chmod(directory.key().c_str(), 0600) == 0);
  REQUIRE(::truncate(directory.key().c_str(), 100) == 0);
  const Result<trust::AgentKey> cut = load_or_make_agent_key(directory.key(), "web7");
  REQUIRE_FALSE(cut);
  CHECK(cut.error().text.starts_with(directory.key() + ": a private key that "));
  CHECK(*read_small_file(directory.key(), 10'000) == text.substr(0, 100));

  CHECK_FALSE(load_or_make_agent_key(directory.path(), "web7"));
  CHECK_FALSE(load_or_make_agent_key(directory.path() + "/none/agent.key", "web7"));
}
