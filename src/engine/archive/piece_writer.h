// Writes an archive and hashes its pieces on the way.
//
// Bytes are handed over in buffers of fixed size to a separate thread, which writes them while
// the caller compresses on; when all buffers are full, write() waits. Other threads hash what was
// written, several pieces side by side, from the page cache, where it is still warm. Ends with
// finish(), or, when that is never called, by being destroyed: what was written is then of no use.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/archive/byte_sink.h"
#include "engine/archive/content_reader.h"
#include "engine/archive/front_source.h"
#include "engine/archive/observer.h"
#include "engine/base/types.h"
#include "engine/hash/sha256.h"

namespace murder::archive {

class PieceWriter : public ByteSink {
 public:
  // Writes at the start of the empty file `fd`, whose name is `path`; `shown` is for texts.
  struct Options {
    bool begins_early = false;    // the disk is to be written while more comes (EarlyWriteback)
    bool hashes_content = false;  // for a signature: by SHA-256, on the writing thread
  };
  PieceWriter(int fd, const std::string& path, std::string shown, uint32_t piece_bytes,
              const Options& options);
  PieceWriter(const PieceWriter&) = delete;
  PieceWriter& operator=(const PieceWriter&) = delete;
  ~PieceWriter() override;

  [[nodiscard]] Status write(std::span<const uint8_t> bytes) override;
  // Waits until all is written and hashed.
  [[nodiscard]] Status finish();

  // After finish().
  [[nodiscard]] std::vector<Sha1Digest> digests() const;
  [[nodiscard]] uint64_t size_bytes() const { return size_bytes_; }
  // Of all that was written, if it was hashed; once.
  [[nodiscard]] std::optional<hash::Sha256Digest> take_content_digest();

 private:
  static constexpr size_t buffer_bytes = 1024 * 1024;
  static constexpr size_t buffer_count = 8;

  // Hands the buffer being filled over, and waits for a free one. `is_last`: for none.
  [[nodiscard]] Status hand_over(bool is_last);
  void end_threads();
  void run_writer();  // on the writing thread
  void run_hasher();  // on each hashing thread
  [[nodiscard]] Status hash(ContentReader& reader, uint32_t first, uint32_t count);
  void failed(Status status);

  const int fd_;
  const std::string shown_;
  const uint32_t piece_bytes_;
  const Options options_;
  const std::vector<ContentPart> parts_;

  // Of the caller.
  std::vector<uint8_t> filling_;
  uint64_t size_bytes_ = 0;

  VerifiedFront written_;
  CancelFlag stop_;
  std::atomic<uint32_t> next_piece_{0};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::vector<uint8_t>> full_;  // in order
  std::vector<std::vector<uint8_t>> free_;
  bool ended_ = false;
  Status status_;
  std::vector<std::optional<Sha1Digest>> digests_;
  hash::Sha256Stream content_;  // of the writing thread

  std::vector<std::thread> threads_;  // last: they use all of the above; the writing one first
};

}  // namespace murder::archive
