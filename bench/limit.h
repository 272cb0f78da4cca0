// What the limit bench's parts share: one release of bytes goes from a sender process to a receiver
// process over loopback, each by the steps that were asked for, in the barest loop that does them.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "engine/base/types.h"

namespace murder::bench {

inline constexpr size_t piece_bytes = 1 << 20;
inline constexpr size_t head_bytes = 13;  // length, type, piece, offset: BEP 3
inline constexpr size_t page_bytes = 4096;

enum class SendPath {
  none,    // no sender: what is in the receiver's memory counts as received
  memory,  // gathered sendmsg of bytes that are in memory already
  copy,    // read from the page cache, then gathered sendmsg
  splice,  // page cache to pipe to socket
  linked,  // the same by linked operations of the ring
};

enum class Hashing { none, one_stream, side_by_side };

struct Plan {
  SendPath send = SendPath::none;
  Hashing hash = Hashing::none;
  bool write = false;
  size_t block_bytes = piece_bytes;
  size_t piece_count = 0;
  std::string source;
  std::string target;

  [[nodiscard]] size_t blocks_per_piece() const { return piece_bytes / block_bytes; }
};

// There is nothing to clean up here: whoever runs this reads what is said and that it failed.
[[noreturn]] void give_up(const char* what, int error_number);

inline int must(int result, const char* what) {
  if (result < 0) {
    give_up(what, result == -1 ? errno : -result);
  }
  return result;
}

[[nodiscard]] double wall_seconds();
[[nodiscard]] double cpu_seconds();  // of this process: all its threads, the ring's workers as well
void pin_to(unsigned core);

// A head as the wire has it, so that the receiver can tell that nothing was shifted or lost.
void write_head(uint8_t* head, size_t piece, size_t offset, size_t block_bytes);

struct Ring {
  explicit Ring(unsigned entries);
  ~Ring() { io_uring_queue_exit(&ring); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  Ring(Ring&&) = delete;
  Ring& operator=(Ring&&) = delete;

  io_uring_sqe* sqe(uint64_t user_data);
  // Submits what is prepared and waits for one completion: (user_data, result).
  std::pair<uint64_t, int> next();

  io_uring ring{};
};

// Page-aligned memory for `count` pieces.
class PieceMemory {
 public:
  explicit PieceMemory(size_t count);
  ~PieceMemory() { std::free(bytes_); }
  PieceMemory(const PieceMemory&) = delete;
  PieceMemory& operator=(const PieceMemory&) = delete;
  PieceMemory(PieceMemory&&) = delete;
  PieceMemory& operator=(PieceMemory&&) = delete;

  [[nodiscard]] uint8_t* piece(size_t index) { return bytes_ + index * piece_bytes; }

 private:
  uint8_t* bytes_;
};

// Sends the whole plan through the connected socket.
void send_all(const Plan& plan, int socket);

struct Received {
  double seconds = 0;
  double cpu_seconds = 0;
  std::vector<Sha1Digest> digests;  // of each piece, where it was hashed
};

// Calls `go` when everything is prepared, then receives, hashes and writes as planned.
// `socket` is -1 where there is no sender.
Received receive_all(const Plan& plan, int socket);

}  // namespace murder::bench
