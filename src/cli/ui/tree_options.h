// What commands are told of the trees they pack and put in place, and how that is passed on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/ui/argument_parser.h"
#include "engine/archive/create_release.h"
#include "engine/base/result.h"
#include "engine/codec/metainfo.h"
#include "engine/host/delivery.h"

namespace murder::cli {

// Of a directory that is packed.
struct PackingOptions {
  std::vector<std::string> exclude;
  bool keep_git = false;
  bool one_file_system = false;
  bool xattrs = false;
};

void add_xattrs_option(ArgumentParser& command, bool& xattrs);

// --exclude, --keep-git, --one-file-system; --xattrs is the caller's.
void add_packing_options(ArgumentParser& command, PackingOptions& options);
void apply(const PackingOptions& options, archive::CreateOptions& create);

// Of a release that is put in place.
struct PlacingOptions {
  static constexpr uint64_t unpacked_bytes_by_torrent = UINT64_MAX;

  std::string owner;  // as parse_owner() takes it; empty: whoever runs this
  std::string user;   // as parse_run_as() takes it: whom all but the placing runs as
  bool keep_setid = false;
  bool xattrs = false;
  bool allow_older = false;  // of signed releases: content that came before the present one
  // 0: no limit.
  uint64_t unpacked_bytes_max = unpacked_bytes_by_torrent;
};

// --owner, --user, --allow-older, --keep-setid, --max-unpacked; --xattrs is the caller's.
void add_placing_options(ArgumentParser& command, PlacingOptions& options);
// An Error when there is no such owner, or only root could give files to him.
[[nodiscard]] Status apply(const PlacingOptions& options, const codec::Metainfo& metainfo,
                           host::DeliveryOptions& delivery);

// What an archive may unpack to when no option says: the size that its torrent states, else a
// multiple of the archive's size.
[[nodiscard]] uint64_t unpacked_bytes_max_of(const codec::Metainfo& metainfo);

}  // namespace murder::cli
