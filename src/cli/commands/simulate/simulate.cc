// murder simulate: how a rollout would go, by the code that would carry it out.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>

#include "cli/commands/command_list.h"
#include "cli/commands/simulate/simulate_control.h"
#include "cli/commands/simulate/simulation_chart.h"
#include "cli/ui/command.h"
#include "engine/archive/piece_size.h"
#include "engine/base/bounds.h"
#include "engine/base/units.h"
#include "engine/sim/floor.h"
#include "engine/sim/outcome.h"
#include "engine/sim/scenario.h"

namespace murder::cli {
namespace {

constexpr uint32_t chart_columns = 100;
constexpr uint64_t rate_min = 1000;  // one that is less was meant to have a unit
constexpr uint64_t events_between_reports = 2'000'000;

struct SimulateOptions {
  uint32_t hosts = 1000;
  uint64_t size_bytes = uint64_t{1} << 30U;
  std::optional<uint64_t> piece_bytes;  // none: by the size of the release
  uint64_t rate = 1'250'000'000;
  uint64_t seed_rate = 0;
  Duration latency = std::chrono::microseconds(200);
  uint32_t rack_size = 0;
  uint64_t rack_uplink = 0;
  std::string join_over;
  double slow_share = 0;
  double slow_factor = 1;
  double die_share = 0;
  std::optional<double> seeder_leaves;
  uint32_t seed = 1;
  uint64_t block_bytes = 0;
  uint64_t hash_rate = 0;
  uint64_t disk_rate = 0;
  uint32_t check_every = 0;
  std::optional<uint32_t> scenario;
  bool control = false;
  std::optional<uint32_t> count;
  std::string plot;
  swarm::SwarmPolicy policy = swarm::SwarmPolicy::grant;
};

// "1%" or "0.01".
Result<double> parse_share(std::string_view text) {
  const bool percent = text.ends_with('%');
  const std::string_view digits = text.substr(0, text.size() - (percent ? 1 : 0));
  double value = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  value = percent ? value / 100 : value;
  if (error != std::errc() || rest != digits.data() + digits.size() ||
      !(value >= 0 && value <= 1)) {
    return fail(ErrorCode::invalid_input, fmt::format("{}: write a share like 1% or 0.01", text));
  }
  return value;
}

Status take_share(std::string_view text, double& share) {
  const Result<double> value = parse_share(text);
  if (!value) {
    return fail(value.error());
  }
  share = *value;
  return {};
}

// "1%:0.1": a share of the hosts, and what part of the rate they have.
Status take_slow(std::string_view text, SimulateOptions& options) {
  const size_t colon = text.find(':');
  const Status share = take_share(text.substr(0, colon), options.slow_share);
  if (!share || colon == std::string_view::npos) {
    return share ? fail(ErrorCode::invalid_input, "write SHARE:FACTOR, as in 1%:0.1") : share;
  }
  const Status factor = take_share(text.substr(colon + 1), options.slow_factor);
  if (factor && options.slow_factor < 0.001) {
    return fail(ErrorCode::invalid_input, "the factor is from 0.001 to 1");
  }
  return factor;
}

Status take_piece_size(const std::string& text, std::optional<uint64_t>& piece_bytes) {
  if (text == "auto") {
    piece_bytes.reset();
    return {};
  }
  const Result<uint64_t> value = parse_size(text);
  if (!value) {
    return fail(value.error());
  }
  piece_bytes = *value;
  return archive::validate_piece_size(*value);
}

Status take_copies(std::string_view text, std::optional<double>& copies) {
  double value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || rest != text.data() + text.size() || !(value > 0)) {
    return fail(ErrorCode::invalid_input, "write a number of copies, as in 1.05");
  }
  copies = value;
  return {};
}

Status take_policy(std::string_view text, swarm::SwarmPolicy& policy) {
  if (text != "grant" && text != "classic") {
    return fail(ErrorCode::invalid_input, fmt::format("{}: write grant or classic", text));
  }
  policy = text == "grant" ? swarm::SwarmPolicy::grant : swarm::SwarmPolicy::classic;
  return {};
}

Result<sim::Options> simulation_of(const SimulateOptions& options) {
  sim::Options simulated;
  simulated.seed = options.seed;
  simulated.policy = options.policy;
  simulated.host_count = options.hosts;
  const uint64_t piece_bytes =
      options.piece_bytes.value_or(archive::piece_size_for(options.size_bytes, options.hosts));
  simulated.geometry = {.total_bytes = options.size_bytes,
                        .piece_bytes = static_cast<uint32_t>(piece_bytes)};
  if (options.size_bytes == 0 || options.size_bytes / piece_bytes > limits::piece_count_max ||
      options.rate == 0) {
    return fail(ErrorCode::invalid_input,
                "--size and --rate are more than nothing, and a release has at most 4 Mi pieces");
  }
  if (std::min(options.rate, options.seed_rate == 0 ? options.rate : options.seed_rate) <
      rate_min) {
    return fail(ErrorCode::invalid_input,
                fmt::format("--rate and --seed-rate are at least {} (write a unit: 10gbit)",
                            format_rate(static_cast<double>(rate_min))));
  }
  if (std::lround(options.die_share * options.hosts) >= options.hosts) {
    return fail(ErrorCode::invalid_input, "--die leaves no host alive: write a smaller share");
  }
  if (options.latency > std::chrono::seconds(10)) {
    return fail(ErrorCode::invalid_input, "--latency is at most 10s");
  }
  simulated.rate = static_cast<double>(options.rate);
  simulated.seed_rate = static_cast<double>(options.seed_rate);
  simulated.latency = options.latency;
  simulated.rack_size = options.rack_size;
  simulated.rack_uplink = static_cast<double>(options.rack_uplink);
  if (options.rack_uplink > 0 && options.rack_size == 0) {
    return fail(ErrorCode::invalid_input, "--rack-uplink needs --rack-size");
  }
  simulated.slow_share = options.slow_share;
  simulated.slow_factor = options.slow_factor;
  simulated.die_share = options.die_share;
  simulated.seeder_leaves = options.seeder_leaves;
  simulated.check_every = options.check_every;
  if (options.block_bytes > 0) {
    simulated.block_bytes = static_cast<uint32_t>(
        std::clamp<uint64_t>(options.block_bytes, limits::block_bytes_stock, piece_bytes));
  }
  simulated.hash_rate =
      options.hash_rate > 0 ? static_cast<double>(options.hash_rate) : simulated.hash_rate;
  simulated.disk_rate =
      options.disk_rate > 0 ? static_cast<double>(options.disk_rate) : simulated.disk_rate;
  if (options.join_over.ends_with('%')) {
    const Result<double> share = parse_share(options.join_over);
    if (!share) {
      return fail(share.error());
    }
    const double floor = seconds_of(sim::floor_of(simulated).plain);
    simulated.join_over = Duration(static_cast<int64_t>(*share * floor * 1e9));
  } else if (!options.join_over.empty()) {
    const Result<Duration> duration = parse_duration(options.join_over);
    if (!duration) {
      return fail(duration.error());
    }
    simulated.join_over = *duration;
  }
  return simulated;
}

Json json_of(const sim::Options& simulated, const sim::Outcome& outcome,
             const sim::Counters& counters) {
  return {{"floor_s", seconds_of(outcome.floor)},
          {"last_s", seconds_of(outcome.last)},
          {"p99_s", seconds_of(outcome.p99)},
          {"p50_s", seconds_of(outcome.p50)},
          {"ratio", outcome.ratio},
          {"seeder_copies", outcome.seeder_copies},
          {"rack_copies_max", outcome.rack_copies_max},
          {"duplicate_fraction", outcome.duplicate_fraction},
          {"floor_of_this_run_s", seconds_of(outcome.floor_of_this_run)},
          {"slow_last_s", seconds_of(outcome.slow_last)},
          {"hosts", outcome.host_count},
          {"hosts_done", outcome.done_count},
          {"hosts_died", outcome.died_count},
          {"pieces_lost", outcome.lost_count},
          {"pieces", simulated.geometry.piece_count()},
          {"piece_bytes", simulated.geometry.piece_bytes},
          {"messages_per_host", outcome.messages_per_host},
          {"message_bytes_per_host", outcome.message_bytes_per_host},
          {"longest_wait_s", seconds_of(outcome.longest_wait)},
          {"events", counters.event_count},
          {"seed", simulated.seed},
          {"fault", outcome.fault}};
}

void print_outcome(const sim::Options& simulated, const sim::Outcome& outcome,
                   CommandContext& context) {
  const auto line = [&](std::string_view name, const std::string& value) {
    context.print(fmt::format("{:<22} {}", name, value));
  };
  const auto time = [](Duration duration) { return fmt::format("{:.4f} s", seconds_of(duration)); };
  line("hosts", fmt::format("{} of {} have it{}", outcome.done_count, outcome.host_count,
                            outcome.died_count > 0 ? fmt::format(", {} died", outcome.died_count)
                                                   : std::string()));
  line("release",
       fmt::format("{}, {} pieces of {}", format_size(simulated.geometry.total_bytes),
                   simulated.geometry.piece_count(), format_size(simulated.geometry.piece_bytes)));
  line("floor", time(outcome.floor));
  if (outcome.floor_of_this_run != outcome.floor) {
    line("floor of this run", time(outcome.floor_of_this_run));
  }
  if (outcome.last > Duration{}) {
    line("last host", fmt::format("{}, {:.3f} times the floor", time(outcome.last), outcome.ratio));
    line("99 of 100, half", fmt::format("{}, {}", time(outcome.p99), time(outcome.p50)));
  } else {
    line("last host", "none whose link is as fast as the others'");
  }
  if (outcome.slow_last > Duration{}) {
    line("last slow host", time(outcome.slow_last));
  }
  line("seeder's copies", fmt::format("{:.3f}", outcome.seeder_copies));
  if (simulated.rack_size > 0) {
    line("copies into a rack", fmt::format("at most {:.3f}", outcome.rack_copies_max));
  }
  if (outcome.lost_count > 0) {
    line("lost", fmt::format("{} pieces, which no living host still has", outcome.lost_count));
  }
  line("came in vain", fmt::format("{:.3f} %", 100 * outcome.duplicate_fraction));
  line("messages of a host",
       fmt::format("{:.0f}, {}", outcome.messages_per_host,
                   format_size(static_cast<uint64_t>(outcome.message_bytes_per_host))));
  line("longest wait", time(outcome.longest_wait) + " for a piece");
}

Status write_file(const std::string& path, const std::string& text) {
  FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) {
    return fail_errno(errno, "cannot write " + path);
  }
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const int error_number = errno;
  if (std::fclose(file) != 0 || !written) {
    return fail_errno(written ? errno : error_number, "cannot write " + path);
  }
  return {};
}

