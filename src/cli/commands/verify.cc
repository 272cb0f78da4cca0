// murder verify: whether content on disk is that of a torrent.
#include "engine/archive/verify.h"
#include "cli/ui/torrent_word.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <optional>

#include "cli/commands/command_list.h"
#include "cli/commands/key/signer_options.h"
#include "cli/commands/verify_signed.h"
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
  std::string allowed_signers;
  bool is_signed = false;  // it must be
};

// What lies beside the torrent; empty: nothing does.
std::string content_beside(const std::string& torrent) {
  constexpr std::string_view ending = ".torrent";
  const std::string path =
      torrent.ends_with(ending) ? torrent.substr(0, torrent.size() - ending.size()) : "";
  return !path.empty() && ::access(path.c_str(), F_OK) == 0 ? path : "";
}

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
  void progress(const archive::ByteProgress& progress) override {
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

// What came of reading the content.
struct ContentVerdict {
  BitSet pieces{0};
  std::vector<PieceRange> bad_ranges;
  uint64_t surplus_bytes = 0;
  std::optional<std::string> archive_trouble;
  bool is_signed = false;                        // it was compared with what was signed
  std::optional<std::string> signature_trouble;  // it is not that

  [[nodiscard]] bool is_complete() const { return pieces.all() && surplus_bytes == 0; }
  [[nodiscard]] bool is_right() const {
    return is_complete() && !archive_trouble && !signature_trouble;
  }
};

// `statement`: what was signed; null: that is not asked.
Result<ContentVerdict> verify_at(const std::string& path, const codec::Metainfo& metainfo,
                                 const trust::ReleaseStatement* statement,
                                 CommandContext& context) {
  const StopSignals stop;
  ArchiveProgress progress(context, "verifying");
  Result<BitSet> pieces =
      archive::verify_content(metainfo, path, {.cancel = &stop.flag()}, progress);
  progress.clear();
  if (!pieces) {
    return fail(pieces.error());
  }
  ContentVerdict verdict{.pieces = std::move(*pieces),
                         .surplus_bytes = surplus_bytes(metainfo, path)};
  verdict.bad_ranges = bad_ranges(verdict.pieces);
  if (!verdict.is_complete()) {
    return verdict;
  }
  if (statement != nullptr) {
    verdict.is_signed = true;
    Result<std::optional<std::string>> trouble =
        content_trouble(*statement, metainfo, path, stop.flag());
    if (!trouble) {
      return fail(trouble.error());
    }
    verdict.signature_trouble = std::move(*trouble);
  }
  ArchiveProgress reading(context, "reading");
  Result<std::optional<std::string>> found = archive_trouble(metainfo, path, stop.flag(), reading);
  reading.clear();
  if (!found) {
    return fail(found.error());
  }
  verdict.archive_trouble = std::move(*found);
  return verdict;
}

std::string all_right(size_t count) {
  return count == 1 ? "its one piece is right" : fmt::format("all {} pieces are right", count);
}

void print_verdict(const ContentVerdict& verdict, const std::string& path,
                   const CommandContext& context) {
  const size_t count = verdict.pieces.size();
  if (verdict.is_right()) {
    context.print(fmt::format("{}: complete, {}{}", path, all_right(count),
                              verdict.is_signed ? ", and it is what was signed" : ""));
  }
  if (!verdict.pieces.all()) {
    const size_t bad_count = count - verdict.pieces.count();
    context.print(fmt::format("{}: {} of {} pieces {} wrong or missing: number{} {}", path,
                              bad_count, count, bad_count == 1 ? "is" : "are",
                              bad_count == 1 ? "" : "s", text_of(verdict.bad_ranges)));
  }
  if (verdict.surplus_bytes > 0) {
    context.print(fmt::format("{}: {} bytes too long", path, verdict.surplus_bytes));
  }
  if (verdict.signature_trouble) {
    context.print(
        fmt::format("{}: {}, but {}", path, all_right(count), *verdict.signature_trouble));
  }
  if (verdict.archive_trouble) {
    context.print(fmt::format("{}: {}, but hosts cannot unpack it: {}", path, all_right(count),
                              *verdict.archive_trouble));
  }
}

Json json_of(const ContentVerdict& verdict, const std::string& path) {
  Json bad = Json::array();
  for (const PieceRange& range : verdict.bad_ranges) {
    bad.push_back(Json::array({range.first, range.last}));
  }
  return {{"path", path},
          {"complete", verdict.is_complete()},
          {"pieces", verdict.pieces.size()},
          {"pieces_right", verdict.pieces.count()},
          {"bad_ranges", bad},
          {"surplus_bytes", verdict.surplus_bytes},
          {"archive_error", verdict.archive_trouble ? Json(*verdict.archive_trouble) : Json()}};
}

Result<int> run_verify(const VerifyCommandOptions& options, CommandContext& context) {
  if (options.path.empty() && !options.is_signed) {
    return context.wrong_usage("PATH is required");
  }
  const Result<host::TorrentInput> torrent = load_torrent(options.torrent);
  if (!torrent) {
    return fail(torrent.error());
  }
  Json told;
  Result<SignatureVerdict> signature = SignatureVerdict{};
  if (options.is_signed) {
    signature = check_signatures(*torrent, options.torrent, options.allowed_signers, context);
    if (!signature) {
      return fail(signature.error());
    }
  }
  const std::string path = options.path.empty() ? content_beside(options.torrent) : options.path;
  bool is_right = signature->trouble.empty();
  if (path.empty()) {
    context.note("the content is not here: its SHA-256 is not checked");
  } else {
    const Result<ContentVerdict> verdict = verify_at(
        path, torrent->metainfo, signature->statement ? &*signature->statement : nullptr, context);
    if (!verdict) {
      return fail(verdict.error());
    }
    print_verdict(*verdict, path, context);
    told = json_of(*verdict, path);
    if (verdict->signature_trouble) {
      signature->told["content_error"] = *verdict->signature_trouble;
    }
    is_right = is_right && verdict->is_right();
  }
  if (options.is_signed) {
    told["signed"] = signature->told;
  }
  context.print_json(told);
  return is_right ? exit_done : exit_failed;
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
                  "writing anything, since hosts would refuse one that is damaged inside.\n\n"
                  "With --signed the signatures are checked as a host checks them that has the "
                  "same list of allowed signers, and the content's SHA-256 and size are compared "
                  "with what was signed.",
       .example = "murder verify /tmp/v42.tar.zst.torrent /tmp/v42.tar.zst",
       .exit_statuses = {{"0", "All of it is right."},
                         {"1", "Something is wrong or missing, or could not be read."},
                         {"2", "The command line is wrong."}},
       .environment = {sha1_variable},
       .files = {allowed_signers_file},
       .see_also = {"murder-create(1)", "murder-info(1)", "murder-sign(1)", "murder-key(1)"},
       .has_telling_exit_code = true},
      run_verify);
  command.add_option("TORRENT", options.torrent, "Path, - for standard input, or http URL")
      .required();
  command.add_option(
      "PATH", options.path,
      "The file; of a torrent of several files the directory they lie in. With\n"
      "--signed it may be left out: then it is what lies beside the torrent, if any");
  command.add_flag("--signed", options.is_signed,
                   "Also: that whom this host trusts signed it, and that it is what was signed");
  add_allowed_signers_option(command, options.allowed_signers);
}

}  // namespace murder::cli
