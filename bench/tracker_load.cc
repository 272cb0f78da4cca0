// Load for a tracker: peers that announce over HTTP, each from a loopback address of its own, over
// connections that are kept and over new ones. Prints one JSON line per phase.
//
//   tracker_load 127.0.0.1:8998 TRACKER-PID [PEERS [KEPT [SECONDS [WINDOW]]]]
//
// Phases: "join" (the first KEPT peers connect, announce `started`, and stay), "kept" (they
// announce again in turn), "new" (the others, in turn: connect, announce, close). WINDOW announces
// are under way at a time; 50,000 peers, 20,000 of them kept, 10 s and 64 unless said otherwise.
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/endpoint.h"
#include "engine/codec/announce.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

using namespace murder;

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  Endpoint tracker;
  int tracker_pid = 0;
  uint32_t peers = 50'000;
  uint32_t kept = 20'000;
  uint32_t seconds = 10;
  uint32_t window = 64;
};

struct Usage {
  double cpu_seconds = 0;
  uint64_t resident_kib = 0;
};

std::string read_text(const std::string& path) {
  std::string text(8192, '\0');
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t size = fd < 0 ? 0 : read(fd, text.data(), text.size());
  close(fd);
  text.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
  return text;
}

Usage usage_of(int pid) {
  Usage usage;
  const std::string stat = read_text(fmt::format("/proc/{}/stat", pid));
  const size_t name_end = stat.rfind(')');
  unsigned long user = 0;
  unsigned long system = 0;
  if (name_end != std::string::npos &&
      sscanf(stat.c_str() + name_end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
             &user, &system) == 2) {
    usage.cpu_seconds =
        static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  }
  const std::string status = read_text(fmt::format("/proc/{}/status", pid));
  const size_t resident = status.find("VmRSS:");
  if (resident != std::string::npos) {
    usage.resident_kib = std::strtoull(status.c_str() + resident + 6, nullptr, 10);
  }
  return usage;
}

