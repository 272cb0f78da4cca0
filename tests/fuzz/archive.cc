// Fuzzes whole archives, plain and compressed: what is unpacked lies below its target, what is
// refused leaves nothing there, and nothing beside it changes.

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "engine/archive/file.h"
#include "engine/archive/tar_block.h"
#include "engine/archive/tree_removal.h"
#include "engine/archive/unpack.h"
#include "engine/base/ensure.h"
#include "engine/base/types.h"

using namespace murder;
using namespace murder::archive;

namespace {

constexpr uint64_t unpacked_bytes_max = 256 * 1024;

class TextSource final : public ByteSource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  Result<size_t> read(std::span<uint8_t> into) override {
    const size_t count = std::min(into.size(), text_.size() - at_);
    if (count > 0) {
      std::memcpy(into.data(), text_.data() + at_, count);
      at_ += count;
    }
    return count;
  }
  [[nodiscard]] uint64_t size_bytes() const override { return text_.size(); }

 private:
  std::string text_;
  size_t at_ = 0;
};

// Of every process one, with something beside the target that must stay.
class Scratch {
 public:
  Scratch() : path_(::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") {
    path_ += "/murder-fuzz-archive.XXXXXX";
    ENSURE(::mkdtemp(path_.data()) != nullptr);
    ENSURE(::mkdir((path_ + "/to").c_str(), 0755) == 0);
    const Result<Fd> kept = open_file(path_ + "/kept", O_WRONLY | O_CREAT | O_EXCL);
    ENSURE(kept && write_all(kept->get(), as_bytes_of("kept"), "kept"));
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { (void)remove_tree(path_); }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

const std::string& scratch_directory() {
  static const Scratch scratch;
  return scratch.path();
}

size_t entries_of(const std::string& path) {
  DIR* directory = ::opendir(path.c_str());
  ENSURE(directory != nullptr);
  size_t count = 0;
  while (const struct dirent* item = ::readdir(directory)) {
    count += std::strcmp(item->d_name, ".") != 0 && std::strcmp(item->d_name, "..") != 0 ? 1 : 0;
  }
  ::closedir(directory);
  return count;
}

// Otherwise nearly nothing gets behind the first header.
void put_checksums(std::string& tar) {
  for (size_t at = 0; at + tar_block_bytes <= tar.size(); at += tar_block_bytes) {
    UstarBlock block{};
    std::memcpy(&block, tar.data() + at, sizeof(block));
    if (std::memcmp(block.magic, "ustar", 5) != 0) {
      continue;
    }
    std::memset(block.checksum, ' ', sizeof(block.checksum));
    unsigned sum = 0;
    const auto* bytes = reinterpret_cast<const unsigned char*>(&block);
    for (size_t index = 0; index < sizeof(block); ++index) {
      sum += bytes[index];
    }
    for (size_t digit = 6; digit > 0; --digit) {
      block.checksum[digit - 1] = static_cast<char>('0' + sum % 8);
      sum /= 8;
    }
    block.checksum[6] = '\0';
    std::memcpy(tar.data() + at, &block, sizeof(block));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  put_checksums(text);
  const std::string& scratch = scratch_directory();
  Observer silent;
  TextSource source(text);
  const Result<Unpacked> unpacked = unpack(source,
                                           {.archive_name = "fuzzed",
                                            .directory = scratch + "/to",
                                            .tag = "tree",
                                            .unpacked_bytes_max = unpacked_bytes_max,
                                            .keep_set_id = true,
                                            .keep_attributes = true,
                                            .is_confined = false},  // the fuzzer reports from here
                                           silent);
  ENSURE(entries_of(scratch) == 2);
  ENSURE(entries_of(scratch + "/to") == (unpacked ? 1 : 0));
  struct stat kept {};
  ENSURE(::lstat((scratch + "/kept").c_str(), &kept) == 0 && kept.st_size == 4 &&
         kept.st_nlink == 1 && S_ISREG(kept.st_mode));
  if (unpacked) {
    TextSource again(text);
    ENSURE(check_archive(again, "fuzzed", nullptr, silent));
    ENSURE(remove_tree(unpacked->path));
  }
  return 0;
}