Result<int> run_simulate(const SimulateOptions& options, CommandContext& context) {
  if (options.control) {
    return simulate_control(options.seed, options.count.value_or(1), context);
  }
  if (options.count) {
    return context.wrong_usage("--count is how many seeds --control runs");
  }
  const Result<sim::Options> simulated =
      options.scenario ? sim::random_scenario(*options.scenario) : simulation_of(options);
  if (options.scenario) {
    context.print(sim::description_of(*simulated));
  }
  if (!simulated) {
    return context.wrong_usage(simulated.error().text);
  }
  sim::Simulation simulation(*simulated);
  while (simulation.advance(events_between_reports)) {
    const double share =
        static_cast<double>(simulation.stored_count()) /
        (static_cast<double>(simulated->host_count) * simulated->geometry.piece_count());
    context.note(fmt::format("{:5.1f} % of the pieces, {} hosts done at {:.4f} s", 100 * share,
                             simulation.done_count(), seconds_of(simulation.elapsed())));
  }
  const sim::Outcome outcome = sim::outcome_of(simulation);
  print_outcome(*simulated, outcome, context);
  const ChartInput chart{.done_after = outcome.done_after,
                         .host_count = outcome.host_count,
                         .floor = outcome.floor,
                         .title = fmt::format("{} to {} hosts of {}: {:.3f} times the floor",
                                              format_size(options.size_bytes), options.hosts,
                                              format_rate(simulated->rate), outcome.ratio)};
  for (const std::string& line : draw_for_terminal(chart, chart_columns)) {
    context.print(line);
  }
  context.print_json(json_of(*simulated, outcome, simulation.counters()));
  if (!options.plot.empty()) {
    if (Status written = write_file(options.plot, draw_svg(chart)); !written) {
      return fail(written.error());
    }
  }
  if (!outcome.fault.empty()) {
    context.warn(outcome.fault);
    return exit_failed;
  }
  return outcome.lost_count > 0 && !options.scenario ? exit_failed : exit_done;
}

