#include "cli/commands/tune/drop_ins.h"

#include <fmt/format.h>

#include <map>

namespace murder::cli::tune {
namespace {

constexpr std::string_view head =
    "# Made by `murder tune --apply`; `murder tune --undo` takes it away.\n";
constexpr std::string_view units = "/etc/systemd/system";
constexpr std::string_view boot_unit = "/etc/systemd/system/murder-tune.service";
constexpr std::string_view boot_wants =
    "/etc/systemd/system/multi-user.target.d/90-murder-tune.conf";

std::string unit_of(const Change& change) {
  return change.key.substr(0, change.key.find('/'));
}

std::string line_of(const Change& change) {
  switch (change.place) {
    case Place::module:
      return change.key;
    case Place::sysctl:
      return fmt::format("{} = {}", change.key, change.wanted);
    case Place::unit:
      return fmt::format("{}={}", change.key.substr(change.key.find('/') + 1), change.wanted);
    case Place::huge_pages:
      return fmt::format("w /sys/kernel/mm/transparent_hugepage/{} - - - - {}", change.key,
                         change.wanted);
    case Place::receive_ring:
    case Place::channels:
    case Place::interrupt:
      return {};
  }
  return {};
}

// Rings, queues and interrupts have no drop-in: a .link file of systemd would also take over the
// names of interfaces, of which only the first file that fits is read (systemd.link(5)).
std::string boot_unit_text(const std::string& program) {
  std::string quoted;
  for (const char each : program) {
    quoted += each == '"' || each == '\\' ? "\\" : "";
    quoted += each == '%' || each == '$' ? std::string(2, each) : std::string(1, each);
  }
  return fmt::format(
      "{}[Unit]\n"
      "Description=Receive ring, queues and interrupts of the network interface for murder\n"
      "Documentation=man:murder-tune(1)\n"
      "After=network.target\n"
      "ConditionPathExists=/var/lib/murder-tune.json\n"
      "\n"
      "[Service]\n"
      "Type=oneshot\n"
      "ExecStart=\"{}\" tune --at-boot\n",
      head, quoted);
}

}  // namespace

std::string drop_in_path(const Change& change) {
  switch (change.place) {
    case Place::module:
      return "/etc/modules-load.d/murder.conf";
    case Place::sysctl:
      return "/etc/sysctl.d/90-murder.conf";
    case Place::unit:
      return fmt::format("{}/{}.d/{}", units, unit_of(change), unit_drop_in_name);
    case Place::huge_pages:
      return "/etc/tmpfiles.d/murder-tune.conf";
    case Place::receive_ring:
    case Place::channels:
    case Place::interrupt:
      return std::string(boot_unit);
  }
  return {};
}

std::vector<DropIn> drop_ins_of(const Plan& plan, const std::string& program) {
  std::map<std::string, std::string> contents;
  for (const Change& change : plan.changes) {
    if (!change.is_pending()) {
      continue;
    }
    std::string& content = contents[drop_in_path(change)];
    const std::string line = line_of(change);
    if (line.empty()) {
      content = boot_unit_text(program);
      contents[std::string(boot_wants)] =
          fmt::format("{}[Unit]\nWants=murder-tune.service\n", head);
      continue;
    }
    if (content.empty()) {
      content = change.place == Place::unit ? fmt::format("{}[Service]\n", head) : head;
    }
    content += fmt::format("# {}.\n# {}\n{}\n", change.why, change.source, line);
  }
  std::vector<DropIn> drop_ins;
  drop_ins.reserve(contents.size());
  for (auto& [path, content] : contents) {
    drop_ins.push_back({.path = path, .content = std::move(content)});
  }
  return drop_ins;
}

}  // namespace murder::cli::tune
