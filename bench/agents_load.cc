// Agents for a coordinator: real connections of one process, each with a key of its own. They have
// what is wanted at once and activate when they are told to. Prints a line of JSON when all are
// where they should be; times are of CLOCK_MONOTONIC, so that whoever started this may compare.
//
//   agents_load 127.0.0.1:8998[,...] AGENTS [SPREAD_S]
//
// {"event": "known"}    all are connected and their reports were heard
// {"event": "told"}     all were told to activate the release that was wanted last
// {"event": "heard"}    all know that the coordinator has heard that they did
//
// The first connections are spread over SPREAD_S seconds (5). An agent that loses its connection
// comes back after a random time below 1 s, then 2 s, 4 s, at most 10 s, to the next coordinator of
// the list: one that does not lead refuses it.
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "engine/base/endpoint.h"
#include "engine/base/ensure.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/prng.h"
#include "engine/base/random_word.h"
#include "engine/control/bounds.h"
#include "engine/control/frame.h"
#include "engine/control/link_messages.h"
#include "engine/control/message_text.h"
#include "engine/trust/agent_key.h"

using namespace murder;

namespace {

constexpr std::string_view request =
    "GET /control/agent HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
    "Upgrade: murder-agent/1\r\n\r\n";
constexpr double backoff_first_s = 1;
constexpr double backoff_max_s = 10;

[[noreturn]] void die(const std::string& text) {
  std::fputs((text + "\n").c_str(), stderr);
  std::exit(1);
}

// Each host has its own. From one address, 15,000 that come back at once meet their own connections
// of before, which the kernel keeps for a minute, and wait for a SYN that is passed over.
sockaddr_in own_address_of(uint32_t index) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl((127U << 24U) + (1U << 16U) + index + 1);
  return address;
}

struct Agent {
  std::string host;
  trust::AgentKey key;
  int fd = -1;
  size_t coordinator = 0;  // of the list
  bool is_redirected = false;
  bool is_upgraded = false;
  bool is_known = false;
  std::string head;
  control::FrameReader reader{limits::control_coordinator_message_bytes_max};
  control::Report report;
  // What was said and heard last of this connection, in full.
  std::optional<control::Report> reported;
  bool is_reported_heard = false;
  bool takes_alive = false;  // the coordinator does
  std::optional<control::Wanted> wanted;
  // Of the release that was wanted last.
  bool is_told = false;
  bool is_heard = false;
  uint64_t activated_in = 0;  // the number of the report that says so
  double backoff_s = backoff_first_s;
  uint64_t connection = 0;  // counts, so that a late heartbeat is noticed
};

enum class Due : uint8_t { connect, heartbeat };

struct Event {
  Instant at{};
  uint32_t agent = 0;
  Due due = Due::connect;
  uint64_t connection = 0;
  bool operator<(const Event& other) const { return at > other.at; }
};

