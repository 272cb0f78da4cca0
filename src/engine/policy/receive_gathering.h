// How many bytes of a fast stock client gather at the socket before they are taken. It writes 16
// KiB at a time, and each of them would wake us. Pure.
#pragma once

#include <cstdint>

#include "engine/base/instant.h"

namespace murder::policy {

// What gathers comes in this time at the most, at the rate seen so far.
inline constexpr Duration gather_time = std::chrono::milliseconds(2);
// Less is not worth a wait.
inline constexpr uint32_t gathered_bytes_min = 64 << 10;
inline constexpr uint32_t gathered_bytes_max = 512 << 10;

// A power of two, or 1: whatever comes is taken at once. `rate` in bytes a second. No more than a
// quarter of what was asked for, so that the answers to the rest are on their way meanwhile.
[[nodiscard]] uint32_t bytes_to_gather(double rate, uint64_t requested_bytes);

// No more of these bytes than leave most of a socket's receive buffer (SO_RCVBUF) free: a sender
// that meets a closed window stops.
[[nodiscard]] uint32_t gathered_in_buffer(uint32_t bytes, uint64_t buffer_bytes);

}  // namespace murder::policy
