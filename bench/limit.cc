// What this machine gives: a bare loop of the system calls that carry a release from one process to
// another over loopback, each step alone or all together. Prints one JSON object.
//
//   bench_limit [--send memory|copy|splice|linked] [--block BYTES] [--hash one|side] [--write]
//               [--check] --size BYTES [--source FILE] [--target FILE]
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <string_view>

#include "engine/hash/sha1.h"
#include "limit.h"

namespace murder::bench {

void give_up(const char* what, int error_number) {
  std::fprintf(stderr, "bench_limit: %s: %s\n", what, std::strerror(error_number));
  _exit(EXIT_FAILURE);
}

namespace {

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void put_word(uint8_t* bytes, size_t value) {
  const uint32_t word = htonl(static_cast<uint32_t>(value));
  std::memcpy(bytes, &word, sizeof(word));
}

}  // namespace

double wall_seconds() {
  return seconds_of(CLOCK_MONOTONIC);
}

double cpu_seconds() {
  return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

void pin_to(unsigned core) {
  cpu_set_t allowed;
  must(sched_getaffinity(0, sizeof(allowed), &allowed), "sched_getaffinity");
  unsigned seen = 0;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed) && seen++ == core) {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      must(sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
      return;
    }
  }
  // There are fewer cores than that: both sides share what there is.
}

void write_head(uint8_t* head, size_t piece, size_t offset, size_t block_bytes) {
  constexpr uint8_t piece_message = 7;
  put_word(head, head_bytes - 4 + block_bytes);
  head[4] = piece_message;
  put_word(head + 5, piece);
  put_word(head + 9, offset);
}

Ring::Ring(unsigned entries) {
  must(io_uring_queue_init(entries, &ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN),
       "io_uring_setup");
}

io_uring_sqe* Ring::sqe(uint64_t user_data) {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring);
  if (sqe == nullptr) {
    give_up("the ring is full", ENOBUFS);
  }
  std::memset(sqe, 0, sizeof(*sqe));
  sqe->user_data = user_data;
  return sqe;
}

std::pair<uint64_t, int> Ring::next() {
  io_uring_cqe* cqe = nullptr;
  if (io_uring_sq_ready(&ring) > 0) {
    must(io_uring_submit(&ring), "io_uring_submit");
  }
  int waited = 0;
  do {
    waited = io_uring_wait_cqe(&ring, &cqe);
  } while (waited == -EINTR);
  must(waited, "io_uring_wait_cqe");
  const std::pair<uint64_t, int> completion(cqe->user_data, cqe->res);
  io_uring_cqe_seen(&ring, cqe);
  return completion;
}

PieceMemory::PieceMemory(size_t count)
    : bytes_(static_cast<uint8_t*>(std::aligned_alloc(page_bytes, count * piece_bytes))) {
  if (bytes_ == nullptr) {
    give_up("memory", ENOMEM);
  }
  std::memset(bytes_, 7, count * piece_bytes);
}

namespace {

struct Options {
  Plan plan;
  bool check = false;
};

[[noreturn]] void wrong_usage(std::string_view word) {
  std::fprintf(stderr, "bench_limit: what is %.*s? See the top of bench/limit.cc\n",
               static_cast<int>(word.size()), word.data());
  std::exit(2);
}

SendPath send_path_of(std::string_view name) {
  if (name == "memory") {
    return SendPath::memory;
  }
  if (name == "copy") {
    return SendPath::copy;
  }
  if (name == "splice") {
    return SendPath::splice;
  }
  return name == "linked" ? SendPath::linked : (wrong_usage(name), SendPath::none);
}

Options parse(std::span<char*> words) {
  Options options;
  Plan& plan = options.plan;
  for (size_t index = 1; index < words.size(); ++index) {
    const std::string_view word = words[index];
    if (word == "--write") {
      plan.write = true;
      continue;
    }
    if (word == "--check") {
      options.check = true;
      continue;
    }
    if (index + 1 == words.size()) {
      wrong_usage(word);
    }
    const char* value = words[++index];
    if (word == "--send") {
      plan.send = send_path_of(value);
    } else if (word == "--hash") {
      plan.hash = std::string_view(value) == "one" ? Hashing::one_stream : Hashing::side_by_side;
    } else if (word == "--block") {
      plan.block_bytes = std::strtoull(value, nullptr, 10);
    } else if (word == "--size") {
      plan.piece_count = std::strtoull(value, nullptr, 10) / piece_bytes;
    } else if (word == "--source") {
      plan.source = value;
    } else if (word == "--target") {
      plan.target = value;
    } else {
      wrong_usage(word);
    }
  }
  constexpr size_t least_block_bytes = 16 << 10;
  if (plan.block_bytes < least_block_bytes || piece_bytes % plan.block_bytes != 0) {
    wrong_usage("that --block");
  }
  if (plan.piece_count == 0) {
    wrong_usage("that --size (a MiB at the least)");
  }
  return options;
}

// The other end of a pipe to the sender's process, and its pid.
struct Sender {
  pid_t pid = -1;
  int report = -1;
  int socket = -1;  // the receiver's end of the connection
};

// The sender connects, waits for the word to go, sends, and tells what it used.
void run_sender(const Plan& plan, const sockaddr_in& address, int report) {
  pin_to(0);
  const int socket = must(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  must(connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), "connect");
  const int one = 1;
  must(setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), "TCP_NODELAY");
  uint8_t go = 0;
  if (recv(socket, &go, 1, 0) != 1) {
    give_up("wait for the word to go", ECONNRESET);
  }
  const double before = cpu_seconds();
  send_all(plan, socket);
  const double used = cpu_seconds() - before;
  must(static_cast<int>(write(report, &used, sizeof(used))), "report");
  _exit(EXIT_SUCCESS);
}

