// murder verify: whether content on disk is that of a torrent.
#include "engine/archive/verify.h"
#include "cli/ui/torrent_word.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <atomic>
#include <optional>

#include "cli/commands/command_list.h"
#include "cli/ui/archive_progress.h"
#include "cli/ui/command.h"
#include "cli/ui/stop_signals.h"
#include "engine/archive/confined_thread.h"
#include "engine/archive/unpack.h"
#include "engine/host/delivery.h"

namespace murder::cli {
namespace {

struct VerifyCommandOptions {
  std::string torrent;
  std::string path;
};

struct PieceRange {
  uint32_t first = 0;
  uint32_t last = 0;
};

constexpr size_t ranges_shown_max = 20;

std::vector<PieceRange> bad_ranges(const BitSet& pieces) {
  std::vector<PieceRange> ranges;
  for (uint32_t first = pieces.find_unset(0); first < pieces.size();) {
    const uint32_t end = pieces.find_set(first);
    ranges.push_back({.first = first, .last = end - 1});
    first = pieces.find_unset(end);
  }
  return ranges;
}

std::string text_of(const std::vector<PieceRange>& ranges) {
  std::string text;
  for (size_t index = 0; index < ranges.size(); ++index) {
    if (index == ranges_shown_max) {
      return text + fmt::format(" and {} more ranges", ranges.size() - index);
    }
    const PieceRange& range = ranges[index];
    text += index == 0 ? "" : ", ";
    text += range.first == range.last ? fmt::format("{}", range.first)
                                      : fmt::format("{}-{}", range.first, range.last);
  }
  return text;
}

// A file longer than the release is not the release, though all of its pieces may be right.
uint64_t surplus_bytes(const codec::Metainfo& metainfo, const std::string& path) {
  struct stat status {};
  if (!metainfo.is_single_file || ::stat(path.c_str(), &status) != 0) {
    return 0;
  }
  const auto size_bytes = static_cast<uint64_t>(status.st_size);
  return size_bytes > metainfo.geometry.total_bytes ? size_bytes - metainfo.geometry.total_bytes
                                                    : 0;
}

// Keeps what the confined thread tells for the one that may print it.
class KeptProgress final : public archive::Observer {
 public:
  void progress(const archive::Progress& progress) override {
    bytes_done_.store(progress.bytes_done, std::memory_order_relaxed);
    bytes_total_.store(progress.bytes_total, std::memory_order_relaxed);
  }
  void pass_to(archive::Observer& observer) const {
    observer.progress({.bytes_done = bytes_done_.load(std::memory_order_relaxed),
                       .bytes_total = bytes_total_.load(std::memory_order_relaxed),
                       .path = {}});
  }

 private:
  std::atomic<uint64_t> bytes_done_{0};
  std::atomic<uint64_t> bytes_total_{0};
};

// Why peers could not unpack content whose pieces are all right, as when its maker's file was
// damaged already; nullopt when they can, or the release is not packed.
Result<std::optional<std::string>> archive_trouble(const codec::Metainfo& metainfo,
                                                   const std::string& path,
                                                   const archive::CancelFlag& cancel,
                                                   archive::Observer& observer) {
  if (!host::is_packed(metainfo)) {
    return std::nullopt;
  }
  Result<archive::FileSource> source = archive::FileSource::open(path);
  if (!source) {
    return fail(source.error());
  }
  Status checked;
  KeptProgress kept;
  const Status ran = archive::run_confined(
      {}, [&] { checked = archive::check_archive(*source, path, &cancel, kept); },
      [&] { kept.pass_to(observer); });
  if (!ran) {
    return fail(ran.error());
  }
  if (checked) {
    return std::nullopt;
  }
  const Error& error = checked.error();
  if (error.code == ErrorCode::interrupted || error.code == ErrorCode::io) {
    return fail(error);
  }
  return error.text;
}

Result<int> run_verify(const VerifyCommandOptions& options, CommandContext& context) {
  const Result<host::TorrentInput> torrent = load_torrent(options.torrent);
  if (!torrent) {
    return fail(torrent.error());
  }
  const StopSignals stop;
  ArchiveProgress progress(context, "verifying");
  const Result<BitSet> pieces =
      archive::verify_content(torrent->metainfo, options.path, {.cancel = &stop.flag()}, progress);
  progress.clear();
  if (!pieces) {
    return fail(pieces.error());
  }
  const std::vector<PieceRange> ranges = bad_ranges(*pieces);
  const uint64_t surplus = surplus_bytes(torrent->metainfo, options.path);
  const bool is_complete = pieces->all() && surplus == 0;
  std::optional<std::string> trouble;
  if (is_complete) {
    ArchiveProgress reading(context, "reading");
    Result<std::optional<std::string>> found =
        archive_trouble(torrent->metainfo, options.path, stop.flag(), reading);
    reading.clear();
    if (!found) {
      return fail(found.error());
    }
    trouble = std::move(*found);
  }
  if (is_complete && !trouble) {
    context.print(
        fmt::format("{}: complete, all {} pieces are right", options.path, pieces->size()));
  }
  if (!pieces->all()) {
    const size_t bad_count = pieces->size() - pieces->count();
    context.print(fmt::format("{}: {} of {} pieces {} wrong or missing: number{} {}", options.path,
                              bad_count, pieces->size(), bad_count == 1 ? "is" : "are",
                              bad_count == 1 ? "" : "s", text_of(ranges)));
  }
  if (surplus > 0) {
    context.print(fmt::format("{}: {} bytes too long", options.path, surplus));
  }
  if (trouble) {
    context.print(fmt::format("{}: all {} pieces are right, but hosts cannot unpack it: {}",
                              options.path, pieces->size(), *trouble));
  }
  Json bad = Json::array();
  for (const PieceRange& range : ranges) {
    bad.push_back(Json::array({range.first, range.last}));
  }
  context.print_json({{"path", options.path},
                      {"complete", is_complete},
                      {"pieces", pieces->size()},
                      {"pieces_right", pieces->count()},
                      {"bad_ranges", bad},
                      {"surplus_bytes", surplus},
                      {"archive_error", trouble ? Json(*trouble) : Json()}});
  return is_complete && !trouble ? exit_done : exit_failed;
}

}  // namespace

void add_verify_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<VerifyCommandOptions>(
      app, context,
      {.name = "verify",
       .description = "Check content on disk against a torrent: exit code 0 if all of it is right\n"
                      "and, when it is an archive, can be unpacked",
       .details = "Every piece is read and hashed, on all cores. Pieces that are wrong or "
                  "missing are named as ranges. An archive is unpacked as well, without "
                  "writing anything, since hosts would refuse one that is damaged inside.",
       .example = "murder verify /tmp/v42.tar.zst.torrent /tmp/v42.tar.zst",
       .exit_statuses = {{"0", "All of it is right."},
                         {"1", "Something is wrong or missing, or could not be read."},
                         {"2", "The command line is wrong."}},
       .environment = {sha1_variable},
       .see_also = {"murder-create(1)", "murder-info(1)"},
       .has_telling_exit_code = true},
      run_verify);
  command.add_option("TORRENT", options.torrent, "Path, - for standard input, or http URL")
      .required();
  command
      .add_option("PATH", options.path,
                  "The file; of a torrent of several files the directory they lie in")
      .required();
}

}  // namespace murder::cli
