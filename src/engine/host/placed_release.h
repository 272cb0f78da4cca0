// Whether a release lies at DIR/TAG already, and the record that the next peer learns it from.
#pragma once

#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/host/release_directory.h"
#include "engine/host/release_record.h"

namespace murder::host {

struct ReleasePlace {
  std::string directory;  // DIR, absolute
  std::string tag;
  std::string info_hash;  // of what is to lie at DIR/TAG
  std::string run_directory;
  // What it has to be; none: no signature is demanded.
  std::optional<SignedContent> signed_content;

  [[nodiscard]] std::string path() const { return directory + "/" + tag; }
};

enum class PlaceState : uint8_t {
  unknown,     // nothing is there, or not what was recorded
  same,        // this release
  unverified,  // it says to be this release, but no signature was demanded when it came
  other,       // another release of that tag
};

struct PlaceFound {
  PlaceState state = PlaceState::unknown;
  PlacedRelease placed;        // unless unknown
  bool is_unrecorded = false;  // a peer that was killed placed it and could not record it
};

[[nodiscard]] PlaceFound look_at_place(const ReleasePlace& place);

// What a peer says that finds it there, and one that finds another release.
[[nodiscard]] std::string text_of_same(const ReleasePlace& place, const PlacedRelease& placed);
[[nodiscard]] Error error_of_other(const ReleasePlace& place, const PlacedRelease& placed);
[[nodiscard]] Error error_of_unverified(const ReleasePlace& place, const PlacedRelease& placed);

// Before the tree of this descriptor gets the name of the place: should the power go before it is
// recorded, it is known to be there. `directory` is DIR, held.
[[nodiscard]] Status record_placing(const ReleasePlace& place, int tree_fd,
                                    ReleaseDirectory& directory);
[[nodiscard]] Status record_placing(const ReleasePlace& place, int tree_fd);
// It did not get it.
[[nodiscard]] Status forget_recorded_placing(const ReleasePlace& place);

struct RecordOptions {
  bool is_delivered = false;  // also among those that may be activated, rolled back to and removed
  bool sync_to_disk = true;
};
[[nodiscard]] Status record_place(const ReleasePlace& place, const RecordOptions& options);

}  // namespace murder::host