class Load {
 public:
  Load(std::vector<Endpoint> coordinators, uint32_t count, double spread_s)
      : coordinators_(std::move(coordinators)), prng_(random_word().value()), agents_(count) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    const Instant now = monotonic_now();
    for (uint32_t index = 0; index < count; ++index) {
      Agent& agent = agents_[index];
      agent.host = fmt::format("w{:05}", index);
      trust::Secret seed{};
      if (!fill_random(seed)) {
        die("no randomness");
      }
      agent.key = trust::agent_key_of(seed).value();
      agent.report = {
          .host = agent.host, .rack = "r1", .groups = {"web"}, .apps = {{.app = "shop"}}};
      schedule(index, Due::connect, now + seconds(spread_s * unit()));
    }
  }

  [[noreturn]] void run() {
    std::vector<epoll_event> events(1024);
    while (true) {
      const int got = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms());
      for (int index = 0; index < got; ++index) {
        readable(events[static_cast<size_t>(index)].data.u32);
      }
      const Instant now = monotonic_now();
      while (!due_.empty() && due_.top().at <= now) {
        const Event event = due_.top();
        due_.pop();
        happen(event, now);
      }
    }
  }

 private:
  static Duration seconds(double value) {
    return std::chrono::nanoseconds(static_cast<int64_t>(value * 1e9));
  }
  double unit() {
    return static_cast<double>(prng_.next() >> 11U) / static_cast<double>(1ULL << 53U);
  }
  void schedule(uint32_t index, Due due, Instant at) {
    due_.push({.at = at, .agent = index, .due = due, .connection = agents_[index].connection});
  }
  [[nodiscard]] int wait_ms() const {
    if (due_.empty()) {
      return 1000;
    }
    const auto left = (due_.top().at - monotonic_now()) / std::chrono::milliseconds(1);
    return static_cast<int>(std::clamp<int64_t>(left, 0, 1000));
  }

  void happen(const Event& event, Instant now) {
    Agent& agent = agents_[event.agent];
    if (event.due == Due::connect && agent.fd < 0) {
      connect(event.agent);
    } else if (event.due == Due::heartbeat && event.connection == agent.connection) {
      send_report(event.agent);
      schedule(event.agent, Due::heartbeat, now + limits::control_heartbeat);
    }
  }

  void connect(uint32_t index) {
    Agent& agent = agents_[index];
    sockaddr_in address{};
    address.sin_family = AF_INET;
    const Endpoint& coordinator = coordinators_[agent.coordinator];
    address.sin_port = htons(coordinator.port);
    std::memcpy(&address.sin_addr, coordinator.address.v4_bytes().data(), 4);
    agent.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int one = 1;
    setsockopt(agent.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(agent.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    const sockaddr_in own = own_address_of(index);
    ++agent.connection;
    if (agent.fd < 0 || bind(agent.fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
        ::connect(agent.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      lose(index);
      return;
    }
    fcntl(agent.fd, F_SETFL, O_NONBLOCK);
    epoll_event event{.events = EPOLLIN, .data = {.u32 = index}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, agent.fd, &event);
    agent.is_upgraded = false;
    agent.head.clear();
    agent.reader = control::FrameReader{limits::control_coordinator_message_bytes_max};
    agent.report.greeting = {.session = prng_.next() | 1U, .number = 0};
    agent.report.number = 0;
    agent.reported.reset();
    agent.wanted.reset();
    write_all(agent, request);
  }

  void lose(uint32_t index) {
    Agent& agent = agents_[index];
    if (agent.fd >= 0) {
      close(agent.fd);
    }
    agent.fd = -1;
    known_count_ -= agent.is_known ? 1 : 0;
    agent.is_known = false;
    agent.coordinator = (agent.coordinator + 1) % coordinators_.size();
    agent.is_redirected = false;
    schedule(index, Due::connect, monotonic_now() + seconds(unit() * agent.backoff_s));
    if (agent.coordinator == 0) {  // all were tried
      agent.backoff_s = std::min(2 * agent.backoff_s, backoff_max_s);
    }
  }

  // One that follows names the one that leads: there it connects at once, the first time.
  void refused(uint32_t index) {
    Agent& agent = agents_[index];
    const bool is_first = !agent.is_redirected;
    for (size_t each = 0; each < coordinators_.size(); ++each) {
      const std::string leader = fmt::format("\"leader\":\"{}\"", coordinators_[each].text());
      if (is_first && each != agent.coordinator && agent.head.find(leader) != std::string::npos) {
        agent.is_redirected = true;
        close(std::exchange(agent.fd, -1));
        agent.coordinator = each;
        schedule(index, Due::connect, monotonic_now());
        return;
      }
    }
    lose(index);
  }

  // What is sent is small: a coordinator that does not take it has lost its agent.
  static void write_all(const Agent& agent, std::string_view bytes) {
    static_cast<void>(::send(agent.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  static void write_message(const Agent& agent, const std::string& text) {
    std::string frame;
    control::append_frame(frame, text);
    write_all(agent, frame);
  }
  void send_report(uint32_t index) {
    Agent& agent = agents_[index];
    ++agent.report.number;
    if (agent.takes_alive && agent.reported && agent.is_reported_heard) {
      agent.reported->number = agent.report.number;
      if (*agent.reported == agent.report) {
        write_message(agent, control::text_of(control::Alive{agent.report.number}));
        return;
      }
    }
    write_message(agent, control::text_of(agent.report));
    agent.reported = agent.report;
    agent.is_reported_heard = false;
  }

  void readable(uint32_t index) {
    Agent& agent = agents_[index];
    char buffer[16 * 1024];
    while (agent.fd >= 0) {
      const ssize_t got = recv(agent.fd, buffer, sizeof buffer, 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
      }
      if (got <= 0) {
        lose(index);
        return;
      }
      take(index, std::string_view(buffer, static_cast<size_t>(got)));
    }
  }

  void take(uint32_t index, std::string_view bytes) {
    Agent& agent = agents_[index];
    if (!agent.is_upgraded) {
      agent.head.append(bytes);
      const size_t end = agent.head.find("\r\n\r\n");
      if (end == std::string::npos) {
        return;
      }
      if (!agent.head.starts_with("HTTP/1.1 101")) {
        refused(index);
        return;
      }
      agent.is_upgraded = true;
      agent.is_redirected = false;
      const std::string rest = agent.head.substr(end + 4);
      std::string().swap(agent.head);
      agent.reader.put(std::as_bytes(std::span(rest)));
    } else {
      agent.reader.put(std::as_bytes(std::span(bytes)));
    }
    std::string text;
    while (agent.fd >= 0 && agent.reader.next(text).value_or(false)) {
      hear(index, text);
    }
  }

  void hear(uint32_t index, const std::string& text) {
    Agent& agent = agents_[index];
    Result<control::CoordinatorMessage> message = control::parse_coordinator_message(text);
    if (!message) {
      die(message.error().text);
    }
    if (const auto* challenge = std::get_if<control::Challenge>(&*message)) {
      agent.takes_alive = challenge->takes_alive;
      say_hello(agent, *challenge);
      send_report(index);
      // As a fleet's heartbeats are spread.
      schedule(index, Due::heartbeat,
               monotonic_now() + seconds(unit() * seconds_of(limits::control_heartbeat)));
    } else if (auto* wanted = std::get_if<control::Wanted>(&*message)) {
      agent.wanted = std::move(*wanted);
      follow(index, *agent.wanted);
    } else if (const auto* again = std::get_if<control::HeardAgain>(&*message)) {
      agent.wanted->heard_number = again->heard_number;
      follow(index, *agent.wanted);
    } else if (std::holds_alternative<control::Refused>(*message)) {
      lose(index);
    }
  }

  static void say_hello(Agent& agent, const control::Challenge& challenge) {
    const trust::SignedHello hello =
        trust::sign_hello(agent.key, {.nonce = challenge.nonce,
                                      .coordinator = challenge.coordinator,
                                      .host = agent.host,
                                      .session = agent.report.greeting.session})
            .value();
    write_message(agent, control::text_of(control::Hello{.host = agent.host,
                                                         .version = "0.1.0",
                                                         .key = hello.key,
                                                         .signature = hello.signature,
                                                         .session = agent.report.greeting.session,
                                                         .takes_heard = true}));
  }

  void follow(uint32_t index, const control::Wanted& wanted) {
    Agent& agent = agents_[index];
    control::AppReport& app = agent.report.apps[0];
    agent.is_reported_heard =
        agent.is_reported_heard || (agent.reported && wanted.greeting == agent.reported->greeting &&
                                    wanted.heard_number >= agent.reported->number);
    bool changed = false;
    if (wanted.greeting.session == agent.report.greeting.session &&
        wanted.greeting.number > agent.report.greeting.number) {
      agent.report.greeting = wanted.greeting;
      changed = true;
    }
    if (wanted.heard_number > 0 && !agent.is_known) {
      agent.backoff_s = backoff_first_s;
      agent.is_known = true;
      tell_when_all(++known_count_, "known");
    }
    for (const control::WantedApp& want : wanted.apps) {
      changed = follow_app(agent, app, want) || changed;
    }
    if (agent.activated_in > 0 && !agent.is_heard && wanted.heard_number >= agent.activated_in) {
      agent.is_heard = true;
      tell_when_all(++heard_count_, "heard");
    }
    if (changed) {
      send_report(index);
      if (agent.is_told && agent.activated_in == 0) {
        agent.activated_in = agent.report.number;
      }
    }
  }

  bool follow_app(Agent& agent, control::AppReport& app, const control::WantedApp& want) {
    bool changed = false;
    if (want.release && release_ != want.release) {
      release_ = want.release;
      told_count_ = heard_count_ = 0;
      for (Agent& each : agents_) {
        each.is_told = each.is_heard = false;
        each.activated_in = 0;
      }
    }
    if (want.release &&
        std::find(app.ready.begin(), app.ready.end(), *want.release) == app.ready.end()) {
      app.ready = {*want.release};
      changed = true;
    }
    if (want.activate && app.attempt < want.attempt) {
      app.attempt = want.attempt;
      app.active = want.release;
      app.is_healthy = changed = agent.is_told = true;
      tell_when_all(++told_count_, "told");
    }
    return changed;
  }

  void tell_when_all(size_t count, const char* event) const {
    if (count == agents_.size()) {
      std::puts(fmt::format("{{\"event\":\"{}\",\"at_s\":{:.4f}}}", event,
                            seconds_of(monotonic_now().time_since_epoch()))
                    .c_str());
      std::fflush(stdout);
    }
  }

  std::vector<Endpoint> coordinators_;
  Prng prng_;
  std::vector<Agent> agents_;
  std::priority_queue<Event> due_;
  int epoll_ = -1;
  size_t known_count_ = 0;
  size_t told_count_ = 0;
  size_t heard_count_ = 0;
  std::optional<InfoHash> release_;  // that was wanted last
};

}  // namespace

int main(int argument_count, char** arguments) {
  std::vector<Endpoint> coordinators;
  std::string_view list = argument_count >= 3 ? arguments[1] : "";
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    const std::optional<Endpoint> each = Endpoint::parse(list.substr(0, end));
    if (!each) {
      coordinators.clear();
      break;
    }
    coordinators.push_back(*each);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  if (coordinators.empty()) {
    die("agents_load HOST:PORT[,...] AGENTS [SPREAD_S]");
  }
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  Load load(std::move(coordinators), static_cast<uint32_t>(std::strtoul(arguments[2], nullptr, 10)),
            argument_count > 3 ? std::strtod(arguments[3], nullptr) : 5.0);
  load.run();
}
