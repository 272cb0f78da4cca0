// murder finish: the last command of a deploy on a host: the release becomes current, older ones
// go, and so does what the deploy left there.
#include <fmt/format.h>

#include <ctime>
#include <optional>

#include "agent/once_note.h"
#include "cli/commands/command_list.h"
#include "cli/ui/command.h"
#include "cli/ui/path_word.h"
#include "engine/base/tag.h"
#include "engine/host/clean_release.h"
#include "engine/host/current_release.h"
#include "engine/host/deploy_lock_file.h"
#include "engine/host/kept_archives.h"

namespace murder::cli {
namespace {

struct FinishOptions {
  host::CleanOptions clean;
  std::string to;
  std::string app;
  std::string token;
  std::string coordinator;
  std::optional<uint32_t> keep;
  bool activate = false;
  bool no_sync = false;
  bool no_clean = false;
  bool keep_temp_files = false;
};

// Activates and removes older releases. What went wrong ends it.
Status put_in_front(const FinishOptions& options, CommandContext& context) {
  if (!options.activate && !options.keep) {
    return {};
  }
  Result<host::ReleaseDirectory> directory =
      host::ReleaseDirectory::open(clean_path(options.to), {.sync_to_disk = !options.no_sync});
  if (!directory) {
    return fail(directory.error());
  }
  if (options.activate) {
    const Result<Json> switched = host::make_current(*directory, {.tag = options.clean.tag});
    if (!switched) {
      return fail(switched.error());
    }
    context.print(fmt::format("{} is {} now", text_member(*switched, "link"), options.clean.tag));
    context.print_json(*switched);
  }
  if (options.keep) {
    const Result<Json> kept =
        host::keep_releases(*directory, std::string(host::current_link_default), options.keep);
    if (!kept) {
      return fail(kept.error());
    }
    context.print_json(*kept);
  }
  return {};
}

Result<int> clean(const FinishOptions& options, const host::RunDirectory* directory,
                  CommandContext& context) {
  if (options.no_clean) {
    return exit_done;
  }
  // One that was cut off and is reached again must not take it from those that went on without it.
  const bool is_in_use =
      directory != nullptr && !options.token.empty() &&
      agent::is_archive_in_use(directory->path(), {.tag = options.clean.tag,
                                                   .temp_path = options.clean.temp_path,
                                                   .token = options.token,
                                                   .coordinator = options.coordinator});
  if (options.keep_temp_files || is_in_use) {
    const Result<Json> stopped = directory == nullptr
                                     ? Result<Json>(Json::array())
                                     : host::end_processes_of(options.clean, *directory);
    if (!stopped) {
      return fail(stopped.error());
    }
    context.print_json({{"tag", options.clean.tag}, {"stopped", *stopped}});
    return exit_done;
  }
  const Result<host::Cleaned> cleaned = host::clean_release(options.clean, directory);
  if (!cleaned) {
    return fail(cleaned.error());
  }
  context.print(cleaned->text);
  context.print_json(cleaned->json);
  return exit_done;
}

Result<int> run_finish(const FinishOptions& given, CommandContext& context) {
  FinishOptions options = given;
  options.clean.stop = true;
  if (Status valid = validate_tag(options.clean.tag); !valid) {
    return context.wrong_usage(valid.error().text);
  }
  if (options.to.empty() && (options.activate || options.keep)) {
    return context.wrong_usage("--activate and --keep need --to DIR");
  }
  const Result<host::RunDirectory> directory =
      host::RunDirectory::open_existing(context.run_directory);
  if (!directory && directory.error().code != ErrorCode::not_found) {
    return fail(directory.error());
  }
  if (directory) {
    host::remove_old_archives(*directory, std::time(nullptr));
  }
  host::NewerDeploy instead;
  if (directory && !options.token.empty()) {
    instead = host::newer_deploy_than(
        *directory, {.token = options.token, .app = options.app, .tag = options.clean.tag});
  }
  const Error taken_over{ErrorCode::conflict,
                         instead.text + " has taken over here: what is there is left to it"};
  if (instead.is_of_tag) {
    context.print_json(
        {{"tag", options.clean.tag}, {"stopped", Json::array()}, {"taken_over", true}});
    return fail(taken_over);
  }
  // It is cleaned up whatever came of the release.
  const bool makes_current = options.activate || options.keep;
  const Status placed = !instead.text.empty() && makes_current ? Status(fail(taken_over))
                                                               : put_in_front(options, context);
  const Result<int> cleaned = clean(options, directory ? &*directory : nullptr, context);
  if (!placed && !cleaned) {
    context.warn(cleaned.error().text);
  }
  return placed ? cleaned : fail(placed.error());
}

}  // namespace

void add_finish_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<FinishOptions>(
      app, context,
      {.name = "finish",
       .description = "Used by murder deploy: makes the release current, removes older ones,\n"
                      "stops what serves or fetches it and removes what the deploy left",
       .details =
           "A deploy runs this on every host as its last command there. Where another deploy "
           "has taken over (its lock is in this run directory, or a peer of it fetches that "
           "release), nothing is made current, and what is of the same release is left to "
           "it; this command is not meant to be run by hand.",
       .example = "murder finish v42 --to /srv/app --activate --keep 5",
       .see_also = {"murder-deploy(1)", "murder-activate(1)", "murder-releases(1)",
                    "murder-clean(1)"},
       .has_telling_exit_code = true},
      run_finish);
  command.add_option("TAG", options.clean.tag, "The release").required();
  command.add_option("--to", options.to, "The directory of releases").type_name("DIR");
  command.add_flag("--activate", options.activate, "Make DIR/TAG the current release of DIR");
  command.add_option("--keep", options.keep, "Then remove older releases, as murder releases does")
      .in_range(1, 1000)
      .type_name("N");
  command.add_flag("--no-sync", options.no_sync, "Do not wait for the disk");
  command.add_option("--temp-path", options.clean.temp_path, "Where the archive is")
      .type_name("DIR")
      .show_default();
  command.add_flag("--path-is-file", options.clean.path_is_file,
                   "The release is a file, its archive is TEMP/TAG");
  command.add_flag("--keep-partial", options.clean.keep_partial,
                   "Leave what the next attempt can use");
  command.add_flag("--keep-temp-files", options.keep_temp_files,
                   "Stop what runs, and remove nothing");
  command.add_flag("--no-clean", options.no_clean, "Stop and remove nothing");
  command.add_option("--app", options.app, "The directory of releases, as given to murder lock")
      .type_name("DIR");
  command.add_option("--token", options.token,
                     "Names the deploy: where another one has taken over, nothing is done");
  command
      .add_option("--coordinator", options.coordinator,
                  "That of the deploy's agents: an archive stays that one of another fetches")
      .type_name("HOST:PORT");
}

}  // namespace murder::cli
