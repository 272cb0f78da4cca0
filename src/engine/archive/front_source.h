// An archive that is read while it is fetched, as far as it is verified from its start.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/archive/byte_source.h"
#include "engine/archive/cold_file.h"
#include "engine/base/result.h"

namespace murder::archive {

// How many bytes from the start are verified and written. One thread tells, another waits; telling
// takes no lock and waits for nobody. Ends with stop().
class VerifiedFront {
 public:
  // For one thread. The front never moves back.
  void advance(uint64_t bytes);
  // Nothing more will come. From any thread.
  void stop();

  // Blocks until the front is beyond `bytes`, and returns it; nullopt once it was stopped.
  [[nodiscard]] std::optional<uint64_t> wait_beyond(uint64_t bytes) const;

 private:
  static constexpr uint64_t stopped_bit = uint64_t{1} << 63U;

  std::atomic<uint64_t> state_{0};  // bytes, and the bit above once it was stopped
  uint64_t told_bytes_ = 0;         // of the thread that advances
};

// Blocks where the front ends, until it moves. An Error (interrupted) once it was stopped.
class FrontSource : public ByteSource {
 public:
  // The file is there already, `size_bytes` is what it will have. The front outlives the source.
  [[nodiscard]] static Result<FrontSource> open(const std::string& path, uint64_t size_bytes,
                                                const VerifiedFront& front);

  [[nodiscard]] Result<size_t> read(std::span<uint8_t> into) override;
  [[nodiscard]] uint64_t size_bytes() const override { return size_bytes_; }

 private:
  static constexpr size_t buffer_bytes = 1024 * 1024;

  struct Free {
    void operator()(uint8_t* memory) const;
  };

  FrontSource(Fd file, const std::string& path, uint64_t size_bytes, const VerifiedFront& front);
  // Reads what is next into the buffer.
  [[nodiscard]] Status fill();

  ColdFile file_;
  std::string path_;
  uint64_t size_bytes_;
  const VerifiedFront* front_;
  std::unique_ptr<uint8_t, Free> buffer_;
  uint64_t offset_ = 0;  // in the file, of what is read next
  size_t begin_ = 0;     // of what is left in the buffer
  size_t end_ = 0;
};

}  // namespace murder::archive
