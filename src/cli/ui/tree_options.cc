#include "cli/ui/tree_options.h"

#include <unistd.h>

#include <algorithm>

#include "engine/archive/bounds.h"
#include "engine/archive/tar_block.h"
#include "engine/host/owner.h"

namespace murder::cli {

void add_xattrs_option(ArgumentParser& command, bool& xattrs) {
  command.add_flag("--xattrs", xattrs,
                   "Keep extended attributes, access lists and file capabilities");
}

void add_packing_options(ArgumentParser& command, PackingOptions& options) {
  command
      .add_option("--exclude", options.exclude,
                  "Leave out what matches, as in a .gitignore: a name at any depth, or with a / a "
                  "path from SOURCE; may be given several times")
      .type_name("PATTERN")
      .one_value_each_time();
  command.add_flag("--keep-git", options.keep_git, "Pack entries named .git* as well");
  command.add_flag("--one-file-system", options.one_file_system,
                   "Leave out what is mounted below SOURCE");
}

void apply(const PackingOptions& options, archive::CreateOptions& create) {
  create.exclude = options.exclude;
  create.keep_git = options.keep_git;
  create.one_file_system = options.one_file_system;
  create.keep_attributes = options.xattrs;
}

void add_placing_options(ArgumentParser& command, PlacingOptions& options) {
  command
      .add_option("--owner", options.owner,
                  "The owner of the release, written as for chown; for root (default: whoever runs "
                  "this)")
      .type_name("USER[:GROUP]")
      .completes(ValueKind::user);
  command
      .add_option(
          "--user", options.user,
          "Fetch and serve as this user: only what places the release keeps root's rights;\n"
          "for root")
      .type_name("USER[:GROUP]")
      .completes(ValueKind::user);
  command.add_flag("--allow-older", options.allow_older,
                   "Take older content than what is in place where releases must be signed, if it "
                   "was signed anew: a rollback");
  command.add_flag("--keep-setid", options.keep_setid,
                   "Keep set-user-id and set-group-id bits, which are left off otherwise");
  command.add_size("--max-unpacked", options.unpacked_bytes_max,
                   "Refuse an archive that unpacks to more, 0 for no limit (default: the size that "
                   "the torrent states, else 100 times the archive)");
}

Status apply(const PlacingOptions& options, const codec::Metainfo& metainfo,
             host::DeliveryOptions& delivery) {
  delivery.keep_set_id = options.keep_setid;
  delivery.keep_attributes = options.xattrs;
  delivery.unpacked_bytes_max =
      options.unpacked_bytes_max == PlacingOptions::unpacked_bytes_by_torrent
          ? unpacked_bytes_max_of(metainfo)
          : options.unpacked_bytes_max;
  if (options.owner.empty()) {
    return {};
  }
  const Result<archive::Owner> owner = host::parse_owner(options.owner);
  if (!owner) {
    return fail(owner.error().code, "--owner " + owner.error().text);
  }
  if (geteuid() != 0 && owner->user != static_cast<uid_t>(-1) && owner->user != geteuid()) {
    return fail(ErrorCode::permission,
                "--owner " + options.owner + ": only root can give files to others");
  }
  delivery.owner = *owner;
  return {};
}

uint64_t unpacked_bytes_max_of(const codec::Metainfo& metainfo) {
  constexpr uint64_t bytes_max = INT64_MAX;
  if (metainfo.unpacked_size) {
    const codec::UnpackedSize& size = *metainfo.unpacked_size;
    const uint64_t entries = std::min(size.entries, bytes_max / archive::tar_block_bytes);
    return std::max<uint64_t>(size.bytes + entries * archive::tar_block_bytes, 1);
  }
  const uint64_t archive_bytes =
      std::min(metainfo.geometry.total_bytes, bytes_max / limits::unpacked_ratio_max);
  return std::max(archive_bytes * limits::unpacked_ratio_max, limits::unpacked_bytes_min);
}

}  // namespace murder::cli
