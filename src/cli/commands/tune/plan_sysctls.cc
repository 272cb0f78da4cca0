// The part of the plan that sysctls hold.
#include <fmt/format.h>

#include <algorithm>

#include "cli/commands/tune/plan.h"
#include "cli/commands/tune/values.h"
#include "engine/base/units.h"

namespace murder::cli::tune {
namespace {

constexpr std::string_view doc_net = "Documentation/admin-guide/sysctl/net.rst";
constexpr uint64_t mebibyte = 1024ULL * 1024;
// RFC 7323: no window is larger, so no buffer is of use beyond it.
constexpr uint64_t window_max = 1024 * mebibyte;

// Adds sysctls to a plan, as far as this host has them.
class Sysctls {
 public:
  Sysctls(const Facts& facts, Plan& plan) : facts_(facts), plan_(plan) {}

  // The last of its numbers is at least this.
  void at_least(const std::string& name, uint64_t least, std::string why, std::string source) {
    const std::string* now = find(name);
    if (now == nullptr) {
      return;
    }
    std::vector<uint64_t> numbers = numbers_in(*now);
    if (numbers.empty()) {
      return;
    }
    numbers.back() = std::max(numbers.back(), least);
    add(name, *now, fmt::format("{}", fmt::join(numbers, " ")), std::move(why), std::move(source));
  }

  void exactly(const std::string& name, std::string wanted, std::string why, std::string source) {
    if (const std::string* now = find(name); now != nullptr) {
      add(name, *now, std::move(wanted), std::move(why), std::move(source));
    }
  }

  [[nodiscard]] const std::string* find(const std::string& name) const {
    const auto found = facts_.sysctls.find(name);
    return found == facts_.sysctls.end() ? nullptr : &found->second;
  }

 private:
  void add(const std::string& name, const std::string& now, std::string wanted, std::string why,
           std::string source) {
    plan_.changes.push_back({.place = Place::sysctl,
                             .key = name,
                             .now = now,
                             .wanted = std::move(wanted),
                             .why = std::move(why),
                             .source = std::move(source)});
  }

