// murder activate and murder releases: which release of a directory is current, and which are kept.

#include <fmt/format.h>

#include <optional>

#include "cli/commands/command_list.h"
#include "cli/ui/command.h"
#include "cli/ui/path_word.h"
#include "cli/ui/table.h"
#include "engine/base/tag.h"
#include "engine/host/current_release.h"
#include "engine/host/release_directory.h"

namespace murder::cli {
namespace {

struct ActivateOptions {
  std::string tag;
  std::string to;
  std::string link = std::string(host::current_link_default);
  bool rollback = false;
  bool no_sync = false;
};

struct ReleasesOptions {
  std::string to;
  std::string link = std::string(host::current_link_default);
  std::optional<uint32_t> keep;
  std::string remove;
};

Result<int> run_activate(const ActivateOptions& options, CommandContext& context) {
  for (const std::string& name : {options.tag, options.link}) {
    if (Status valid = validate_tag(name); !valid) {
      return context.wrong_usage(valid.error().text);
    }
  }
  Result<host::ReleaseDirectory> directory =
      host::ReleaseDirectory::open(clean_path(options.to), {.sync_to_disk = !options.no_sync});
  if (!directory) {
    return fail(directory.error());
  }
  const Result<Json> switched = host::make_current(
      *directory, {.tag = options.tag, .link = options.link, .is_rollback = options.rollback});
  if (!switched) {
    return fail(switched.error());
  }
  const std::string was = text_member(*switched, "previous");
  context.print(fmt::format("{} is {} now{}", text_member(*switched, "link"), options.tag,
                            was.empty() ? "" : fmt::format(" (was {})", was)));
  context.print_json(*switched);
  return exit_done;
}

Result<int> run_releases(const ReleasesOptions& options, CommandContext& context) {
  const bool is_read_only = !options.keep && options.remove.empty();
  Result<host::ReleaseDirectory> directory =
      host::ReleaseDirectory::open(clean_path(options.to), {.is_read_only = is_read_only});
  if (!directory) {
    return fail(directory.error());
  }
  if (!options.remove.empty()) {
    if (Status removed = host::remove_release(*directory, options.link, options.remove); !removed) {
      return fail(removed.error());
    }
    context.print(fmt::format("removed {}", options.remove));
  }
  const Result<Json> listed = host::keep_releases(*directory, options.link, options.keep);
  if (!listed) {
    return fail(listed.error());
  }
  const Json& json = *listed;
  std::vector<std::vector<std::string>> rows = {{"RELEASE", "STATE"}};
  for (const Json& tag : json["releases"]) {
    rows.push_back({tag.text(), tag == json["current"] ? "current" : "-"});
  }
  context.print(rows.size() > 1 ? format_table(rows) : "no release is recorded here");
  for (const Json& tag : json["removed"]) {
    context.print(fmt::format("removed {}", tag.text()));
  }
  context.print_json(json);
  return exit_done;
}

}  // namespace

void add_activate_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<ActivateOptions>(
      app, context,
      {.name = "activate",
       .description = "Make a release of this host the current one: a link is switched in one step",
       .details = "DIR/current (or the name of --link) is a symbolic link to the tag. It is "
                  "replaced in one rename: whoever follows it sees the old release or the new "
                  "one, and never neither. What was current before is recorded, for `murder "
                  "rollback`. Programs that run from the old release are not notified: restarting "
                  "them is yours to do.",
       .example = "murder activate v42 --to /srv/app        # /srv/app/current -> v42",
       .files = {releases_record},
       .see_also = {"murder-releases(1)", "murder-rollback(1)", "murder-peer(1)"},
       .has_telling_exit_code = true},
      run_activate);
  command.add_option("TAG", options.tag, "The release, DIR/TAG")
      .required()
      .completes(ValueKind::placed_tag);
  command.add_option("--to", options.to, "The directory of releases").type_name("DIR").required();
  command.add_option("--link", options.link, "The name of the link in it")
      .type_name("NAME")
      .show_default();
  command.add_flag("--rollback", options.rollback,
                   "This is a way back: what was activated after TAG does not come back by a "
                   "further rollback");
  command.add_flag("--no-sync", options.no_sync,
                   "Do not wait for the disk: a power cut may bring the old link back");
}

void add_releases_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<ReleasesOptions>(
      app, context,
      {.name = "releases",
       .description = "List the releases that murder put into a directory, or remove old ones",
       .details = "Listed is what was delivered with `murder peer --record`, as deploys do, "
                  "and is still there. What somebody else put into DIR is neither listed nor "
                  "ever removed.",
       .example = "murder releases --to /srv/app --keep 5",
       .files = {releases_record},
       .see_also = {"murder-activate(1)", "murder-rollback(1)", "murder-clean(1)"},
       .has_telling_exit_code = true},
      run_releases);
  command.add_option("--to", options.to, "The directory of releases").type_name("DIR").required();
  command.add_option("--link", options.link, "The name of the link to the current one")
      .type_name("NAME")
      .show_default();
  command
      .add_option("--keep", options.keep,
                  "Remove all but the N newest, the current one and the one before it; only what "
                  "was delivered with --record")
      .in_range(1, 1000)
      .type_name("N");
  command
      .add_option("--remove", options.remove,
                  "Remove this release, which is not the current one and was delivered with "
                  "--record")
      .type_name("TAG")
      .completes(ValueKind::placed_tag);
}

}  // namespace murder::cli