void add_network_options(ArgumentParser command, SimulateOptions& options) {
  const std::string group = "Network";
  command.add_rate("--rate", options.rate, "Of each host, both ways at once (default: 10gbit)")
      .group(group);
  command.add_rate("--seed-rate", options.seed_rate, "Of the seeder (default: as the hosts)")
      .group(group);
  command
      .add_duration("--latency", options.latency, "One way, between any two hosts (default: 0.2ms)")
      .group(group);
  command
      .add_option("--rack-size", options.rack_size,
                  "Hosts of each rack; the seeder is in none of them")
      .in_range(1, 1'000'000)
      .type_name("HOSTS")
      .group(group);
  command
      .add_rate("--rack-uplink", options.rack_uplink,
                "Of a rack to all others, each way (default: no bottleneck)")
      .group(group);
}

void add_trouble_options(ArgumentParser command, SimulateOptions& options) {
  const std::string group = "What goes wrong";
  command
      .add_option("--join-over", options.join_over,
                  "Hosts start over this time: 2s, or 20% of the floor")
      .type_name("TIME")
      .group(group);
  command
      .add_parsed(
          "--slow", [&options](const std::string& text) { return take_slow(text, options); },
          "A share of the hosts has a part of the rate: 1%:0.1")
      .type_name("SHARE:FACTOR")
      .group(group);
  command
      .add_parsed(
          "--die",
          [&options](const std::string& text) { return take_share(text, options.die_share); },
          "A share of the hosts dies before the floor's time is over; their kernels reset\n"
          "the connections")
      .type_name("SHARE")
      .group(group);
  command
      .add_parsed(
          "--seeder-leaves",
          [&options](const std::string& text) { return take_copies(text, options.seeder_leaves); },
          "The seeder stops when it has given this many copies: 1.05")
      .type_name("COPIES")
      .group(group);
}

