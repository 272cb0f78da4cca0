#include "cli/fleet/local_torrent.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <span>
#include <string_view>

#include "cli/fleet/mapped_file.h"
#include "cli/fleet/own_file.h"
#include "engine/codec/metainfo.h"
#include "engine/hash/info_hash.h"

namespace murder::fleet {
namespace {

constexpr std::array<std::string_view, 4> content_endings = {".tar.zst", ".tar.gz", ".tar", ""};

}  // namespace

Result<LocalTorrent> read_torrent(const std::string& bytes, const std::string& where) {
  const Result<codec::Metainfo> metainfo = codec::parse_metainfo(as_bytes_of(bytes));
  if (!metainfo) {
    return fail(metainfo.error().code,
                fmt::format("{} is not a usable torrent: {}", where, metainfo.error().text));
  }
  LocalTorrent torrent{.name = metainfo->name,
                       .bytes = bytes,
                       .info_hash = hash::info_hash_of(as_bytes_of(metainfo->raw_info))};
  for (const std::vector<std::string>& tier : metainfo->tracker_tiers) {
    torrent.tracker_urls.insert(torrent.tracker_urls.end(), tier.begin(), tier.end());
  }
  return torrent;
}

Result<LocalTorrent> find_torrent(const std::string& temp_path, const std::string& tag) {
  std::string found;
  for (const std::string_view ending : content_endings) {
    const std::string path = fmt::format("{}/{}{}.torrent", temp_path, tag, ending);
    std::error_code error;
    if (!std::filesystem::exists(std::filesystem::symlink_status(path, error))) {
      continue;
    }
    if (!found.empty()) {
      return fail(ErrorCode::conflict, fmt::format("there are {} and {} on this machine: remove "
                                                   "the one that is not meant",
                                                   found, path));
    }
    found = path;
  }
  if (found.empty()) {
    return fail(ErrorCode::not_found,
                fmt::format("no torrent of {} is in {} on this machine: `murder fleet "
                            "download-torrent tag={}` fetches it from the seeder",
                            tag, temp_path, tag));
  }
  const Result<io::Fd> own = open_own_file(found);
  if (!own) {
    return fail(own.error());
  }
  const Result<MappedFile> file = MappedFile::open(path_of(*own));
  if (!file) {
    return fail(file.error());
  }
  return read_torrent(std::string(file->bytes()), found);
}

Result<LocalTorrent> with_trackers(const LocalTorrent& torrent,
                                   const std::vector<std::string>& tracker_urls) {
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(torrent.bytes.data()),
                                       torrent.bytes.size());
  const Result<codec::Metainfo> metainfo = codec::parse_metainfo(bytes);
  if (!metainfo) {
    return fail(metainfo.error());
  }
  codec::MetainfoDraft draft{.name = metainfo->name,
                             .geometry = metainfo->geometry,
                             .piece_digests = metainfo->piece_digests,
                             .comment = metainfo->comment,
                             .created_by = metainfo->created_by,
                             .created_at_s = metainfo->created_at_s,
                             .hosts_expected = metainfo->hosts_expected,
                             .unpacked_size = metainfo->unpacked_size,
                             .signed_statement = metainfo->signed_statement,
                             .is_private = metainfo->is_private,
                             .is_executable = metainfo->files.front().is_executable};
  for (const std::string& url : tracker_urls) {
    draft.tracker_tiers.push_back({url});
  }
  Result<LocalTorrent> with = read_torrent(codec::encode_metainfo(draft), "the torrent");
  if (with && with->info_hash != torrent.info_hash) {
    return fail(ErrorCode::invalid_input, "the torrent cannot be given its trackers");
  }
  return with;
}

}  // namespace murder::fleet
