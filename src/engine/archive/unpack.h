// Unpacks an archive into a directory that appears in one step, complete.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/archive/byte_source.h"
#include "engine/archive/content_digest.h"
#include "engine/archive/observer.h"
#include "engine/archive/tree_writer.h"
#include "engine/base/result.h"

namespace murder::archive {

struct UnpackOptions {
  std::string archive_name;  // how the archive is called in texts
  std::string directory;     // made with all it lies in
  std::string tag;           // valid; the tree becomes DIRECTORY/TAG; empty: DIRECTORY itself
  bool replace = false;      // what is there already, unless it is empty: `--unsafe-please-delete`
  // Against archives made to fill a disk: most bytes of data in files, where each entry counts for
  // at least 512. 0: no limit.
  uint64_t unpacked_bytes_max = 0;
  uint64_t entries_stated = 0;   // by whoever made it, for texts; 0: unknown
  std::optional<Owner> owner;    // of all that is made; none: whoever runs this
  bool keep_set_id = false;      // set-user-id and set-group-id bits
  bool keep_attributes = false;  // extended ones, access lists, capabilities
  bool sync_to_disk = false;     // the tree is whole, or not there, also after a power cut
  const CancelFlag* cancel = nullptr;
  bool is_confined = true;  // the decoders run on a thread that can do little else
  // What the archive must be: what was read is compared before the tree gets its name.
  std::optional<ContentDigest> signed_content;
};

struct Unpacked {
  std::string path;  // of the tree
  uint64_t entry_count = 0;
  uint64_t data_bytes = 0;  // of files, without holes
};

// Modes, times, links and holes are as in the archive; owners are not. An Error leaves nothing at
// the target, or what was there. Entries that lead out of the tree, be it through symbolic links,
// devices, fifos, archives that are damaged or end early and other content than was signed are
// Errors. Extended attributes that are not kept are counted in a warning.
[[nodiscard]] Result<Unpacked> unpack(ByteSource& source, const UnpackOptions& options,
                                      Observer& observer);

// Reads the whole archive and checks all that unpack() would, but for what the file system says to
// it.
[[nodiscard]] Status check_archive(ByteSource& source, const std::string& archive_name,
                                   const CancelFlag* cancel, Observer& observer);

}  // namespace murder::archive
