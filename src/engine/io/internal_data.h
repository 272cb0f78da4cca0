// user_data of completions that belong to the ring itself and to no operation (OperationTable).
#pragma once

#include <cstdint>

namespace murder::io {

inline constexpr uint64_t internal_mark = uint64_t{0xff} << 56U;
inline constexpr uint64_t internal_ignored = internal_mark | 0;  // cancel, close, message sent
inline constexpr uint64_t internal_wake_fd = internal_mark | 1;  // the eventfd became readable
inline constexpr uint64_t internal_message = internal_mark | 2;  // from another shard's ring

constexpr bool is_internal(uint64_t user_data) {
  return user_data >= internal_mark;
}

}  // namespace murder::io