struct Exchange {
  uint32_t peer = 0;
  int fd = -1;
  bool closes = false;
  Clock::time_point began;
  std::string request;
  size_t sent = 0;
  std::string answer;
};

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options), fds_(options.peers, -1), announced_(options.peers) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
  }

  void run() {
    uint32_t next = 0;
    phase("join", [&](Exchange& exchange) {
      exchange.peer = next++;
      return exchange.peer < options_.kept;
    });
    const auto for_a_while = [&, until = Clock::time_point()]() mutable {
      until = until == Clock::time_point() ? Clock::now() + std::chrono::seconds(options_.seconds)
                                           : until;
      return Clock::now() < until;
    };
    next = 0;
    phase("kept", [&, goes_on = for_a_while](Exchange& exchange) mutable {
      exchange.peer = next++ % options_.kept;
      return goes_on();
    });
    next = 0;
    if (options_.peers > options_.kept) {
      phase("new", [&, goes_on = for_a_while](Exchange& exchange) mutable {
        exchange.peer = options_.kept + next++ % (options_.peers - options_.kept);
        exchange.closes = true;
        return goes_on();
      });
    }
  }

 private:
  template <typename Next>
  void phase(std::string_view name, Next next) {
    latencies_us_.clear();
    errors_ = {};
    error_count_ = 0;
    told_ = 0;
    const Usage before = usage_of(options_.tracker_pid);
    const auto began = Clock::now();
    std::vector<Exchange> exchanges(options_.window);
    uint32_t under_way = 0;
    bool is_over = false;
    const auto start = [&](Exchange& exchange) {
      while (!is_over) {
        exchange = Exchange{};
        if (!next(exchange)) {
          is_over = true;
        } else if (begin(exchange, static_cast<uint64_t>(&exchange - exchanges.data()))) {
          ++under_way;
          return;
        }
      }
    };
    for (Exchange& exchange : exchanges) {
      start(exchange);
    }
    std::vector<epoll_event> events(options_.window);
    while (under_way > 0) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 5000);
      if (count <= 0) {
        note_error("no answer for five seconds");
        break;
      }
      for (int index = 0; index < count; ++index) {
        Exchange& exchange = exchanges[events[static_cast<size_t>(index)].data.u64];
        if (advance(exchange)) {
          --under_way;
          start(exchange);
        }
      }
    }
    print(name, before, began);
  }

  void print(std::string_view name, const Usage& before, Clock::time_point began) {
    const double elapsed = std::chrono::duration<double>(Clock::now() - began).count();
    const Usage after = usage_of(options_.tracker_pid);
    const size_t count = latencies_us_.size();
    std::sort(latencies_us_.begin(), latencies_us_.end());
    const auto at = [&](double share) {
      return count == 0
                 ? 0
                 : latencies_us_[static_cast<size_t>(static_cast<double>(count - 1) * share)];
    };
    const double each =
        count == 0 ? 0
                   : 1e6 * (after.cpu_seconds - before.cpu_seconds) / static_cast<double>(count);
    fmt::print(
        "{{\"phase\":\"{}\",\"announces\":{},\"errors\":{},\"error\":\"{}\",\"seconds\":{:.2f},"
        "\"announces_per_s\":{:.0f},\"tracker_cpu_us_per_announce\":{:.1f},\"latency_p50_us\":{},"
        "\"latency_p99_us\":{},\"latency_max_us\":{},\"tracker_rss_mib\":{:.1f},"
        "\"peers_told_mean\":{:.1f}}}\n",
        name, count, error_count_, errors_, elapsed, static_cast<double>(count) / elapsed, each,
        at(0.5), at(0.99), at(1), static_cast<double>(after.resident_kib) / 1024,
        count == 0 ? 0 : static_cast<double>(told_) / static_cast<double>(count));
    std::fflush(stdout);
  }

  void note_error(std::string_view what) {
    ++error_count_;
    if (errors_.empty()) {
      errors_ = fmt::format("{} ({})", what, std::strerror(errno));
    }
  }

  // 127.1.0.1 and on: one for each peer.
  static sockaddr_in address_of(uint32_t peer) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(0x7F010000U + peer / 250 * 256 + 1 + peer % 250);
    return address;
  }

  int connected(uint32_t peer) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    const sockaddr_in own = address_of(peer);
    sockaddr_in tracker{};
    tracker.sin_family = AF_INET;
    tracker.sin_port = htons(options_.tracker.port);
    std::memcpy(&tracker.sin_addr, options_.tracker.address.v4_bytes().data(), 4);
    if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
        (connect(fd, reinterpret_cast<const sockaddr*>(&tracker), sizeof tracker) != 0 &&
         errno != EINPROGRESS)) {
      note_error("connect");
      close(fd);
      return -1;
    }
    return fd;
  }

  bool begin(Exchange& exchange, uint64_t index) {
    exchange.began = Clock::now();
    exchange.fd = fds_[exchange.peer] >= 0 ? fds_[exchange.peer] : connected(exchange.peer);
    if (exchange.fd < 0) {
      return false;
    }
    exchange.request = fmt::format("GET /announce?{} HTTP/1.1\r\nHost: tracker\r\n{}\r\n",
                                   codec::encode_announce_query(announce_of(exchange.peer)),
                                   exchange.closes ? "Connection: close\r\n" : "");
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.u64 = index}};
    const bool is_known = fds_[exchange.peer] >= 0;
    fds_[exchange.peer] = exchange.fd;
    epoll_ctl(epoll_, is_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, exchange.fd, &event);
    return true;
  }

  [[nodiscard]] codec::AnnounceRequest announce_of(uint32_t peer) {
    codec::AnnounceRequest request{.port = 6881,
                                   .left_bytes = peer == 0 ? 0U : 1U << 30U,
                                   .peers_wanted = 50,
                                   .name = "load",
                                   .host = fmt::format("host-{}", peer),
                                   .total_bytes = 1U << 30U,
                                   .neighbour_count = announced_[peer] != 0 ? 32 : 0};
    request.info_hash.bytes.fill(7);
    const std::string id = fmt::format("-MU0001-{:012}", peer);
    std::copy(id.begin(), id.end(), request.peer_id.bytes.begin());
    request.event =
        announced_[peer] != 0 ? codec::AnnounceEvent::none : codec::AnnounceEvent::started;
    return request;
  }

  // True when it has ended.
  bool advance(Exchange& exchange) {
    if (exchange.sent < exchange.request.size()) {
      const ssize_t size = send(exchange.fd, exchange.request.data() + exchange.sent,
                                exchange.request.size() - exchange.sent, MSG_NOSIGNAL);
      if (size < 0 && errno != EAGAIN) {
        return failed(exchange, "send");
      }
      exchange.sent += size > 0 ? static_cast<size_t>(size) : 0;
    }
    char part[4096];
    ssize_t size = 0;
    while ((size = recv(exchange.fd, part, sizeof part, 0)) > 0) {
      exchange.answer.append(part, static_cast<size_t>(size));
    }
    const bool is_closed = size == 0;
    if (size < 0 && errno != EAGAIN) {
      return failed(exchange, "receive");
    }
    const size_t head_end = exchange.answer.find("\r\n\r\n");
    const size_t field = exchange.answer.find("Content-Length: ");
    if (head_end != std::string::npos && field < head_end) {
      const size_t body_size = std::strtoul(exchange.answer.c_str() + field + 16, nullptr, 10);
      if (exchange.answer.size() - head_end - 4 >= body_size) {
        return ended(exchange, std::string_view(exchange.answer).substr(head_end + 4, body_size));
      }
    }
    return is_closed && failed(exchange, "closed before the answer");
  }

  bool ended(Exchange& exchange, std::string_view body) {
    const Result<codec::AnnounceReply> reply =
        codec::decode_announce_reply({reinterpret_cast<const uint8_t*>(body.data()), body.size()});
    if (!exchange.answer.starts_with("HTTP/1.1 200 ") || !reply || !reply->failure_reason.empty()) {
      return failed(exchange, reply ? reply->failure_reason : "not a tracker's answer");
    }
    told_ += reply->peers.size();
    announced_[exchange.peer] = 1;
    latencies_us_.push_back(static_cast<uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - exchange.began)
            .count()));
    if (exchange.closes) {
      leave(exchange);
    }
    return true;
  }

  bool failed(Exchange& exchange, std::string_view what) {
    note_error(what);
    leave(exchange);
    return true;
  }

  void leave(Exchange& exchange) {
    close(exchange.fd);
    fds_[exchange.peer] = -1;
  }

  Options options_;
  int epoll_ = -1;
  std::vector<int> fds_;         // of each peer, -1: none
  std::vector<char> announced_;  // of each peer
  std::vector<uint32_t> latencies_us_;
  std::string errors_;
  uint64_t error_count_ = 0;
  uint64_t told_ = 0;
};

