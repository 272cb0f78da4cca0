// murder create: a directory or file becomes a release.
#include "cli/ui/torrent_word.h"
#include "engine/archive/create_release.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "cli/commands/command_list.h"
#include "cli/commands/create_signing.h"
#include "cli/ui/archive_progress.h"
#include "cli/ui/command.h"
#include "cli/ui/given_address.h"
#include "cli/ui/stop_signals.h"
#include "cli/ui/tree_options.h"
#include "engine/archive/piece_size.h"
#include "engine/archive/release_name.h"
#include "engine/base/endpoint.h"
#include "engine/base/missing_inodes.h"
#include "engine/base/units.h"
#include "engine/codec/url.h"
#include "engine/host/cgroup_limits.h"

namespace murder::cli {
namespace {

struct CreateCommandOptions {
  archive::CreateOptions release;
  PackingOptions packing;
  std::vector<std::string> trackers;
  SigningOptions signing;
  bool tells_sha256 = false;
  bool no_sync = false;
};

Status take_format(const std::string& name, archive::ArchiveFormat& format) {
  for (const archive::ArchiveFormat each :
       {archive::ArchiveFormat::tar_zstd, archive::ArchiveFormat::tar_gzip,
        archive::ArchiveFormat::tar}) {
    if (archive::suffix_of(each) == "." + name) {
      format = each;
      return {};
    }
  }
  return fail(ErrorCode::invalid_input, name + ": write tar.zst, tar.gz or tar");
}

Status take_piece_size(const std::string& text, uint64_t& piece_bytes) {
  const Result<uint64_t> value = parse_size(text);
  if (!value) {
    return fail(value.error());
  }
  piece_bytes = *value;
  return archive::validate_piece_size(*value);
}

std::string_view text_of(archive::ArchiveContent content) {
  switch (content) {
    case archive::ArchiveContent::packed:
      return "packed";
    case archive::ArchiveContent::shares_blocks:
      return "shares-blocks";
    case archive::ArchiveContent::copied:
      return "copied";
    case archive::ArchiveContent::in_place:
      return "in-place";
  }
  return "";
}

// Of a file: whether it takes space twice, and whether it may be written to.
void tell_content(const archive::CreatedRelease& created, const std::string& source,
                  CommandContext& context) {
  if (created.content == archive::ArchiveContent::shares_blocks) {
    context.note(
        fmt::format("{} is a copy that shares its blocks with {}", created.archive_path, source));
  } else if (created.content == archive::ArchiveContent::copied) {
    context.note(fmt::format("{} is a copy of {}: the file system cannot share their blocks",
                             created.archive_path, source));
  } else if (created.content == archive::ArchiveContent::in_place) {
    context.warn(
        fmt::format("{} itself is the archive: who writes to it breaks the release", source));
  }
}

// What was made, for people.
void tell_created(const archive::CreatedRelease& created,
                  const archive::CreateOptions& release_options, CommandContext& context) {
  context.print(fmt::format("{}  {}, {} {}, {} before packing", created.archive_path,
                            format_size(created.archive_bytes), created.entry_count,
                            created.entry_count == 1 ? "entry" : "entries",
                            format_size(created.source_bytes)));
  context.print(fmt::format(
      "{}  {}", created.torrent_path,
      pieces_text(created.piece_count, created.piece_bytes,
                  release_options.piece_bytes == 0 ? std::optional(release_options.hosts_expected)
                                                   : std::nullopt)));
  context.print(fmt::format("info hash {}", created.info_hash.hex()));
  if (created.content_sha256) {
    context.print(fmt::format("SHA-256 {}", created.content_sha256->hex()));
  }
  tell_content(created, release_options.source, context);
  if (release_options.tracker_urls.empty()) {
    context.warn("no --tracker was given: `murder peer` will have nobody to ask for peers");
  }
  for (const std::string& url : release_options.tracker_urls) {
    if (!codec::has_http_scheme(url)) {
      context.warn(
          fmt::format("murder's own peers cannot ask {}: only http:// and https:// trackers", url));
    }
  }
}

Json json_of(const archive::CreatedRelease& created,
             const archive::CreateOptions& release_options) {
  return {{"tag", release_options.tag},
          {"info_hash", created.info_hash.hex()},
          {"archive", created.archive_path},
          {"torrent", created.torrent_path},
          {"archive_bytes", created.archive_bytes},
          {"sha256", created.content_sha256 ? Json(created.content_sha256->hex()) : Json()},
          {"source_bytes", created.source_bytes},
          {"entries", created.entry_count},
          {"unpacked_bytes", created.unpacked_bytes},
          {"unpacked_entries", created.unpacked_entries},
          {"content", text_of(created.content)},
          {"piece_bytes", created.piece_bytes},
          {"pieces", created.piece_count},
          {"trackers", release_options.tracker_urls}};
}

Result<int> run_create(const CreateCommandOptions& options, CommandContext& context) {
  archive::CreateOptions release_options = options.release;
  apply(options.packing, release_options);
  release_options.sync_to_disk = !options.no_sync;
  for (const std::string& tracker : options.trackers) {
    const Result<std::string> url = tracker_url_of(tracker);
    if (!url) {
      return context.wrong_usage("--tracker " + url.error().text);
    }
    release_options.tracker_urls.push_back(*url);
  }
  // Known to be wrong before anything is read: wrong usage.
  if (Status valid = archive::validate_create_options(release_options); !valid) {
    return context.wrong_usage(valid.error().text);
  }
  SigningOptions signing = options.signing;
  const Result<std::optional<SigningKey>> key = prepare_signing(signing, context);
  if (!key) {
    return fail(key.error());
  }
  release_options.hashes_content = key->has_value() || options.tells_sha256;
  std::error_code error;
  std::filesystem::create_directories(release_options.directory, error);
  if (error) {
    return fail_errno(error.value(), "cannot make the directory " + release_options.directory);
  }
  const StopSignals stop;
  release_options.cancel = &stop.flag();
  release_options.compression.memory_bytes = host::memory_limit();
  ArchiveProgress progress(context, "packing");
  const Result<archive::CreatedRelease> created =
      archive::create_release(release_options, progress);
  progress.clear();
  if (!created) {
    return fail(name_missing_inodes(created.error(), {release_options.directory}));
  }
  tell_created(*created, release_options, context);
  Json told = json_of(*created, release_options);
  remove_old_signatures(*created, context);
  if (*key) {
    Result<Json> signature = sign_created(**key, signing, release_options, *created, context);
    if (!signature) {
      return fail(signature.error());
    }
    told["signed"] = std::move(*signature);
  }
  context.print_json(told);
  return exit_done;
}

void add_piece_options(ArgumentParser command, archive::CreateOptions& release) {
  command
      .add_parsed(
          "--piece-size",
          [&release](const std::string& text) {
            return take_piece_size(text, release.piece_bytes);
          },
          "A power of two from 16KiB (default: by the size of the release and the number of hosts)")
      .type_name("SIZE");
  command
      .add_option("--hosts-expected", release.hosts_expected,
                  "How many hosts will take it: more pieces for more hosts")
      .in_range(1, archive::hosts_expected_max)
      .type_name("N")
      .show_default();
}

}  // namespace

void add_create_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<CreateCommandOptions>(
      app, context,
      {.name = "create",
       .description = "Pack a directory (or take a file as it is) and make its torrent.\n"
                      "Entries named .git* are left out (--keep-git packs them); owners are not "
                      "recorded.",
       .details = "The result is the archive, DIR/TAG.tar.zst, and beside it the torrent, "
                  "DIR/TAG.tar.zst.torrent, which names the trackers and holds a hash of "
                  "every piece of the archive. `murder seed` serves them, and `murder peer` "
                  "on another host needs the torrent alone.\n\n"
                  "The same tree gives the same bytes, on every machine. Names, permissions, "
                  "modification times, symbolic and hard links, empty directories and holes "
                  "are kept; with --xattrs extended attributes, access lists and file "
                  "capabilities as well.\n\n"
                  "A SOURCE that is a file is a release as it is: its archive has no ending, "
                  "DIR/TAG, and shares its blocks with SOURCE where the file system can do "
                  "that.\n\n"
                  "With --sign the SHA-256 of the archive is computed while it is packed, and what "
                  "`murder-sign`(1) describes is signed and put into the torrent and into "
                  "DIR/TAG.tar.zst.torrent.sig.",
       .example = "murder create ./build --tag v42 --tracker tracker.example.net:8998",
       .environment = {sha1_variable},
       .files = {temp_files, config_file},
       .see_also = {"murder-seed(1)", "murder-peer(1)", "murder-info(1)", "murder-sign(1)",
                    "murder-verify(1)"},
       .has_telling_exit_code = true},
      run_create);
  archive::CreateOptions& release = options.release;
  command.add_option("SOURCE", release.source, "The directory or file to distribute")
      .required()
      .completes(ValueKind::path);
  command.add_option("--tag", release.tag, "The name of the release").type_name("TAG").required();
  command
      .add_option("--tracker", options.trackers,
                  "Where peers find one another; may be given several times")
      .type_name("HOST:PORT")
      .completes(ValueKind::tracker)
      .one_value_each_time();
  command.add_option("--temp-path", release.directory, "Where the archive and the torrent go")
      .type_name("DIR")
      .show_default();
  command
      .add_parsed(
          "--format",
          [&release](const std::string& name) {
            return take_format(name, release.compression.format);
          },
          "How a directory is packed: tar.zst, tar.gz or tar (default: tar.zst)")
      .type_name("FORMAT")
      .completes({"tar.zst", "tar.gz", "tar"});
  command
      .add_option("--level", release.compression.level,
                  "Compression: 1 (fast) to 19 for tar.zst, to 9 for tar.gz (default: 3, 6)")
      .in_range(1, 19)
      .type_name("N");
  add_piece_options(command, release);
  add_create_signing_options(command, options.signing);
  command.add_flag("--digest", options.tells_sha256,
                   "Also tell the SHA-256 of the archive, for a signature that is made elsewhere");
  add_packing_options(command, options.packing);
  add_xattrs_option(command, options.packing.xattrs);
  command.add_flag("--no-sync", options.no_sync,
                   "Do not wait for the disk: a power cut may leave neither archive nor torrent");
  command.add_flag("--force", release.replace, "Replace an archive and torrent that are there");
}

}  // namespace murder::cli
