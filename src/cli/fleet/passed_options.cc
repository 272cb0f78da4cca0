#include "cli/fleet/passed_options.h"

#include <fmt/format.h>

namespace murder::fleet {

void pass_on(const cli::PackingOptions& options, CommandLine& create) {
  for (const std::string& pattern : options.exclude) {
    create.word("--exclude=" + pattern);  // it may begin with a dash
  }
  create.flag("--keep-git", options.keep_git)
      .flag("--one-file-system", options.one_file_system)
      .flag("--xattrs", options.xattrs);
}

void pass_on(const cli::PlacingOptions& options, CommandLine& peer) {
  if (!options.owner.empty()) {
    peer.word("--owner=" + options.owner);
  }
  if (!options.user.empty()) {
    peer.word("--user=" + options.user);
  }
  peer.flag("--allow-older", options.allow_older)
      .flag("--keep-setid", options.keep_setid)
      .flag("--xattrs", options.xattrs);
  if (options.unpacked_bytes_max != cli::PlacingOptions::unpacked_bytes_by_torrent) {
    peer.option("--max-unpacked", fmt::format("{}", options.unpacked_bytes_max));
  }
}

}  // namespace murder::fleet
