#include "cli/commands/tune/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/units.h"

namespace murder::cli::tune {
namespace {

constexpr std::string_view doc_transhuge = "Documentation/admin-guide/mm/transhuge.rst";
constexpr std::string_view doc_tls = "Documentation/networking/tls.rst";

void plan_module(const Facts& facts, const std::string& name, std::string why,
                 std::string_view source, Plan& plan) {
  const auto found = facts.modules.find(name);
  if (found == facts.modules.end()) {
    return;
  }
  plan.changes.push_back({.place = Place::module,
                          .key = name,
                          .now = std::string(found->second ? module_loaded : module_absent),
                          .wanted = std::string(module_loaded),
                          .why = std::move(why),
                          .source = std::string(source)});
}

void plan_modules(const Facts& facts, const Goal& goal, Plan& plan) {
  plan_module(
      facts, "tls",
      "the kernel encrypts what peers with --transport tls send, and a TLS proxy in front of "
      "the tracker, straight from the page cache; only root's programs can load it",
      doc_tls, plan);
  if (goal.round_trip >= long_round_trip) {
    plan_module(facts, "tcp_bbr", "congestion control for long ways", doc_ip, plan);
    if (facts.modules.contains("tcp_bbr")) {
      plan_module(facts, "sch_fq", "the queue that paces for BBR", "tc-fq(8)", plan);
    }
  }
}

void plan_huge_pages(const Facts& facts, Plan& plan) {
  if (facts.huge_pages.empty()) {
    return;
  }
  plan.changes.push_back(
      {.place = Place::huge_pages,
       .key = "enabled",
       .now = facts.huge_pages,
       .wanted = facts.huge_pages == "never" ? "madvise" : facts.huge_pages,
       .why = "piece memory asks for huge pages (madvise), which saves a twelfth of a receiver's "
              "processor time; none are reserved (vm.nr_hugepages), as nothing would use them",
       .source = std::string(doc_transhuge)});
}

// A value as a limit of systemd: "65536", "1024:524288", "8M", "infinity"; the hard one counts.
std::optional<uint64_t> limit_of(const std::string& text) {
  const std::string hard = text.substr(text.find(':') + 1);
  if (hard == "infinity") {
    return UINT64_MAX;
  }
  const Result<uint64_t> size = parse_size(hard);
  return size ? std::optional(*size) : std::nullopt;
}

void plan_limit(const UnitFacts& unit, const std::string& setting, uint64_t by_default,
                uint64_t wanted, std::string why, std::string source, Plan& plan) {
  const auto found = unit.settings.find(setting);
  const std::string now =
      found == unit.settings.end() ? fmt::format("{}", by_default) : found->second;
  const std::optional<uint64_t> value = limit_of(now);
  const bool is_enough = value && *value >= wanted;
  plan.changes.push_back({.place = Place::unit,
                          .key = unit.name + "/" + setting,
                          .now = now,
                          .wanted = is_enough ? now : fmt::format("{}", wanted),
                          .why = std::move(why),
                          .source = std::move(source)});
}

void plan_numa(const Facts& facts, const UnitFacts& unit, Plan& plan) {
  if (facts.numa_nodes < 2 || facts.interface.numa_node < 0 ||
      unit.settings.contains("CPUAffinity") || unit.settings.contains("NUMAPolicy")) {
    return;
  }
  const std::string node = fmt::format("{}", facts.interface.numa_node);
  for (const auto& [setting, value] : std::vector<std::pair<std::string, std::string>>{
           {"NUMAPolicy", "preferred"}, {"NUMAMask", node}, {"CPUAffinity", "numa"}}) {
    plan.changes.push_back(
        {.place = Place::unit,
         .key = unit.name + "/" + setting,
         .now = "",
         .wanted = value,
         .why = fmt::format("its shards run beside the memory and the queues of {} (node {})",
                            facts.interface.name, node),
         .source = "systemd.exec(5); Documentation/admin-guide/mm/numa_memory_policy.rst"});
  }
}

}  // namespace

std::string Change::what() const {
  switch (place) {
    case Place::module:
      return "module " + key;
    case Place::sysctl:
      return key;
    case Place::unit:
      return fmt::format("{} of {}", key.substr(key.find('/') + 1), key.substr(0, key.find('/')));
    case Place::huge_pages:
      return "transparent huge pages";
    case Place::receive_ring:
      return "receive ring of " + key;
    case Place::channels:
      return "queues of " + key;
    case Place::interrupt:
      return "interrupt " + key;
  }
  return key;
}

size_t Plan::pending_count() const {
  return static_cast<size_t>(std::count_if(
      changes.begin(), changes.end(), [](const Change& change) { return change.is_pending(); }));
}

void plan_units(const Facts& facts, Plan& plan) {
  // Of systemd when the unit says nothing (systemd-system.conf(5)).
  constexpr uint64_t open_files_default = 524288;
  constexpr uint64_t locked_default = 8ULL * 1024 * 1024;
  for (const UnitFacts& unit : facts.units) {
    plan_limit(unit, "LimitNOFILE", open_files_default, open_files_wanted,
               "a connection or two for each host that announces, some hundreds of a seeder",
               "getrlimit(2); systemd.exec(5)", plan);
    plan_limit(
        unit, "LimitMEMLOCK", locked_default, service_locked_bytes_wanted,
        "rings of io_uring count as locked memory in many kernels, 132 KiB a shard; with too "
        "little, smaller ones enter the kernel more often",
        "io_uring_setup(2); systemd.exec(5)", plan);
    plan_numa(facts, unit, plan);
  }
}

Plan make_plan(const Facts& facts, const Goal& goal) {
  Plan plan;
  const std::optional<uint64_t> rate =
      goal.bytes_per_second ? goal.bytes_per_second : facts.interface.bytes_per_second;
  plan.is_rate_assumed = !rate;
  plan.bytes_per_second = rate.value_or(bytes_per_second_assumed);
  if (plan.is_rate_assumed) {
    plan.notes.push_back(
        fmt::format("the speed of {} is not known, 10 Gbit/s is assumed: "
                    "--bandwidth says it",
                    facts.interface.name.empty() ? std::string("the link") : facts.interface.name));
  }
  if (facts.is_container) {
    plan.notes.push_back(
        "this is a container: what it does not show or let change is to be tuned on its host");
  }
  plan_modules(facts, goal, plan);
  plan_sysctls(facts, goal, plan);
  plan_units(facts, plan);
  plan_huge_pages(facts, plan);
  plan_interface(facts, plan);
  std::erase_if(plan.changes, [&goal](const Change& change) {
    return std::any_of(goal.skipped.begin(), goal.skipped.end(), [&](const std::string& word) {
      return word == change.key || word == change.what();
    });
  });
  return plan;
}

}  // namespace murder::cli::tune