Sender start_sender(const Plan& plan) {
  const int listener = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  must(bind(listener, reinterpret_cast<sockaddr*>(&address), length), "bind");
  must(listen(listener, 1), "listen");
  must(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  std::array<int, 2> report{};
  must(pipe2(report.data(), O_CLOEXEC), "pipe2");
  Sender sender;
  sender.pid = must(fork(), "fork");
  if (sender.pid == 0) {
    close(listener);
    run_sender(plan, address, report[1]);
  }
  close(report[1]);
  sender.report = report[0];
  sender.socket = must(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accept");
  close(listener);
  return sender;
}

double end_sender(const Sender& sender) {
  double used = 0;
  const bool is_told = read(sender.report, &used, sizeof(used)) == sizeof(used);
  int status = 0;
  must(waitpid(sender.pid, &status, 0), "waitpid");
  if (!is_told || status != 0) {
    give_up("the sender failed", EPIPE);
  }
  return used;
}

// Reads the source again, and the target: whatever was hashed or written must be the same.
void check(const Plan& plan, const Received& received) {
  const int source = must(open(plan.source.c_str(), O_RDONLY | O_CLOEXEC), "open the source");
  const int target =
      plan.write ? must(open(plan.target.c_str(), O_RDONLY | O_CLOEXEC), "open the target") : -1;
  PieceMemory memory(2);
  for (size_t piece = 0; piece < plan.piece_count; ++piece) {
    const auto offset = static_cast<off_t>(piece * piece_bytes);
    if (pread(source, memory.piece(0), piece_bytes, offset) != piece_bytes ||
        (plan.write && pread(target, memory.piece(1), piece_bytes, offset) != piece_bytes)) {
      give_up("read for the check", EIO);
    }
    if (plan.write && std::memcmp(memory.piece(0), memory.piece(1), piece_bytes) != 0) {
      give_up("the target has other bytes than the source", EBADMSG);
    }
    if (!received.digests.empty() &&
        received.digests[piece] != hash::sha1({memory.piece(0), piece_bytes})) {
      give_up("the digest of a piece is wrong", EBADMSG);
    }
  }
}

int run(std::span<char*> words) {
  const Options options = parse(words);
  const Plan& plan = options.plan;
  Sender sender;
  if (plan.send != SendPath::none) {
    sender = start_sender(plan);
  }
  pin_to(1);
  const Received received = receive_all(plan, sender.socket);
  const double sender_seconds = plan.send != SendPath::none ? end_sender(sender) : 0;
  if (options.check) {
    check(plan, received);
  }
  const std::string_view kernel = plan.hash == Hashing::none         ? "none"
                                  : plan.hash == Hashing::one_stream ? "openssl"
                                                                     : hash::sha1_choice().family;
  std::printf(
      "{\"bytes\": %zu, \"seconds\": %.6f, \"receiver_cpu_seconds\": %.6f, "
      "\"sender_cpu_seconds\": %.6f, \"sha1\": \"%.*s\"}\n",
      plan.piece_count * piece_bytes, received.seconds, received.cpu_seconds, sender_seconds,
      static_cast<int>(kernel.size()), kernel.data());
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace murder::bench

int main(int count, char** words) {
  return murder::bench::run(std::span(words, static_cast<size_t>(count)));
}
