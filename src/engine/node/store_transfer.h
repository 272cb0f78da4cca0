// One read or write of a contiguous part of the release, through the ring, over file boundaries and
// short results.
#pragma once

#include <cstdint>
#include <span>

#include "engine/base/callback.h"
#include "engine/base/result.h"
#include "engine/io/operation.h"
#include "engine/io/reactor.h"
#include "engine/node/store.h"

namespace murder::node {

// Embedded in its owner, on the thread of the reactor. One transfer at a time; the handler is
// called once, in a later turn or (for padding and errors of open) from within start, never both.
// It may start the next transfer.
class StoreTransfer {
 public:
  // error_number: 0 when all bytes were transferred, else an errno. A file that ends too early is
  // ENODATA.
  using Target = Callback<void(StoreTransfer&, int)>;

  StoreTransfer(io::Reactor& reactor, Store& store, Target target)
      : reactor_(reactor),
        store_(store),
        target_(target),
        operation_(callback<&StoreTransfer::step_done>(this)) {}

  // `memory` stays valid until the handler is called. offset: in the release.
  void read(uint64_t offset, std::span<uint8_t> memory) { start(false, offset, memory); }
  void write(uint64_t offset, std::span<uint8_t> memory) { start(true, offset, memory); }
  [[nodiscard]] bool in_flight() const { return busy_; }

 private:
  // A file that is not open is opened first, and once more for direct writes.
  enum class Phase : uint8_t { transfer, open, open_direct };

  void start(bool writes, uint64_t offset, std::span<uint8_t> memory);
  void step();
  void open(Phase phase);
  void opened(int32_t result);
  void start_io(int fd);
  void start_write(int fd, std::span<uint8_t> part, uint64_t offset);
  void step_done(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void finish(int error_number);

  io::Reactor& reactor_;
  Store& store_;
  Target target_;
  io::Operation operation_;
  std::span<uint8_t> left_;
  uint64_t offset_ = 0;
  uint32_t file_index_ = 0;
  Phase phase_ = Phase::transfer;
  Store::OpenRequest request_;
  bool direct_ = false;  // the write that is in flight
  bool writes_ = false;
  bool busy_ = false;
};

}  // namespace murder::node
