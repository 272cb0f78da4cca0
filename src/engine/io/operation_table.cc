#include "engine/io/operation_table.h"

namespace murder::io {
namespace {

constexpr uint32_t slot_shift = 32;
constexpr uint32_t slot_mask = OperationTable::capacity_max;
constexpr uint32_t kind_shift = 56;

}  // namespace

OperationTable::OperationTable(uint32_t capacity)
    : entries_(std::make_unique<Entry[]>(capacity)), capacity_(capacity) {
  ENSURE(capacity > 0 && capacity <= capacity_max);
  for (uint32_t slot = 0; slot < capacity; ++slot) {
    entries_[slot].next_free = slot + 1;
  }
}

uint64_t OperationTable::enter(Operation& operation, OperationKind kind) {
  ENSURE(!operation.in_flight());
  ENSURE(free_head_ < capacity_);  // ReactorOptions::operations_max is too small for its owners
  operation.slot_ = free_head_;
  operation.kind_ = kind;
  Entry& entry = entries_[free_head_];
  free_head_ = entry.next_free;
  entry.operation = &operation;
  ++in_flight_;
  return user_data(operation);
}

uint64_t OperationTable::user_data(const Operation& operation) const {
  ENSURE(operation.in_flight());
  return uint64_t{static_cast<uint8_t>(operation.kind_)} << kind_shift |
         uint64_t{operation.slot_} << slot_shift | entries_[operation.slot_].generation;
}

Operation* OperationTable::find(uint64_t user_data) {
  const uint32_t slot = static_cast<uint32_t>(user_data >> slot_shift) & slot_mask;
  if (slot >= capacity_) {
    return nullptr;
  }
  const Entry& entry = entries_[slot];
  const bool current = entry.operation != nullptr &&
                       entry.generation == static_cast<uint32_t>(user_data) &&
                       static_cast<uint8_t>(entry.operation->kind_) == user_data >> kind_shift;
  return current ? entry.operation : nullptr;
}

bool OperationTable::complete(uint64_t user_data, int32_t result, uint32_t cqe_flags) {
  Operation* operation = find(user_data);
  if (operation == nullptr) {
    return false;
  }
  if ((cqe_flags & cqe_more) == 0) {
    leave(*operation);
  }
  // The handler may free the operation: nothing of it is used after this.
  const Operation::Target target = operation->target_;
  target(*operation, result, cqe_flags);
  return true;
}

void OperationTable::leave(Operation& operation) {
  Entry& entry = entries_[operation.slot_];
  entry.operation = nullptr;
  ++entry.generation;
  entry.next_free = free_head_;
  free_head_ = operation.slot_;
  operation.slot_ = Operation::slot_none;
  --in_flight_;
}

}  // namespace murder::io
