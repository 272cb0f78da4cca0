// Which operations are in flight, found by the user_data of a completion.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/io/operation.h"

namespace murder::io {

// user_data: generation in bits 0..31, slot in bits 32..55, operation kind in bits 56..63 (the kind
// serves debugging and separates the ring's own completions, kind 255, which have no slot).
//
// Belongs to one reactor. Sized once; when full, no operation can start. A slot gets a new
// generation each time it is given back, so a completion for an earlier use is noticed.
class OperationTable {
 public:
  static constexpr uint32_t capacity_max = (1U << 24U) - 1;

  explicit OperationTable(uint32_t capacity);

  [[nodiscard]] uint32_t capacity() const { return capacity_; }
  [[nodiscard]] uint32_t in_flight() const { return in_flight_; }

  // Gives the operation a slot and returns its user_data. The operation is not in flight, the table
  // is not full.
  uint64_t enter(Operation& operation, OperationKind kind);

  // The user_data of an operation in flight.
  [[nodiscard]] uint64_t user_data(const Operation& operation) const;

  // nullptr when this is no operation in flight here: a late completion.
  [[nodiscard]] Operation* find(uint64_t user_data);

  // Hands a completion to its operation, which leaves the table first unless cqe_more is set. False
  // when it was late.
  bool complete(uint64_t user_data, int32_t result, uint32_t cqe_flags);

  // Calls visit(user_data) for each operation in flight.
  template <typename Visit>
  void each(Visit&& visit) const {
    for (uint32_t slot = 0; slot < capacity_; ++slot) {
      if (entries_[slot].operation != nullptr) {
        visit(user_data(*entries_[slot].operation));
      }
    }
  }

 private:
  struct Entry {
    Operation* operation = nullptr;
    uint32_t generation = 1;
    uint32_t next_free = 0;
  };

  void leave(Operation& operation);

  std::unique_ptr<Entry[]> entries_;
  uint32_t capacity_;
  uint32_t free_head_ = 0;
  uint32_t in_flight_ = 0;
};

}  // namespace murder::io