  const Facts& facts_;
  Plan& plan_;
};

void plan_queues(Sysctls& sysctls, const Plan& plan) {
  const std::string burst = "a fleet arrives at once, and what does not fit is dropped";
  sysctls.at_least("net.core.somaxconn", backlog_wanted,
                   burst + " (bound of the queue that listen asks for)",
                   fmt::format("listen(2); {}", doc_ip));
  sysctls.at_least("net.ipv4.tcp_max_syn_backlog", backlog_wanted,
                   burst + " (connections that are not answered yet)", std::string(doc_ip));
  // What arrives within 10 ms, a tick at HZ=100, while the processor does something else.
  const uint64_t frames = plan.bytes_per_second / 100 / frame_bytes;
  sysctls.at_least("net.core.netdev_max_backlog", (frames + 999) / 1000 * 1000,
                   "packets of 10 ms at this rate, where they are handed from one processor to "
                   "another (RPS, tunnels, veth of containers)",
                   fmt::format("{}; Documentation/networking/scaling.rst", doc_net));
}

void plan_buffers(const Facts& facts, const Goal& goal, const Plan& plan, Sysctls& sysctls) {
  const uint64_t bytes =
      socket_buffer_wanted(plan.bytes_per_second, goal.round_trip, socket_buffer_ceiling(facts));
  const std::string product =
      fmt::format("{} x {} ms of round trip, twice as half of a buffer is the kernel's own",
                  format_rate(static_cast<double>(plan.bytes_per_second)),
                  std::chrono::duration<double, std::milli>(goal.round_trip).count());
  sysctls.at_least("net.core.rmem_max", bytes,
                   "bound of what a program may ask for (SO_RCVBUF): " + product,
                   fmt::format("socket(7); {}", doc_net));
  sysctls.at_least("net.core.wmem_max", bytes,
                   "bound of what a program may ask for (SO_SNDBUF): " + product,
                   fmt::format("socket(7); {}", doc_net));
  sysctls.at_least("net.ipv4.tcp_rmem", bytes,
                   "how far the kernel lets a receive window grow: " + product,
                   fmt::format("tcp(7); {}; RFC 7323", doc_ip));
  sysctls.at_least("net.ipv4.tcp_wmem", bytes,
                   "how far the kernel lets a send buffer grow: " + product,
                   fmt::format("tcp(7); {}", doc_ip));
  sysctls.exactly("net.ipv4.tcp_window_scaling", "1", "no window above 64 KiB without it",
                  fmt::format("RFC 7323; {}", doc_ip));
  sysctls.exactly(
      "net.ipv4.tcp_moderate_rcvbuf", "1",
      "receive windows grow with the connection; murder leaves their size to the kernel",
      std::string(doc_ip));
  sysctls.exactly("net.ipv4.tcp_slow_start_after_idle", "0",
                  "links between peers are silent between two pieces: they keep their window",
                  fmt::format("{}; RFC 5681, 4.1", doc_ip));
}

void plan_ports(Sysctls& sysctls) {
  const std::string name = "net.ipv4.ip_local_port_range";
  const std::string* now = sysctls.find(name);
  if (now == nullptr) {
    return;
  }
  const std::vector<uint64_t> range = numbers_in(*now);
  const bool is_enough =
      range.size() == 2 && range[1] >= range[0] && range[1] - range[0] + 1 >= local_ports_wanted;
  sysctls.exactly(name, is_enough ? *now : std::string(local_port_range_wanted),
                  "a port for each outgoing connection, of several processes at once",
                  std::string(doc_ip));
}

void plan_congestion(const Facts& facts, const Goal& goal, Sysctls& sysctls, Plan& plan) {
  const std::string name = "net.ipv4.tcp_congestion_control";
  const std::string* now = sysctls.find(name);
  if (now == nullptr) {
    return;
  }
  if (goal.round_trip < long_round_trip) {
    sysctls.exactly(name, *now,
                    "left alone: within a site BBR's pacing costs processor time and gains "
                    "nothing (--rtt of 5 ms and more changes it)",
                    "docs/performance.md");
    return;
  }
  if (!facts.modules.contains("tcp_bbr")) {
    plan.notes.push_back("this kernel has no BBR (tcp_bbr), which copes with loss on long ways");
    return;
  }
  sysctls.exactly("net.core.default_qdisc", "fq",
                  "paces each connection in the queue instead of by timers of TCP; counts for "
                  "interfaces that come up later",
                  fmt::format("tc-fq(8); {}", doc_net));
  sysctls.exactly(name, "bbr", "a lost packet on a long way does not halve the rate",
                  "Cardwell et al., BBR, ACM Queue 14 (5), 2016; docs/tuning.md");
}

}  // namespace

uint64_t socket_buffer_wanted(uint64_t bytes_per_second, Duration round_trip, uint64_t bytes_max) {
  const double product =
      static_cast<double>(bytes_per_second) * std::chrono::duration<double>(round_trip).count();
  const double mebibytes =
      std::min(2 * product, static_cast<double>(window_max)) / static_cast<double>(mebibyte);
  uint64_t whole = static_cast<uint64_t>(mebibytes);
  whole += static_cast<double>(whole) < mebibytes ? 1 : 0;
  return std::min(std::max(whole * mebibyte, socket_buffer_least), bytes_max);
}

uint64_t socket_buffer_ceiling(const Facts& facts) {
  uint64_t bytes = facts.memory_bytes == 0 ? window_max : facts.memory_bytes / 64;
  if (const auto found = facts.sysctls.find("net.ipv4.tcp_mem"); found != facts.sysctls.end()) {
    const std::vector<uint64_t> pages = numbers_in(found->second);
    if (pages.size() == 3 && pages[1] > 0 && pages[1] < UINT64_MAX / facts.page_bytes) {
      bytes = pages[1] * facts.page_bytes / 4;
    }
  }
  return std::min(bytes, window_max) / 4096 * 4096;
}

std::vector<std::string> sysctl_names() {
  return {"net.core.somaxconn",
          "net.ipv4.tcp_max_syn_backlog",
          "net.core.netdev_max_backlog",
          "net.core.rmem_max",
          "net.core.wmem_max",
          "net.ipv4.tcp_rmem",
          "net.ipv4.tcp_wmem",
          "net.ipv4.tcp_mem",
          "net.ipv4.tcp_window_scaling",
          "net.ipv4.tcp_moderate_rcvbuf",
          "net.ipv4.tcp_slow_start_after_idle",
          "net.ipv4.ip_local_port_range",
          "net.core.default_qdisc",
          "net.ipv4.tcp_congestion_control",
          "kernel.io_uring_disabled",
          "fs.nr_open"};
}

void plan_sysctls(const Facts& facts, const Goal& goal, Plan& plan) {
  Sysctls sysctls(facts, plan);
  sysctls.exactly("kernel.io_uring_disabled", "0",
                  "murder works through io_uring, which is switched off for processes",
                  "Documentation/admin-guide/sysctl/kernel.rst");
  sysctls.at_least("fs.nr_open", open_files_wanted, "no process may raise its limit beyond it",
                   "Documentation/admin-guide/sysctl/fs.rst");
  plan_queues(sysctls, plan);
  plan_buffers(facts, goal, plan, sysctls);
  plan_ports(sysctls);
  plan_congestion(facts, goal, sysctls, plan);
}

}  // namespace murder::cli::tune
