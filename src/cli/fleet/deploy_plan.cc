#include "cli/fleet/deploy_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "engine/archive/piece_size.h"
#include "engine/base/units.h"
#include "engine/sim/outcome.h"

namespace murder::fleet {
namespace {

constexpr uint64_t events_at_once = 5'000'000;

}  // namespace

Result<uint64_t> size_of_source(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    const uint64_t size = fs::file_size(path, error);
    return error ? Result<uint64_t>(fail_errno(error.value(), "cannot read " + path)) : size;
  }
  uint64_t total = 0;
  for (auto at = fs::recursive_directory_iterator(path, error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (at->path().filename().string().starts_with(".git")) {
      at.disable_recursion_pending();
    } else if (at->is_regular_file(error) && !at->is_symlink(error)) {
      total += at->file_size(error);
    }
  }
  if (error) {
    return fail_errno(error.value(), "cannot read " + path);
  }
  return total;
}

sim::Options simulated_fleet(const Inventory& inventory, std::span<const HostIndex> hosts,
                             uint64_t size_bytes, const PlanAssumptions& assumptions) {
  sim::Options options;
  options.host_count = static_cast<uint32_t>(hosts.size());
  options.geometry = {.total_bytes = size_bytes,
                      .piece_bytes = archive::piece_size_for(size_bytes)};
  options.rate = static_cast<double>(assumptions.rate);
  options.rack_uplink = static_cast<double>(assumptions.rack_uplink);
  options.latency = assumptions.latency;
  std::map<std::string, uint32_t> racks;
  for (const HostIndex host : hosts) {
    const std::string& name = inventory.at(host).rack;
    const auto next = static_cast<uint32_t>(racks.size());
    options.racks.push_back(name.empty() ? sim::no_rack
                                         : racks.try_emplace(name, next).first->second);
  }
  if (racks.empty()) {
    options.racks.clear();
  }
  return options;
}

Result<int> print_plan(const Inventory& inventory, std::span<const HostIndex> hosts,
                       const std::string& source, const PlanAssumptions& assumptions,
                       cli::CommandContext& context) {
  const Result<uint64_t> size = size_of_source(source);
  if (!size) {
    return fail(size.error());
  }
  if (*size == 0 || hosts.empty()) {
    return fail(ErrorCode::invalid_input, *size == 0
                                              ? source + " holds no bytes: there is nothing to plan"
                                              : "there are no hosts to plan for");
  }
  const sim::Options options = simulated_fleet(inventory, hosts, *size, assumptions);
  sim::Simulation simulation(options);
  while (simulation.advance(events_at_once)) {
    context.note(
        fmt::format("simulating: {} of {} hosts done", simulation.done_count(), hosts.size()));
  }
  const sim::Outcome outcome = sim::outcome_of(simulation);
  if (!outcome.fault.empty()) {
    return fail(ErrorCode::invalid_input, "the simulation came to no end: " + outcome.fault);
  }
  const size_t racks = options.racks.empty() ? 0 : simulation.rack_bytes().size();
  context.print(fmt::format("{} to {} hosts{}: the last would have it {} after the peers start",
                            format_size(*size), hosts.size(),
                            racks > 0 ? fmt::format(" in {} racks", racks) : std::string(),
                            format_duration(outcome.last)));
  context.print(fmt::format("half of them after {}; no way of copying takes less than {}",
                            format_duration(outcome.p50),
                            format_duration(outcome.floor_of_this_run)));
  context.print(
      fmt::format("assumed: {} and {} us one way between hosts{}; packing, sending to the "
                  "seeder and unpacking not counted",
                  format_rate(options.rate), assumptions.latency / std::chrono::microseconds(1),
                  assumptions.rack_uplink > 0
                      ? fmt::format(", {} out of a rack", format_rate(options.rack_uplink))
                      : std::string()));
  context.print("nothing was done on any host");
  context.print_json({{"hosts", hosts.size()},
                      {"racks", racks},
                      {"size_bytes", *size},
                      {"rate", assumptions.rate},
                      {"floor_s", seconds_of(outcome.floor)},
                      {"floor_of_this_run_s", seconds_of(outcome.floor_of_this_run)},
                      {"last_s", seconds_of(outcome.last)},
                      {"p99_s", seconds_of(outcome.p99)},
                      {"p50_s", seconds_of(outcome.p50)},
                      {"ratio", outcome.ratio},
                      {"seeder_copies", outcome.seeder_copies},
                      {"rack_copies_max", outcome.rack_copies_max},
                      {"duplicate_fraction", outcome.duplicate_fraction}});
  return cli::exit_done;
}

}  // namespace murder::fleet
