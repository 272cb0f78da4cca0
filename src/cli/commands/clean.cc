// murder clean: removes what a release left on this host besides the release itself.
#include "engine/host/clean_release.h"

#include <vector>

#include "cli/commands/command_list.h"
#include "cli/ui/command.h"
#include "engine/base/tag.h"
#include "engine/host/agent_places.h"

namespace murder::cli {
namespace {

Result<int> run_clean(const host::CleanOptions& options, CommandContext& context) {
  if (Status valid = validate_tag(options.tag); !valid) {
    return context.wrong_usage(valid.error().text);
  }
  const Result<host::RunDirectory> directory =
      host::RunDirectory::open_existing(context.run_directory);
  if (!directory && directory.error().code != ErrorCode::not_found) {
    return fail(directory.error());
  }
  // What an agent of a deploy has started may have the same archive open.
  std::vector<host::RunDirectory> of_agents;
  if (directory) {
    of_agents = host::run_directories_of_agents(*directory);
  }
  Json stopped = Json::array();
  for (const host::RunDirectory& each : of_agents) {
    Result<Json> ended = host::end_processes_of(options, each);
    if (!ended) {
      return fail(ended.error());
    }
    for (const Json& process : *ended) {
      stopped.push_back(process);
    }
  }
  Result<host::Cleaned> cleaned = host::clean_release(options, directory ? &*directory : nullptr);
  if (!cleaned) {
    return fail(cleaned.error());
  }
  for (const Json& process : stopped) {
    cleaned->json["stopped"].push_back(process);
  }
  context.print(cleaned->text);
  context.print_json(cleaned->json);
  return exit_done;
}

}  // namespace

void add_clean_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<host::CleanOptions>(
      app, context,
      {.name = "clean",
       .description = "Remove the archive, the torrent and the logs of a release from this host;\n"
                      "the release itself stays. A peer that has finished is stopped first.",
       .details = "What is removed lies in the temporary directory (the archive and the "
                  "torrent) and in the run directory (the outcome of a peer and logs). Files "
                  "of other users are left alone.",
       .example = "murder clean v42 --temp-path /tmp",
       .files = {temp_files},
       .see_also = {"murder-peer(1)", "murder-stop(1)", "murder-releases(1)"},
       .has_telling_exit_code = true},
      run_clean);
  command.add_option("TAG", options.tag, "The release").required().completes(ValueKind::kept_tag);
  command.add_option("--temp-path", options.temp_path, "Where its archive is")
      .type_name("DIR")
      .show_default();
  command.add_flag("--path-is-file", options.path_is_file,
                   "The release is a file, its archive is TEMP/TAG");
  command.add_flag(
      "--keep-partial", options.keep_partial,
      "Leave what a peer left that did not get the release: the next one continues from\n"
      "there; after three days it is removed");
  command.add_flag("--stop", options.stop, "Stop its seeders and peers first, whatever they do");
}

}  // namespace murder::cli