bool take_number(const char* text, uint32_t& number) {
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, number);
  return error == std::errc{} && stop == end && number > 0;
}

}  // namespace

int main(int argument_count, char** arguments) {
  Options options;
  uint32_t pid = 0;
  const std::optional<Endpoint> tracker =
      argument_count > 2 ? Endpoint::parse(arguments[1]) : std::nullopt;
  bool is_usable = tracker && tracker->address.is_v4() && take_number(arguments[2], pid);
  uint32_t* const numbers[] = {&options.peers, &options.kept, &options.seconds, &options.window};
  for (int index = 3; index < argument_count && is_usable; ++index) {
    is_usable = index - 3 < 4 && take_number(arguments[index], *numbers[index - 3]);
  }
  if (!is_usable || options.kept > options.peers) {
    fmt::print(stderr, "usage: tracker_load IPV4:PORT PID [PEERS [KEPT [SECONDS [WINDOW]]]]\n");
    return 2;
  }
  options.tracker = *tracker;
  options.tracker_pid = static_cast<int>(pid);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = options.kept + options.window + 16U;
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) {
    fmt::print(stderr, "{} open files are needed and {} allowed: keep fewer connections\n",
               files.rlim_cur, files.rlim_max);
    return 1;
  }
  Load(options).run();
  return 0;
}
