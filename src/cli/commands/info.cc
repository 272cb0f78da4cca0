// murder info: what a torrent says.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/commands/command_list.h"
#include "cli/signing/signer_json.h"
#include "cli/ui/command.h"
#include "cli/ui/torrent_word.h"
#include "engine/archive/release_name.h"
#include "engine/base/printable.h"
#include "engine/base/units.h"

namespace murder::cli {
namespace {

struct InfoOptions {
  std::string torrent;
};

// A release of ten thousand files is not printed whole.
constexpr size_t files_shown_max = 50;

std::string shown_target(const codec::FileEntry& link) {
  return link.symlink_target.empty() ? "." : printable_value(link.symlink_target);
}

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
                                printable_value(file.path), is_link ? " -> " : "",
                                is_link ? shown_target(file) : ""));
    }
  }
  if (count > shown) {
    context.print(fmt::format("  and {} more (--json lists all)", count - shown));
  }
}

// What is said to be signed; by whom tells `verify --signed`.
std::string signed_text_of(const codec::SignedStatement& signed_statement) {
  const Result<trust::ReleaseStatement> statement = trust::parse_statement(signed_statement.text);
  if (!statement) {
    return printable_value(statement.error().text);
  }
  const size_t count = signed_statement.signatures.size();
  const std::string until = time_or_nothing(statement->expires_s);
  return fmt::format("{} {}, serial {}{}{}; `murder verify --signed` tells by whom", count,
                     count == 1 ? "signature" : "signatures", statement->serial,
                     statement->application.empty()
                         ? ""
                         : ", application " + printable_value(statement->application),
                     until.empty() ? "" : ", expires " + until);
}

// Nothing of it is verified.
Json signed_json_of(const codec::Metainfo& metainfo) {
  if (!metainfo.signed_statement) {
    return {};
  }
  const Result<trust::ReleaseStatement> statement =
      trust::parse_statement(metainfo.signed_statement->text);
  return {{"statement", statement ? statement_json(*statement) : Json()},
          {"signatures", metainfo.signed_statement->signatures.size()}};
}

void print_for_people(const host::TorrentInput& torrent, const CommandContext& context) {
  const codec::Metainfo& metainfo = torrent.metainfo;
  const auto line = [&context](std::string_view key, std::string_view value) {
    context.print(fmt::format("{:<11} {}", key, value));
  };
  line("name", printable_value(metainfo.name));
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
  if (metainfo.signed_statement) {
    line("signed", signed_text_of(*metainfo.signed_statement));
  }
  for (const std::vector<std::string>& tier : metainfo.tracker_tiers) {
    std::string words;
    for (const std::string& tracker : tier) {
      words += (words.empty() ? "" : ", ") + printable_value(tracker);
    }
    line("tracker", words);
  }
  if (!metainfo.created_by.empty()) {
    line("created by", printable_value(metainfo.created_by));
  }
  if (!metainfo.comment.empty()) {
    line("comment", printable_value(metainfo.comment));
  }
  if (metainfo.is_single_file) {
    const bool is_packed = archive::is_packed_tree_name(metainfo.name);
    line("contains", is_packed ? "a packed directory, which peers unpack" : "one file");
  } else {
    line("contains", "these files:");
    print_files(metainfo, context);
  }
}

// Text in JSON, with its quotes.
void append_quoted(std::string& out, const std::string& text) {
  const bool is_plain = std::all_of(text.begin(), text.end(), [](char each) {
    return each >= ' ' && each < 0x7F && each != '"' && each != '\\';
  });
  if (is_plain) {
    out.append("\"").append(text).append("\"");
  } else {
    out += json_text(Json(text));
  }
}

// A million files as one value would take a gigabyte.
void print_json_files(const codec::Metainfo& metainfo, const CommandContext& context) {
  constexpr size_t part_bytes = 64 * 1024;
  std::string part;
  std::string_view separator;
  for (const codec::FileEntry& file : metainfo.files) {
    if (file.is_padding) {
      continue;
    }
    part.append(separator).append("{\"path\":");
    append_quoted(part, file.path);
    fmt::format_to(std::back_inserter(part), ",\"bytes\":{}", file.size_bytes);
    if (file.is_symlink) {
      part.append(",\"symlink_target\":");
      append_quoted(part, file.symlink_target.empty() ? "." : file.symlink_target);
    }
    part.append("}");
    separator = ",";
    if (part.size() >= part_bytes) {
      context.print_json_text(part);
      part.clear();
    }
  }
  context.print_json_text(part);
}

// All but the files.
Json json_of(const host::TorrentInput& torrent) {
  const codec::Metainfo& metainfo = torrent.metainfo;
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
      {"signed", signed_json_of(metainfo)},
      {"created_by", metainfo.created_by},
      {"comment", metainfo.comment}};
}

Result<int> run_info(const InfoOptions& options, CommandContext& context) {
  const Result<host::TorrentInput> torrent = load_torrent(options.torrent);
  if (!torrent) {
    return fail(torrent.error());
  }
  print_for_people(*torrent, context);
  if (context.json) {
    std::string head = json_text(json_of(*torrent));
    head.pop_back();  // the closing brace: the files are its last member
    context.print_json_text(head + ",\"files\":[");
    print_json_files(torrent->metainfo, context);
    context.print_json_text("]}\n");
  }
  return exit_done;
}

}  // namespace

void add_info_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] =
      add_command<InfoOptions>(app, context,
                               {.name = "info",
                                .description = "Show what a torrent says",
                                .details = "This shows the tag, the info hash, sizes, the "
                                           "size and number of pieces, how many hosts that "
                                           "was chosen for, how large the release is when it "
                                           "is unpacked, what was signed, the trackers and the "
                                           "files. Nothing "
                                           "is fetched but the torrent itself, where it is "
                                           "named by a URL.",
                                .example = "murder info /tmp/v42.tar.zst.torrent",
                                .see_also = {"murder-create(1)", "murder-verify(1)"}},
                               run_info);
  command.add_option("TORRENT", options.torrent, "Path, - for standard input, or http URL")
      .required();
}

}  // namespace murder::cli
