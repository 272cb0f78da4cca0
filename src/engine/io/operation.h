// One thing asked of the kernel through the ring, embedded in the object that wants the answer.
#pragma once

#include <cstdint>

#include "engine/base/callback.h"
#include "engine/base/ensure.h"

namespace murder::io {

// Set in `cqe_flags` when the operation stays in flight and completes again (IORING_CQE_F_MORE).
inline constexpr uint32_t cqe_more = 1U << 1U;
// Set when the completion only says that the buffers of a zero-copy send are free again
// (IORING_CQE_F_NOTIF).
inline constexpr uint32_t cqe_notification = 1U << 3U;

enum class OperationKind : uint8_t {
  none,
  accept,
  connect,
  recv,
  recvmsg,
  send,
  sendmsg,
  sendmsg_zero_copy,
  read,
  write,
  poll,
  open,
};

// Lives on the thread of the reactor it was started on; one kernel request at a time. It is in
// flight from its start until its last completion is handed out, and must not be destroyed in
// between: cancel it, wait for the completion, then free the owner. In its last completion it is no
// longer in flight, so the handler may start it again or free the owner.
class Operation {
 public:
  // void recv_done(Operation&, int32_t result, uint32_t cqe_flags). result: >= 0, or -errno as the
  // kernel gave it.
  using Target = Callback<void(Operation&, int32_t, uint32_t)>;

  // Operation recv_{callback<&Link::recv_done>(this)}.
  explicit Operation(Target target) : target_(target) { ENSURE(target); }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  ~Operation() { ENSURE(!in_flight()); }

  [[nodiscard]] bool in_flight() const { return slot_ != slot_none; }
  // What was started last.
  [[nodiscard]] OperationKind kind() const { return kind_; }

 private:
  friend class OperationTable;
  static constexpr uint32_t slot_none = UINT32_MAX;

  Target target_;
  uint32_t slot_ = slot_none;
  OperationKind kind_ = OperationKind::none;
};

}  // namespace murder::io
