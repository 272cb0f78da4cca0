// Cuts its input into parts that some threads compress side by side, and writes what they make in
// the order of the input.
//
// The caller's thread fills a part while others are compressed; when all parts are in use it waits
// for the oldest. Memory: two more parts than threads, of input and output each, as far as the
// input fills them. Threads end with the destructor.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/archive/compressor.h"
#include "engine/archive/part_compressor.h"

namespace murder::archive {

class ParallelCompressor final : public Compressor {
 public:
  // A thread for each of the compressors, of which there is one at least, as far as threads can be
  // started; with none, the caller's compresses.
  // `spare_parts`, one at least, are filled or written beside those that are compressed.
  ParallelCompressor(ByteSink& sink, size_t part_bytes, uint32_t spare_parts,
                     std::vector<std::unique_ptr<PartCompressor>> compressors);
  ParallelCompressor(const ParallelCompressor&) = delete;
  ParallelCompressor& operator=(const ParallelCompressor&) = delete;
  ~ParallelCompressor() override;

  [[nodiscard]] Status write(std::span<const uint8_t> bytes) override;
  [[nodiscard]] Status finish() override;

 private:
  struct Part {
    std::vector<uint8_t> input;
    std::vector<uint8_t> output;
    Status made;
    bool is_made = false;
  };

  // Parts are numbered in the order of the input, and their places used again in turn.
  [[nodiscard]] Part& part(uint64_t number) { return parts_[number % parts_.size()]; }
  void run(PartCompressor& compressor);
  void hand_over();  // the part that was filled
  [[nodiscard]] Status write_oldest();

  ByteSink& sink_;
  size_t part_bytes_;
  std::vector<Part> parts_;
  uint64_t filled_ = 0;   // the caller's: written_ <= taken_ <= filled_
  uint64_t written_ = 0;  // the caller's

  std::mutex mutex_;  // of what follows, and of is_made
  std::condition_variable handed_over_;
  std::condition_variable made_;
  uint64_t waiting_end_ = 0;  // parts before this one may be taken
  uint64_t taken_ = 0;        // by threads
  bool ends_ = false;

  std::unique_ptr<PartCompressor> own_compressor_;  // of the last thread, or the caller's
  std::vector<std::thread> threads_;
};

}  // namespace murder::archive
