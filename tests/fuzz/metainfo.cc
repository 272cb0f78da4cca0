// Fuzzes torrents: what is accepted is safe to write to disk, and a single file's torrent is made
// again from what was read.

#include <algorithm>
#include <span>
#include <string>

#include "engine/base/ensure.h"
#include "engine/codec/metainfo.h"

using namespace murder;
using namespace murder::codec;

namespace {

bool is_safe(std::string_view path) {
  return !path.empty() && path.front() != '/' && path.back() != '/' && path != ".." &&
         path != "." && path.find('\0') == std::string_view::npos && !path.starts_with("../") &&
         !path.ends_with("/..") && path.find("/../") == std::string_view::npos &&
         path.find("//") == std::string_view::npos;
}

void check_files(const Metainfo& metainfo) {
  ENSURE(is_safe(metainfo.name) && metainfo.name.find('/') == std::string::npos);
  ENSURE(!metainfo.files.empty());
  uint64_t offset = 0;
  for (const FileEntry& file : metainfo.files) {
    ENSURE(is_safe(file.path) && file.offset == offset);
    offset += file.size_bytes;
  }
  ENSURE(offset == metainfo.geometry.total_bytes);
  ENSURE(metainfo.piece_digests.size() == metainfo.geometry.piece_count());
  uint64_t sum = 0;
  for (uint32_t piece = 0; piece < metainfo.piece_count(); ++piece) {
    sum += metainfo.geometry.piece_size({piece});
  }
  ENSURE(sum == offset);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<Metainfo> metainfo = parse_metainfo({data, size});
  if (!metainfo) {
    return 0;
  }
  check_files(*metainfo);
  if (!metainfo->is_single_file) {
    return 0;
  }
  const std::string torrent = encode_metainfo({.name = metainfo->name,
                                               .geometry = metainfo->geometry,
                                               .piece_digests = metainfo->piece_digests,
                                               .tracker_tiers = metainfo->tracker_tiers,
                                               .comment = metainfo->comment,
                                               .created_by = metainfo->created_by,
                                               .created_at_s = metainfo->created_at_s,
                                               .is_private = metainfo->is_private});
  const Result<Metainfo> again = parse_metainfo(as_bytes_of(torrent));
  ENSURE(again);
  ENSURE(again->name == metainfo->name && again->files == metainfo->files);
  ENSURE(again->piece_digests == metainfo->piece_digests);
  ENSURE(again->tracker_tiers == metainfo->tracker_tiers);
  ENSURE(again->is_private == metainfo->is_private);
  ENSURE(again->created_at_s == metainfo->created_at_s && again->comment == metainfo->comment);
  return 0;
}
