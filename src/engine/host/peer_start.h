// What a peer looks at before it fetches: the release may be in its place already, and another peer
// of the tag may be at work.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "cli/ui/background.h"
#include "cli/ui/command.h"
#include "engine/base/result.h"
#include "engine/host/delivery.h"
#include "engine/host/placed_release.h"

namespace murder::cli {

// DIR/TAG, where that is what the delivery makes: not of a file that gets a name of the user's, nor
// of a tree that is DIR itself.
[[nodiscard]] std::optional<host::ReleasePlace> place_of(const host::DeliveryOptions& delivery,
                                                         const codec::Metainfo& metainfo,
                                                         const std::string& tag,
                                                         const std::string& info_hash,
                                                         const std::string& run_directory);

struct EndOptions {
  std::string tag;
  bool whatever_they_do = false;  // else one that still fetches is an error
};
// One download of a tag at a time. A peer that has finished only serves: it makes room, since it
// holds the archive.
[[nodiscard]] Status end_peers_before(const EndOptions& options, const CommandContext& context);

struct OutcomeOptions {
  bool is_left = false;  // for `murder wait`
  bool sync_to_disk = true;
  std::string deploy;  // stands in it
  uid_t user_id = 0;   // whose an archive here is
};
// The report of a peer that has nothing to fetch.
[[nodiscard]] Result<int> finish_in_place(const host::ReleasePlace& place,
                                          const host::PlaceFound& found,
                                          const OutcomeOptions& options, CommandContext& context);

}  // namespace murder::cli
