#include "cli/commands/tune/read_facts.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/commands/tune/drop_ins.h"
#include "cli/commands/tune/ethtool.h"
#include "cli/commands/tune/plan.h"
#include "cli/commands/tune/values.h"

namespace murder::cli::tune {
namespace {

namespace fs = std::filesystem;

constexpr size_t small_text_max = 64 * 1024;
constexpr std::array<std::string_view, 2> tuned_units = {"murder-tracker.service",
                                                         "murder-seed@.service"};
constexpr std::array<std::string_view, 3> tuned_modules = {"tls", "tcp_bbr", "sch_fq"};

// The names in a directory, in order; none where it cannot be read.
std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(path, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_there(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::string small_text(const std::string& path) {
  std::ifstream file(path);
  std::string text(small_text_max, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return text;
}

// Of a kernel without changes, for the tree of a system that does not run.
std::map<std::string, std::string> default_sysctls() {
  return {{"net.core.somaxconn", "4096"},
          {"net.ipv4.tcp_max_syn_backlog", "1024"},
          {"net.core.netdev_max_backlog", "1000"},
          {"net.core.rmem_max", "212992"},
          {"net.core.wmem_max", "212992"},
          {"net.ipv4.tcp_rmem", "4096 131072 6291456"},
          {"net.ipv4.tcp_wmem", "4096 16384 4194304"},
          {"net.ipv4.tcp_slow_start_after_idle", "1"},
          {"net.ipv4.ip_local_port_range", "32768 60999"},
          {"net.core.default_qdisc", "pfifo_fast"},
          {"net.ipv4.tcp_congestion_control", "cubic"}};
}

void read_sysctls(const std::string& root, Facts& facts) {
  if (root != "/" && !is_there(below(root, "/proc/sys"))) {
    facts.sysctls = default_sysctls();
    return;
  }
  for (const std::string& name : sysctl_names()) {
    if (const std::optional<std::string> line = read_line(below(root, sysctl_path(name)))) {
      facts.sysctls[name] = one_space_between(*line);
    }
  }
}

// Whether a list of the kernel's modules names it: "kernel/net/tls/tls.ko.xz: ...".
bool lists_module(const std::string& path, std::string_view module) {
  std::ifstream file(path);
  std::string line;
  const std::string file_name = fmt::format("/{}.ko", module);
  while (std::getline(file, line)) {
    if (line.substr(0, line.find(':')).find(file_name) != std::string::npos) {
      return true;
    }
  }
  return false;
}

void read_modules(const std::string& root, Facts& facts) {
  std::string release;
  if (utsname name{}; root == "/" && uname(&name) == 0) {
    release = name.release;
  } else if (const std::vector<std::string> all = names_in(below(root, "/lib/modules"));
             !all.empty()) {
    release = all.back();
  }
  const std::string lists = below(root, "/lib/modules/") + release;
  const std::string algorithms =
      read_line(below(root, "/proc/sys/net/ipv4/tcp_available_congestion_control")).value_or("");
  for (const std::string_view module : tuned_modules) {
    const std::string name(module);
    const bool is_built_in =
        lists_module(lists + "/modules.builtin", name) ||
        (name == "tcp_bbr" && fmt::format(" {} ", algorithms).find(" bbr ") != std::string::npos);
    const bool is_loaded = is_built_in || is_there(below(root, "/sys/module/") + name);
    if (is_loaded || lists_module(lists + "/modules.dep", name)) {
      facts.modules[name] = is_loaded;
    }
  }
}

void read_unit(const std::string& root, const std::string& name, OwnDropIns own, UnitFacts& unit) {
  constexpr std::array<std::string_view, 4> folders = {"/usr/lib/systemd/system",
                                                       "/lib/systemd/system", "/run/systemd/system",
                                                       "/etc/systemd/system"};
  std::vector<std::string> texts;
  std::map<std::string, std::string> drop_ins;  // of one name the one in /etc counts
  for (const std::string_view folder : folders) {
    const std::string path = below(root, fmt::format("{}/{}", folder, name));
    if (is_there(path)) {
      texts = {small_text(path)};
      unit.is_installed = true;
    }
    for (const std::string& each : names_in(path + ".d")) {
      if (each.ends_with(".conf") && (own == OwnDropIns::counted || each != unit_drop_in_name)) {
        drop_ins[each] = small_text(fmt::format("{}.d/{}", path, each));
      }
    }
  }
  for (const auto& [_, text] : drop_ins) {
    texts.push_back(text);
  }
  for (const std::string& text : texts) {
    for (const auto& [key, value] : settings_in(text)) {
      unit.settings[key] = value;
    }
  }
}

void read_units(const std::string& root, OwnDropIns own, Facts& facts) {
  if (!is_there(below(root, "/run/systemd/system")) && !is_there(below(root, "/etc/systemd"))) {
    return;
  }
  for (const std::string_view name : tuned_units) {
    UnitFacts& unit = facts.units.emplace_back();
    unit.name = name;
    read_unit(root, unit.name, own, unit);
  }
}

std::string class_path(const std::string& root, const std::string& interface) {
  return below(root, "/sys/class/net/") + interface;
}

// The interface of the default route with the least metric.
std::string default_route(const std::string& root) {
  std::ifstream file(below(root, "/proc/net/route"));
  std::string line;
  std::string chosen;
  uint64_t chosen_metric = UINT64_MAX;
  while (std::getline(file, line)) {
    const std::string words = one_space_between(line);
    std::vector<std::string> fields;
    for (size_t at = 0; at < words.size();) {
      const size_t end = std::min(words.find(' ', at), words.size());
      fields.push_back(words.substr(at, end - at));
      at = end + 1;
    }
    if (fields.size() < 8 || fields[1] != "00000000" || fields[7] != "00000000") {
      continue;
    }
    const std::vector<uint64_t> metric = numbers_in(fields[6]);
    if (!metric.empty() && metric.front() < chosen_metric) {
      chosen = fields[0];
      chosen_metric = metric.front();
    }
  }
  return chosen;
}

// Below a bridge, a bond or a VLAN the interface with a device.
std::string with_device(const std::string& root, std::string name) {
  constexpr int levels_max = 4;
  constexpr std::string_view lower = "lower_";
  for (int level = 0; level < levels_max && !name.empty(); ++level) {
    const std::string path = class_path(root, name);
    if (is_there(path + "/device")) {
      return name;
    }
    std::string next;
    for (const std::string& each : names_in(path)) {
      if (next.empty() && each.starts_with(lower)) {
        next = each.substr(lower.size());
      }
    }
    name = next;
  }
  return {};
}

std::string choose_interface(const std::string& root) {
  if (std::string chosen = with_device(root, default_route(root)); !chosen.empty()) {
    return chosen;
  }
  for (const std::string& name : names_in(below(root, "/sys/class/net"))) {
    if (is_there(class_path(root, name) + "/device")) {
      return name;
    }
  }
  return {};
}

bool is_queue(const std::string& action) {
  const std::array<std::string_view, 4> others = {"config", "async", "mgm", "misc"};
  return !action.empty() && std::none_of(others.begin(), others.end(), [&](std::string_view word) {
    return action.find(word) != std::string::npos;
  });
}

void read_interrupts(const std::string& root, InterfaceFacts& interface) {
  const std::string path = class_path(root, interface.name);
  // Of a virtio interface the device above has them.
  for (const std::string folder : {"/device/msi_irqs", "/device/../msi_irqs"}) {
    std::vector<std::string> numbers = names_in(path + folder);
    std::sort(numbers.begin(), numbers.end(), [](const std::string& one, const std::string& two) {
      return one.size() != two.size() ? one.size() < two.size() : one < two;
    });
    for (const std::string& number : numbers) {
      InterruptFacts interrupt;
      interrupt.action =
          read_line(below(root, "/sys/kernel/irq/") + number + "/actions").value_or("");
      const std::string irq = below(root, "/proc/irq/") + number;
      const std::optional<std::string> allowed = read_line(irq + "/smp_affinity_list");
      if (is_queue(interrupt.action) && allowed) {
        interrupt.allowed = *allowed;
        const std::optional<std::string> serving = read_line(irq + "/effective_affinity_list");
        interrupt.serving = cpus_in(serving && !serving->empty() ? *serving : *allowed);
        interface.interrupts.push_back(std::move(interrupt));
      }
    }
    if (!interface.interrupts.empty()) {
      return;
    }
  }
}

Status read_interface(const std::string& root, const std::string& wanted, Facts& facts) {
  InterfaceFacts& interface = facts.interface;
  interface.name = wanted.empty() ? choose_interface(root) : wanted;
  if (interface.name.empty()) {
    return {};
  }
  const std::string path = class_path(root, interface.name);
  if (interface.name.find('/') != std::string::npos || !is_there(path)) {
    return fail(ErrorCode::not_found, fmt::format("there is no network interface {}: {} lists them",
                                                  wanted, below(root, "/sys/class/net")));
  }
  // In Mbit/s; -1 or an error where the driver does not know it.
  const std::vector<uint64_t> speed = numbers_in(read_line(path + "/speed").value_or(""));
  if (speed.size() == 1 && speed[0] > 0 && speed[0] < 10'000'000) {
    interface.bytes_per_second = speed[0] * 125'000;
  }
  const std::vector<uint64_t> node = numbers_in(read_line(path + "/device/numa_node").value_or(""));
  interface.numa_node = node.size() == 1 && node[0] < 4096 ? static_cast<int>(node[0]) : -1;
  if (root == "/") {
    interface.ring = read_ring(interface.name);
    interface.channels = read_channels(interface.name);
  }
  read_interrupts(root, interface);
  return {};
}

void read_processors(const std::string& root, Facts& facts) {
  const std::string nodes = below(root, "/sys/devices/system/node");
  facts.numa_nodes = static_cast<uint32_t>(
      std::max<size_t>(1, cpus_in(read_line(nodes + "/online").value_or("")).size()));
  facts.near_cpus = cpus_in(read_line(below(root, "/sys/devices/system/cpu/online")).value_or(""));
  if (facts.interface.numa_node >= 0) {
    const std::vector<uint32_t> near = cpus_in(
        read_line(fmt::format("{}/node{}/cpulist", nodes, facts.interface.numa_node)).value_or(""));
    facts.near_cpus = near.empty() ? facts.near_cpus : near;
  }
}

bool runs(const std::string& root, std::string_view program) {
  const std::string processes = below(root, "/proc");
  const std::vector<std::string> names = names_in(processes);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return !name.empty() && name[0] >= '1' && name[0] <= '9' &&
           read_line(processes + "/" + name + "/comm") == program;
  });
}

uint64_t memory_of(const std::string& root) {
  const std::string line = one_space_between(read_line(below(root, "/proc/meminfo")).value_or(""));
  const std::string_view start = "MemTotal: ";
  if (!line.starts_with(start) || !line.ends_with(" kB")) {
    return 0;
  }
  const std::vector<uint64_t> number =
      numbers_in(std::string_view(line).substr(start.size(), line.size() - start.size() - 3));
  return number.size() == 1 ? number[0] * 1024 : 0;
}

}  // namespace

std::string below(const std::string& root, const std::string& path) {
  return root == "/" ? path : root + path;
}

std::optional<std::string> read_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) {
    return std::nullopt;
  }
  return line;
}

