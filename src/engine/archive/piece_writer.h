// Writes an archive and hashes its pieces on the way, so that hashing never reads it again.
//
// Bytes are handed over in buffers of fixed size to a thread of its own, which writes and hashes
// while the caller compresses on; when all buffers are full, write() waits. Ends with finish(), or,
// when that is never called, by being destroyed: what was written is then of no use.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/archive/byte_sink.h"
#include "engine/base/types.h"
#include "engine/hash/sha1.h"

namespace murder::archive {

class PieceWriter : public ByteSink {
 public:
  // Writes at the current position of `fd`; `path` is for texts.
  PieceWriter(int fd, std::string path, uint32_t piece_bytes);
  PieceWriter(const PieceWriter&) = delete;
  PieceWriter& operator=(const PieceWriter&) = delete;
  ~PieceWriter() override;

  [[nodiscard]] Status write(std::span<const uint8_t> bytes) override;
  // Waits until all is written and hashed.
  [[nodiscard]] Status finish();

  // After finish().
  [[nodiscard]] const std::vector<Sha1Digest>& digests() const { return digests_; }
  [[nodiscard]] uint64_t size_bytes() const { return size_bytes_; }

 private:
  static constexpr size_t buffer_bytes = 1024 * 1024;
  static constexpr size_t buffer_count = 8;

  // Hands the buffer being filled over, and waits for a free one. `is_last`: for none.
  [[nodiscard]] Status hand_over(bool is_last);
  void run();                                   // on the thread
  Status take(std::span<const uint8_t> bytes);  // on the thread: writes and hashes

  const int fd_;
  const std::string path_;
  const uint32_t piece_bytes_;

  // Of the caller.
  std::vector<uint8_t> filling_;
  uint64_t size_bytes_ = 0;

  // Of the thread, and after it of the caller.
  hash::Sha1Stream sha1_;
  uint32_t piece_filled_bytes_ = 0;
  std::vector<Sha1Digest> digests_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::vector<uint8_t>> full_;  // in order
  std::vector<std::vector<uint8_t>> free_;
  bool ended_ = false;
  Status status_;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace murder::archive
