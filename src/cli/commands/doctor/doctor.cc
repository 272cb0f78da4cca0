// murder doctor: what on this host stands in the way, and the line that fixes it.
#include <fmt/format.h>

#include <algorithm>

#include "cli/commands/command_list.h"
#include "cli/commands/doctor/host_facts.h"
#include "cli/ui/command.h"

namespace murder::cli {
namespace {

struct DoctorOptions {
  std::string temp_path = "/tmp";
  std::string allowed_signers;
  std::vector<std::string> directories;
};

Result<int> run_doctor(const DoctorOptions& options, CommandContext& context) {
  const HostFacts facts = read_host_facts({.temp_path = options.temp_path,
                                           .run_directory = context.run_directory,
                                           .allowed_signers = options.allowed_signers,
                                           .directories = options.directories});
  const std::vector<Finding> findings = check_host(facts);
  size_t name_columns = 0;
  for (const Finding& finding : findings) {
    name_columns = std::max(name_columns, finding.name.size());
  }
  Json checks = Json::array();
  size_t counts[3] = {};
  for (const Finding& finding : findings) {
    ++counts[static_cast<size_t>(finding.grade)];
    checks.push_back({{"name", finding.name},
                      {"grade", text_of(finding.grade)},
                      {"text", finding.text},
                      {"mend", finding.mend}});
    if (finding.grade == Grade::ok && context.quiet) {
      continue;
    }
    context.print(fmt::format("{:<15}  {:<{}}  {}", text_of(finding.grade), finding.name,
                              name_columns, finding.text));
    if (!finding.mend.empty()) {
      context.print(fmt::format("{:15}  {:{}}    {}", "", "", name_columns, finding.mend));
    }
  }
  context.print(
      fmt::format("{} ok, {} could be better, {} broken", counts[0], counts[1], counts[2]));
  if (std::any_of(facts.tuning.begin(), facts.tuning.end(),
                  [](const tune::Change& change) { return change.is_pending(); })) {
    context.print("murder tune shows what it would change of the kernel's settings, and why");
  }
  context.print_json({{"checks", checks},
                      {"ok", counts[0]},
                      {"could_be_better", counts[1]},
                      {"broken", counts[2]}});
  return counts[2] == 0 ? exit_done : exit_failed;
}

}  // namespace

void add_doctor_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<DoctorOptions>(
      app, context,
      {
          .name = "doctor",
          .description =
              "Check this host: kernel, io_uring, limits, sysctls, free space, who is trusted",
          .details = "Each line says whether something is fine, could be better, or is "
                     "broken, and which command fixes it. Nothing is changed.\n\n"
                     "Where /etc/murder/allowed_signers is there, releases must be signed: who may "
                     "is listed, whether agents demand signed orders, and which keys, signatures "
                     "and certificates end within 30 days.",
          .example = "murder doctor\nmurder doctor --temp-path /var/tmp --json",
          .exit_statuses = {{"0", "Nothing is broken."},
                            {"1", "Something is broken: `murder` cannot work on this host."},
                            {"2", "The command line is wrong."}},
          .environment = {sha1_variable},
          .see_also = {"murder-status(1)"},
      },
      run_doctor);
  command.add_option("--temp-path", options.temp_path, "Where archives are kept")
      .type_name("DIR")
      .show_default();
  command
      .add_option("--to", options.directories,
                  "A directory of releases, of which signatures that end soon are told; may be "
                  "given several times")
      .type_name("DIR")
      .one_value_each_time();
  command
      .add_option("--allowed-signers", options.allowed_signers,
                  "Who may sign releases (default: /etc/murder/allowed_signers)")
      .type_name("FILE");
}

}  // namespace murder::cli