std::string sysctl_path(const std::string& name) {
  std::string path = "/proc/sys/" + name;
  std::replace(path.begin() + 10, path.end(), '.', '/');
  return path;
}

std::optional<std::string> interrupt_number(const std::string& root, const std::string& action) {
  const std::string all = below(root, "/sys/kernel/irq");
  for (const std::string& number : names_in(all)) {
    if (read_line(fmt::format("{}/{}/actions", all, number)) == action) {
      return number;
    }
  }
  return std::nullopt;
}

Result<Facts> read_facts(const std::string& root, const std::string& interface, OwnDropIns own) {
  Facts facts;
  read_sysctls(root, facts);
  read_modules(root, facts);
  read_units(root, own, facts);
  facts.huge_pages = marked_word(
      read_line(below(root, "/sys/kernel/mm/transparent_hugepage/enabled")).value_or(""));
  if (Status status = read_interface(root, interface, facts); !status) {
    return fail(status.error());
  }
  read_processors(root, facts);
  facts.irqbalance_runs = runs(root, "irqbalance");
  for (const char* mark : {"/run/systemd/container", "/.dockerenv", "/run/.containerenv"}) {
    facts.is_container = facts.is_container || is_there(below(root, mark));
  }
  facts.memory_bytes = memory_of(root);
  facts.page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return facts;
}

}  // namespace murder::cli::tune
