// The sending side of the limit bench.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "limit.h"

namespace murder::bench {
namespace {

// Heads and blocks of one piece in turn, for one sendmsg.
class GatheredPiece {
 public:
  explicit GatheredPiece(const Plan& plan)
      : plan_(plan), heads_(plan.blocks_per_piece() * head_bytes) {}

  void send(Ring& ring, int socket, size_t piece, uint8_t* bytes) {
    parts_.clear();
    for (size_t block = 0; block < plan_.blocks_per_piece(); ++block) {
      uint8_t* head = heads_.data() + block * head_bytes;
      write_head(head, piece, block * plan_.block_bytes, plan_.block_bytes);
      parts_.push_back({.iov_base = head, .iov_len = head_bytes});
      parts_.push_back(
          {.iov_base = bytes + block * plan_.block_bytes, .iov_len = plan_.block_bytes});
    }
    size_t first = 0;
    while (first < parts_.size()) {
      msghdr message{};
      message.msg_iov = parts_.data() + first;
      message.msg_iovlen = parts_.size() - first;
      io_uring_prep_sendmsg(ring.sqe(0), socket, &message, MSG_WAITALL | MSG_NOSIGNAL);
      auto sent = static_cast<size_t>(must(ring.next().second, "sendmsg"));
      while (first < parts_.size() && sent >= parts_[first].iov_len) {
        sent -= parts_[first++].iov_len;
      }
      if (first < parts_.size()) {
        parts_[first].iov_base = static_cast<uint8_t*>(parts_[first].iov_base) + sent;
        parts_[first].iov_len -= sent;
      }
    }
  }

 private:
  const Plan& plan_;
  std::vector<uint8_t> heads_;
  std::vector<iovec> parts_;
};

void send_gathered(const Plan& plan, int socket, int source) {
  Ring ring(8);
  PieceMemory memory(1);
  GatheredPiece gathered(plan);
  for (size_t piece = 0; piece < plan.piece_count; ++piece) {
    if (plan.send == SendPath::copy) {
      for (size_t had = 0; had < piece_bytes;) {
        const ssize_t count = pread(source, memory.piece(0) + had, piece_bytes - had,
                                    static_cast<off_t>(piece * piece_bytes + had));
        if (count <= 0) {
          give_up("read the source", count == 0 ? ENODATA : errno);
        }
        had += static_cast<size_t>(count);
      }
    }
    gathered.send(ring, socket, piece, memory.piece(0));
  }
}

struct Pipe {
  int out = -1;
  int in = -1;

  explicit Pipe(size_t bytes) {
    std::array<int, 2> ends{};
    must(pipe2(ends.data(), O_CLOEXEC), "pipe2");
    out = ends[0];
    in = ends[1];
    // A user may not have this much; then splice(2) takes it in smaller portions.
    (void)fcntl(in, F_SETPIPE_SZ, static_cast<int>(bytes));
  }
};

void send_head(const Plan& plan, int socket, size_t piece, size_t offset) {
  std::array<uint8_t, head_bytes> head{};
  write_head(head.data(), piece, offset, plan.block_bytes);
  must(static_cast<int>(send(socket, head.data(), head.size(), MSG_MORE | MSG_NOSIGNAL)), "send");
}

void send_spliced(const Plan& plan, int socket, int source) {
  const Pipe pipe(plan.block_bytes);
  for (size_t piece = 0; piece < plan.piece_count; ++piece) {
    for (size_t offset = 0; offset < piece_bytes; offset += plan.block_bytes) {
      send_head(plan, socket, piece, offset);
      auto position = static_cast<loff_t>(piece * piece_bytes + offset);
      for (size_t left = plan.block_bytes; left > 0;) {
        const auto taken = static_cast<size_t>(
            must(static_cast<int>(splice(source, &position, pipe.in, nullptr, left, SPLICE_F_MOVE)),
                 "splice from the source"));
        left -= taken;
        for (size_t unsent = taken; unsent > 0;) {
          unsent -= static_cast<size_t>(
              must(static_cast<int>(splice(pipe.out, nullptr, socket, nullptr, unsent,
                                           SPLICE_F_MOVE | (left > 0 ? SPLICE_F_MORE : 0U))),
                   "splice to the socket"));
        }
      }
    }
  }
}

// One chain per piece: a head, a splice in, a splice out for each block. Every link does all of its
// bytes or the chain breaks, which is an error here.
void send_linked(const Plan& plan, int socket, int source) {
  const size_t blocks = plan.blocks_per_piece();
  Ring ring(static_cast<unsigned>(4 * blocks));
  const Pipe pipe(plan.block_bytes);
  std::vector<uint8_t> heads(blocks * head_bytes);
  for (size_t piece = 0; piece < plan.piece_count; ++piece) {
    for (size_t block = 0; block < blocks; ++block) {
      uint8_t* head = heads.data() + block * head_bytes;
      const size_t offset = block * plan.block_bytes;
      const auto length = static_cast<unsigned>(plan.block_bytes);
      write_head(head, piece, offset, plan.block_bytes);
      io_uring_sqe* sqe = ring.sqe(head_bytes);
      io_uring_prep_send(sqe, socket, head, head_bytes, MSG_MORE | MSG_WAITALL | MSG_NOSIGNAL);
      sqe->flags |= IOSQE_IO_LINK;
      sqe = ring.sqe(length);
      io_uring_prep_splice(sqe, source, static_cast<int64_t>(piece * piece_bytes + offset), pipe.in,
                           -1, length, SPLICE_F_MOVE);
      sqe->flags |= IOSQE_IO_LINK;
      sqe = ring.sqe(length);
      io_uring_prep_splice(sqe, pipe.out, -1, socket, -1, length, SPLICE_F_MOVE);
      sqe->flags |= block + 1 < blocks ? IOSQE_IO_LINK : 0U;
    }
    for (size_t done = 0; done < 3 * blocks; ++done) {
      const auto [expected, result] = ring.next();
      if (std::cmp_not_equal(result, expected)) {
        give_up("a linked operation came short", result < 0 ? -result : ENODATA);
      }
    }
  }
}

}  // namespace

void send_all(const Plan& plan, int socket) {
  const int source = plan.send == SendPath::memory
                         ? -1
                         : must(open(plan.source.c_str(), O_RDONLY | O_CLOEXEC), "open the source");
  switch (plan.send) {
    case SendPath::none:
      break;
    case SendPath::memory:
    case SendPath::copy:
      send_gathered(plan, socket, source);
      break;
    case SendPath::splice:
      send_spliced(plan, socket, source);
      break;
    case SendPath::linked:
      send_linked(plan, socket, source);
      break;
  }
}

}  // namespace murder::bench
