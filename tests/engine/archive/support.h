// What the tests of this layer share: temporary trees, their listing, and archives made by hand.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "../../content.h"
#include "engine/archive/byte_sink.h"
#include "engine/archive/byte_source.h"
#include "engine/archive/observer.h"
#include "engine/archive/tree_walk.h"
#include "engine/base/types.h"

namespace murder::archive::testing {

// A directory that is removed with all it contains.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Keeps what it was told.
class Notes : public Observer {
 public:
  void progress(const ByteProgress& progress) override { last = progress; }
  void warning(std::string_view text) override { warnings.emplace_back(text); }

  ByteProgress last;
  std::vector<std::string> warnings;
};

class MemorySink : public ByteSink {
 public:
  Status write(std::span<const uint8_t> bytes) override;

  std::string content;
};

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string content) : content_(std::move(content)) {}
  Result<size_t> read(std::span<uint8_t> into) override;
  [[nodiscard]] uint64_t size_bytes() const override { return content_.size(); }

 private:
  std::string content_;
  size_t at_ = 0;
};

void make_directory(const std::string& path, mode_t mode = 0755);
void write_file(const std::string& path, std::string_view content, mode_t mode = 0644);
void write_file_at(const std::string& path, uint64_t offset, std::string_view content);
[[nodiscard]] bool exists(const std::string& path);                        // links are not followed
[[nodiscard]] std::vector<std::string> names_in(const std::string& path);  // sorted
void set_time(const std::string& path, int64_t seconds, uint32_t nanoseconds = 0);
[[nodiscard]] uint64_t blocks_of(const std::string& path);
// One line for each entry: path, type, mode, time, size, content, link target or group of hard
// links.
[[nodiscard]] std::vector<std::string> listing(const std::string& path);

// A tree with random names (odd bytes, long, deep), modes, links of both kinds and holes.
void make_random_tree(const std::string& path, Prng& prng, uint32_t entry_count);

// An entry of an archive, whatever it says.
struct RawEntry {
  std::string path;
  EntryType type = EntryType::file;
  std::string content;
  std::string link_target;
  uint32_t mode = 0644;
  char tar_type = '\0';  // in place of that of `type`
};
[[nodiscard]] std::string raw_tar(const std::vector<RawEntry>& entries);

// Runs it in a child of its own as a user without rights (as we are, when we are not root); returns
// whether it returned true.
[[nodiscard]] bool runs_unprivileged(const std::function<bool()>& body);
// Runs it in a child where `path` is a file system of this size. Nothing (true) when that is not
// allowed.
[[nodiscard]] bool runs_on_small_disk(const std::string& path, uint64_t bytes,
                                      const std::function<bool()>& body);

}  // namespace murder::archive::testing
