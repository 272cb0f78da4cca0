// The receiving side of the limit bench: one thread, one ring.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>

#include "engine/hash/sha1.h"
#include "limit.h"

namespace murder::bench {
namespace {

// As many as murder has within its budget of 64 MiB, less what it needs for sending.
constexpr size_t buffer_count = 48;
constexpr uint64_t receive_tag = ~uint64_t{0};

class Receiver {
 public:
  Receiver(const Plan& plan, int socket)
      : plan_(plan),
        socket_(socket),
        ring_(2 * buffer_count),
        memory_(buffer_count),
        streams_(hash::lanes_max, plan.hash == Hashing::one_stream
                                      ? shalanes::choose<shalanes::Sha1>("openssl")
                                      : hash::sha1_choice()),
        heads_(plan.blocks_per_piece() * head_bytes),
        digests_(plan.hash == Hashing::none ? 0 : plan.piece_count) {
    for (size_t buffer = 0; buffer < buffer_count; ++buffer) {
      free_.push_back(buffer);
      buffers_.push_back({.iov_base = memory_.piece(buffer), .iov_len = piece_bytes});
    }
    const bool is_batched =
        plan.hash == Hashing::side_by_side && hash::sha1_choice().lanes_min() > 1;
    batch_ = is_batched ? hash::sha1_choice().lanes_best() : 1;
    if (plan.write) {
      must(io_uring_register_buffers(&ring_.ring, buffers_.data(), buffer_count),
           "register buffers");
      target_ = must(open(plan.target.c_str(), O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600),
                     "open the target");
      must(fallocate(target_, 0, 0, static_cast<off_t>(plan.piece_count * piece_bytes)),
           "fallocate");
    }
  }

  Received run() {
    if (socket_ >= 0) {
      const uint8_t go = 1;
      must(static_cast<int>(send(socket_, &go, 1, MSG_NOSIGNAL)), "say go");
    }
    const double wall = wall_seconds();
    const double cpu = cpu_seconds();
    while (received_ < plan_.piece_count || !full_.empty() || writing_ > 0) {
      arm();
      if (full_.size() >= batch_ || received_ == plan_.piece_count) {
        finish_batch();
      }
      if (is_armed_ || writing_ > 0) {
        complete(ring_.next());
      }
    }
    return {.seconds = wall_seconds() - wall,
            .cpu_seconds = cpu_seconds() - cpu,
            .digests = std::move(digests_)};
  }

 private:
  struct Full {
    size_t buffer;
    size_t piece;
  };

  void arm() {
    if (is_armed_ || received_ == plan_.piece_count || free_.empty()) {
      return;
    }
    if (socket_ < 0) {  // there already
      full_.push_back({.buffer = free_.front(), .piece = received_++});
      free_.pop_front();
      return;
    }
    if (parts_.empty()) {
      uint8_t* bytes = memory_.piece(free_.front());
      for (size_t block = 0; block < plan_.blocks_per_piece(); ++block) {
        parts_.push_back({.iov_base = heads_.data() + block * head_bytes, .iov_len = head_bytes});
        parts_.push_back(
            {.iov_base = bytes + block * plan_.block_bytes, .iov_len = plan_.block_bytes});
      }
      first_part_ = 0;
    }
    message_ = {};
    message_.msg_iov = parts_.data() + first_part_;
    message_.msg_iovlen = parts_.size() - first_part_;
    io_uring_prep_recvmsg(ring_.sqe(receive_tag), socket_, &message_, MSG_WAITALL);
    is_armed_ = true;
  }

  void complete(std::pair<uint64_t, int> completion) {
    const auto [tag, result] = completion;
    if (tag != receive_tag) {
      if (result != static_cast<int>(piece_bytes)) {
        give_up("write", result < 0 ? -result : ENOSPC);
      }
      --writing_;
      free_.push_back(static_cast<size_t>(tag));
      return;
    }
    is_armed_ = false;
    if (result <= 0) {
      give_up("receive", result < 0 ? -result : ECONNRESET);
    }
    auto had = static_cast<size_t>(result);
    while (first_part_ < parts_.size() && had >= parts_[first_part_].iov_len) {
      had -= parts_[first_part_++].iov_len;
    }
    if (first_part_ < parts_.size()) {
      iovec& part = parts_[first_part_];
      part.iov_base = static_cast<uint8_t*>(part.iov_base) + had;
      part.iov_len -= had;
      return;
    }
    check_heads();
    parts_.clear();
    full_.push_back({.buffer = free_.front(), .piece = received_++});
    free_.pop_front();
  }

  void check_heads() const {
    std::array<uint8_t, head_bytes> expected{};
    for (size_t block = 0; block < plan_.blocks_per_piece(); ++block) {
      write_head(expected.data(), received_, block * plan_.block_bytes, plan_.block_bytes);
      if (std::memcmp(expected.data(), heads_.data() + block * head_bytes, head_bytes) != 0) {
        give_up("another head was expected", EBADMSG);
      }
    }
  }

  // Hashes what waits, up to a batch, and writes it or lets it go.
  void finish_batch() {
    const size_t count = std::min(full_.size(), batch_);
    if (count == 0) {
      return;
    }
    std::array<hash::Part, hash::lanes_max> parts;
    for (uint32_t index = 0; index < count; ++index) {
      parts[index] = {.stream = index, .bytes = {memory_.piece(full_[index].buffer), piece_bytes}};
    }
    if (plan_.hash != Hashing::none) {
      streams_.advance(std::span(parts).first(count));
    }
    for (uint32_t index = 0; index < count; ++index) {
      const auto [buffer, piece] = full_.front();
      full_.pop_front();
      if (plan_.hash != Hashing::none) {
        digests_[piece] = hash::digest_of(streams_, index);
      }
      if (!plan_.write) {
        free_.push_back(buffer);
        continue;
      }
      io_uring_prep_write_fixed(ring_.sqe(buffer), target_, memory_.piece(buffer), piece_bytes,
                                piece * piece_bytes, static_cast<int>(buffer));
      ++writing_;
    }
  }

  const Plan& plan_;
  int socket_;
  int target_ = -1;
  Ring ring_;
  PieceMemory memory_;
  hash::Sha1Streams streams_;
  size_t batch_ = 1;
  std::vector<iovec> buffers_;
  std::deque<size_t> free_;
  std::deque<Full> full_;
  std::vector<uint8_t> heads_;
  std::vector<iovec> parts_;
  msghdr message_{};
  size_t first_part_ = 0;
  size_t received_ = 0;
  size_t writing_ = 0;
  bool is_armed_ = false;
  std::vector<Sha1Digest> digests_;
};

}  // namespace

Received receive_all(const Plan& plan, int socket) {
  return Receiver(plan, socket).run();
}

}  // namespace murder::bench
