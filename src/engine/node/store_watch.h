// Notices that somebody changed the files that are served: by their size and time of change, as
// they were before they were verified. Blocking calls, but stat only; a few files at a time.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/codec/metainfo.h"

namespace murder::node {

class StoreWatch {
 public:
  // `metainfo` outlives the watch. Of a torrent of one file, `fd` is the file: its name may come to
  // stand for another one, which is not served.
  StoreWatch(const codec::Metainfo& metainfo, std::string path, int fd);

  // Remembers what is there. To be called once, before it is verified.
  void begin();
  // Once a second compares the next files. An Error (conflict) when one was changed. One that is
  // gone is none: who reads it will say so, or has it open.
  [[nodiscard]] Status check(Instant now);

 private:
  static constexpr uint32_t files_at_once = 64;
  struct Seen {
    bool is_there = false;
    uint64_t size_bytes = 0;
    uint64_t inode = 0;
    timespec changed_at{};
  };

  [[nodiscard]] Seen look(uint32_t file_index) const;
  [[nodiscard]] std::string file_path(uint32_t file_index) const;

  const codec::Metainfo* metainfo_;
  std::string path_;
  int fd_;
  std::vector<Seen> seen_;
  uint32_t next_ = 0;
  Instant checked_at_{};
};

}  // namespace murder::node