void add_detail_options(ArgumentParser command, SimulateOptions& options) {
  const std::string group = "Details";
  command
      .add_option("--scenario", options.scenario,
                  "A small fleet in random trouble, made from this number; all other options are\n"
                  "left aside, all checks are on")
      .type_name("NUMBER")
      .group(group);
  command
      .add_flag("--control", options.control,
                "Simulate the control plane instead: a coordinator, agents, operators, and all\n"
                "that goes wrong, made from --seed; all other options are left aside")
      .group(group);
  command.add_option("--count", options.count, "Run that many seeds with --control (default: 1)")
      .in_range(1, 1'000'000)
      .type_name("N")
      .group(group);
  command.add_size("--block-size", options.block_bytes, "Largest block asked for (default: 512KiB)")
      .group(group);
  command.add_rate("--hash-rate", options.hash_rate, "At which a host verifies (default: 3.4GB)")
      .group(group);
  command.add_rate("--disk-rate", options.disk_rate, "At which a host stores (default: 3.4GB)")
      .group(group);
  command
      .add_option("--check-every", options.check_every,
                  "Check a swarm's invariants at every Nth event (1: each; slow)")
      .type_name("N")
      .group(group);
}

}  // namespace

void add_simulate_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<SimulateOptions>(
      app, context,
      {.name = "simulate",
       .description =
           "Simulate a rollout with the code that carries it out: swarm, policy and tracker under\n"
           "a virtual clock, and a network of links that connections share fairly.\n"
           "The floor is (m - 1) + ceil(log2(N + 1)) piece times for m pieces and N hosts; what "
           "is\n"
           "known to make a run longer (a slow seeder, narrow uplinks of racks, the last host's\n"
           "start) is the floor of this run. Times are of the hosts that live and\n"
           "are not slow. Exit status: 0 all living hosts have it, 1 not, 2 wrong usage.",
       .details = "The same options give the same run, to the last event: nothing depends on "
                  "the machine but the time that it takes. Use it to see what more hosts, "
                  "narrow racks, slow or dying hosts and another piece size would do, before "
                  "a rollout. For the hosts of a `murder.toml`, `murder deploy --plan` does "
                  "this.",
       .example = "murder simulate --hosts 1000 --size 1GiB\n"
                  "murder simulate --hosts 1000 --size 64MiB --slow 1%:0.1 --die 1% "
                  "--join-over 20%\n"
                  "murder simulate --hosts 1000 --rack-size 40 --rack-uplink 100gbit "
                  "--plot rollout.svg\n"
                  "murder simulate --control --seed 1 --count 1000",
       .exit_statuses = {{"0",
                          "All hosts that live have the release; with --control all rules held."},
                         {"1", "A host that lives does not, or a rule was broken."},
                         {"2", "The command line is wrong."}},
       .see_also = {"murder-deploy(1)"}},
      run_simulate);
  command.add_option("--hosts", options.hosts, "How many fetch")
      .in_range(1, 1'000'000)
      .type_name("N")
      .show_default();
  command.add_size("--size", options.size_bytes, "Of the release (default: 1GiB)");
  command
      .add_parsed(
          "--piece-size",
          [&options = options](const std::string& text) {
            return take_piece_size(text, options.piece_bytes);
          },
          "A power of two from 16KiB, or auto (default)")
      .type_name("SIZE");
  command
      .add_parsed(
          "--policy",
          [&options = options](const std::string& text) {
            return take_policy(text, options.policy);
          },
          "Between our own peers: grant, or classic as towards stock clients (default: grant)")
      .type_name("POLICY")
      .completes({"grant", "classic"});
  command.add_option("--seed", options.seed, "The same seed gives the same run")
      .type_name("N")
      .show_default();
  command.add_option("--plot", options.plot, "Draw hosts done over time into this SVG file")
      .type_name("FILE");
  add_network_options(command, options);
  add_trouble_options(command, options);
  add_detail_options(command, options);
}

}  // namespace murder::cli
