// Delivers a release that is not packed: a file, or the files of a torrent made elsewhere.
#pragma once

#include <optional>
#include <string>

#include "engine/archive/content_digest.h"
#include "engine/archive/observer.h"
#include "engine/archive/tree_writer.h"
#include "engine/base/result.h"
#include "engine/codec/metainfo.h"

namespace murder::archive {

// Puts a copy of the file where `cp FILE TO` would: into TO under `name` if that is a directory,
// else under the name TO, over a file that is there (whose mode stays). It appears in one step and
// shares blocks with the original where the file system can. Returns its path.
struct DeliverFileOptions {
  std::string file_path;
  std::string name;
  std::string to;
  bool is_executable = false;                 // whoever may read it may run it
  std::optional<Owner> owner;                 // none: whoever runs this
  const codec::Metainfo* metainfo = nullptr;  // the copy must be its content
  bool sync_to_disk = false;                  // it is whole, or as it was, also after a power cut
  const CancelFlag* cancel = nullptr;         // while that is verified
  Observer* observer = nullptr;               // whether it may have its name
  // What the copy must be, by SHA-256; then also a file that lies there already is replaced by one.
  std::optional<ContentDigest> signed_content;
};
[[nodiscard]] Result<std::string> deliver_file(const DeliverFileOptions& options);

struct DeliverTreeOptions {
  std::string
      content_directory;  // where the files of the torrent lie, as verify_content() takes it
  std::string directory;  // where to, as in UnpackOptions
  std::string tag;
  bool replace = false;
  std::optional<Owner> owner;
  bool sync_to_disk = false;  // as in UnpackOptions
  const CancelFlag* cancel = nullptr;
  std::optional<ContentDigest> signed_content;  // as in UnpackOptions
};

// Copies all files of the torrent into a tree that appears in one step, and makes its symbolic
// links. The copy is verified before it appears. Returns its path.
[[nodiscard]] Result<std::string> deliver_tree(const codec::Metainfo& metainfo,
                                               const DeliverTreeOptions& options,
                                               Observer& observer);

}  // namespace murder::archive
