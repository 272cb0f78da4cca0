// murder info: what a torrent says.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/torrent_input.h"
#include "engine/archive/release_name.h"
#include "engine/base/units.h"

namespace murder::cli {
namespace {

struct InfoOptions {
  std::string torrent;
};

// A release of ten thousand files is not printed whole.
constexpr size_t files_shown_max = 50;

void print_files(const codec::Metainfo& metainfo, const CommandContext& context) {
  size_t shown = 0;
  size_t count = 0;
  for (const codec::FileEntry& file : metainfo.files) {
    if (file.is_padding) {
      continue;
    }
    ++count;
    if (shown < files_shown_max) {
      ++shown;
      const bool is_link = file.is_symlink;
      context.print(fmt::format("  {:>10}  {}{}{}", is_link ? "link" : format_size(file.size_bytes),
                                file.path, is_link ? " -> " : "", file.symlink_target));
    }
  }
  if (count > shown) {
    context.print(fmt::format("  and {} more (--json lists all)", count - shown));
  }
}

void print_for_people(const TorrentInput& torrent, const CommandContext& context) {
  const codec::Metainfo& metainfo = torrent.metainfo;
  const auto line = [&context](std::string_view key, std::string_view value) {
    context.print(fmt::format("{:<11} {}", key, value));
  };
  line("name", metainfo.name);
  line("info hash", torrent.info_hash.hex());
  line("size", fmt::format("{} ({} bytes)", format_size(metainfo.geometry.total_bytes),
                           metainfo.geometry.total_bytes));
  line("pieces",
       pieces_text(metainfo.piece_count(), metainfo.geometry.piece_bytes, metainfo.hosts_expected));
  if (metainfo.unpacked_size) {
    line("unpacked", fmt::format("{} in {} {}", format_size(metainfo.unpacked_size->bytes),
                                 metainfo.unpacked_size->entries,
                                 metainfo.unpacked_size->entries == 1 ? "entry" : "entries"));
  }
  line("private", metainfo.is_private ? "yes" : "no");
  for (const std::vector<std::string>& tier : metainfo.tracker_tiers) {
    std::string words;
    for (const std::string& tracker : tier) {
      words += (words.empty() ? "" : ", ") + tracker;
    }
    line("tracker", words);
  }
  if (!metainfo.created_by.empty()) {
    line("created by", metainfo.created_by);
  }
  if (!metainfo.comment.empty()) {
    line("comment", metainfo.comment);
  }
  if (metainfo.is_single_file) {
    const bool is_packed = archive::is_packed_tree_name(metainfo.name);
    line("contains", is_packed ? "a packed directory, which peers unpack" : "one file");
  } else {
    line("contains", "these files:");
    print_files(metainfo, context);
  }
}

Json json_of(const TorrentInput& torrent) {
  const codec::Metainfo& metainfo = torrent.metainfo;
  Json files = Json::array();
  for (const codec::FileEntry& file : metainfo.files) {
    if (!file.is_padding) {
      Json entry = {{"path", file.path}, {"bytes", file.size_bytes}};
      if (file.is_symlink) {
        entry["symlink_target"] = file.symlink_target;
      }
      files.push_back(std::move(entry));
    }
  }
  return {
      {"name", metainfo.name},
      {"tag", std::string(archive::tag_of_name(metainfo.name))},
      {"info_hash", torrent.info_hash.hex()},
      {"bytes", metainfo.geometry.total_bytes},
      {"pieces", metainfo.piece_count()},
      {"piece_bytes", metainfo.geometry.piece_bytes},
      {"hosts_expected", metainfo.hosts_expected ? Json(*metainfo.hosts_expected) : Json()},
      {"unpacked_bytes", metainfo.unpacked_size ? Json(metainfo.unpacked_size->bytes) : Json()},
      {"unpacked_entries", metainfo.unpacked_size ? Json(metainfo.unpacked_size->entries) : Json()},
      {"private", metainfo.is_private},
      {"packed", metainfo.is_single_file && archive::is_packed_tree_name(metainfo.name)},
      {"trackers", metainfo.tracker_tiers},
      {"created_by", metainfo.created_by},
      {"comment", metainfo.comment},
      {"files", files}};
}

Result<int> run_info(const InfoOptions& options, CommandContext& context) {
  const Result<TorrentInput> torrent = load_torrent(options.torrent);
  if (!torrent) {
    return fail(torrent.error());
  }
  print_for_people(*torrent, context);
  context.print_json(json_of(*torrent));
  return exit_done;
}

}  // namespace

void add_info_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] =
      add_command<InfoOptions>(app, context,
                               {.name = "info",
                                .description = "Show what a torrent says",
                                .example = "murder info /tmp/v42.tar.zst.torrent"},
                               run_info);
  command.add_option("TORRENT", options.torrent, "Path, - for standard input, or http URL")
      .required();
}

}  // namespace murder::cli
