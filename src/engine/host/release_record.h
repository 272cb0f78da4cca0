// What murder put into a directory of releases, and what it made current there: for activate,
// rollback and for removing old releases. Pure.
//
// `placed` says which content is at DIR/TAG, `placing` what was about to get that name: who comes
// after a power cut looks there. `delivered` is a list, oldest first; `activated` is a stack whose
// top is current. Only what is recorded is ever removed, and a rollback only goes back to what was
// activated.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/host/serial_marks.h"

namespace murder::host {

// What lies at DIR/TAG, so that the same release is known to be there when it comes again.
struct PlacedRelease {
  std::string tag;
  std::string info_hash;  // hexadecimal
  std::string time;       // "2026-11-29T07:00:12Z"
  Json identity;          // of the directory or file (file_identity.h)
  // Verified when it was placed; none: no signature was demanded then.
  std::optional<SignedContent> signed_content;

  bool operator==(const PlacedRelease&) const = default;
};

struct ReleaseRecord {
  std::vector<std::string> delivered;
  std::vector<std::string> activated;
  std::vector<PlacedRelease> placed;   // each tag once; also what was not delivered with --record
  std::vector<PlacedRelease> placing;  // each tag once
  std::vector<SerialMark> serials;     // they outlive the releases

  bool operator==(const ReleaseRecord&) const = default;
};

inline constexpr size_t record_entries_max = 1000;  // older ones are forgotten, not removed

[[nodiscard]] Json json_of(const ReleaseRecord& record);
[[nodiscard]] Result<ReleaseRecord> record_of(const Json& json);

void note_delivered(ReleaseRecord& record, std::string_view tag);
void note_placing(ReleaseRecord& record, PlacedRelease placing);
void forget_placing(ReleaseRecord& record, std::string_view tag);
void note_placed(ReleaseRecord& record, PlacedRelease placed);
// Null: nothing is known of that tag.
[[nodiscard]] const PlacedRelease* find_placed(const ReleaseRecord& record, std::string_view tag);
[[nodiscard]] const PlacedRelease* find_placing(const ReleaseRecord& record, std::string_view tag);
void note_activated(ReleaseRecord& record, std::string_view tag);
// As note_activated, but what was activated after `tag` is taken off the stack: it does not come
// back by a further rollback.
void note_rolled_back(ReleaseRecord& record, std::string_view tag);
// The release alone: that its serial was here stays known.
void note_removed(ReleaseRecord& record, std::string_view tag);

// Tags of the record whose release is there.
using PresentTags = std::set<std::string, std::less<>>;

// Where a rollback goes: the release that was current before this one and is still there.
// Errors (their text says what to do): nothing is current, murder did not make it current, there is
// none before it.
[[nodiscard]] Result<std::string> previous_release(const ReleaseRecord& record,
                                                   std::string_view current,
                                                   const PresentTags& present);

// Recorded releases beyond the `keep` newest ones that are present; never the current one, nor the
// one a rollback would go to.
[[nodiscard]] std::vector<std::string> releases_to_remove(const ReleaseRecord& record,
                                                          std::string_view current, size_t keep,
                                                          const PresentTags& present);

}  // namespace murder::host
