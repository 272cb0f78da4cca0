#include "engine/host/placed_release.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "engine/base/utc_text.h"
#include "engine/host/file_identity.h"
#include "engine/host/peer_outcome.h"
#include "engine/host/release_directory.h"

namespace murder::host {
namespace {

PlacedRelease placed_now(const ReleasePlace& place, Json identity) {
  return {.tag = place.tag,
          .info_hash = place.info_hash,
          .time = utc_text_now(),
          .identity = std::move(identity),
          .signed_content = place.signed_content};
}

bool is_of_content(const PlacedRelease& placed, const ReleasePlace& place) {
  return !place.signed_content ||
         (placed.signed_content && placed.signed_content->sha256 == place.signed_content->sha256);
}

}  // namespace

PlaceFound look_at_place(const ReleasePlace& place) {
  const Json identity = identity_of(AT_FDCWD, place.path());
  if (identity.is_null()) {
    return {};
  }
  const std::string sha256 = place.signed_content ? place.signed_content->sha256 : "";
  if (was_placed(place.run_directory, place.tag, place.info_hash, place.path(), sha256)) {
    return {
        .state = PlaceState::same, .placed = placed_now(place, identity), .is_unrecorded = true};
  }
  // A record that cannot be read says nothing; whoever writes to it reports that.
  const Result<ReleaseRecord> record = ReleaseDirectory::read_record(place.directory);
  const PlacedRelease* placing = record ? find_placing(*record, place.tag) : nullptr;
  if (placing != nullptr && is_same_identity(placing->identity, identity) &&
      placing->info_hash == place.info_hash && is_of_content(*placing, place)) {
    return {.state = PlaceState::same, .placed = *placing, .is_unrecorded = true};
  }
  const PlacedRelease* placed = record ? find_placed(*record, place.tag) : nullptr;
  if (placed == nullptr || !is_same_identity(placed->identity, identity)) {
    return {};
  }
  if (placed->info_hash != place.info_hash) {
    return {.state = PlaceState::other, .placed = *placed};
  }
  return {.state = is_of_content(*placed, place) ? PlaceState::same : PlaceState::unverified,
          .placed = *placed};
}

std::string text_of_same(const ReleasePlace& place, const PlacedRelease& placed) {
  return fmt::format("{} is already in {} (put there {}): nothing to do", place.tag, place.path(),
                     placed.time);
}

Error error_of_other(const ReleasePlace& place, const PlacedRelease& placed) {
  return {ErrorCode::exists,
          fmt::format("{} holds another release with the tag {} (info hash {}, put there {}; this "
                      "one is {}): use another tag, or replace it with --unsafe-please-delete",
                      place.path(), place.tag, placed.info_hash, placed.time, place.info_hash)};
}

Error error_of_unverified(const ReleasePlace& place, const PlacedRelease& placed) {
  return {ErrorCode::untrusted,
          fmt::format("{} holds what came as {} on {}, and its content was not compared with a "
                      "signature then: replace it with --unsafe-please-delete, or use another tag",
                      place.path(), place.tag, placed.time)};
}

Status record_placing(const ReleasePlace& place, int tree_fd, ReleaseDirectory& directory) {
  Json identity = identity_of(tree_fd, "");
  if (identity.is_null()) {
    return fail(ErrorCode::not_found, "what is to become " + place.path() + " is gone");
  }
  note_placing(directory.record(), placed_now(place, std::move(identity)));
  return directory.save_record();
}

Status record_placing(const ReleasePlace& place, int tree_fd) {
  Result<ReleaseDirectory> directory = ReleaseDirectory::open(place.directory);
  return directory ? record_placing(place, tree_fd, *directory) : fail(directory.error());
}

Status forget_recorded_placing(const ReleasePlace& place) {
  Result<ReleaseDirectory> directory = ReleaseDirectory::open(place.directory);
  if (!directory) {
    return fail(directory.error());
  }
  forget_placing(directory->record(), place.tag);
  return directory->save_record();
}

Status record_place(const ReleasePlace& place, const RecordOptions& options) {
  Json identity = identity_of(AT_FDCWD, place.path());
  if (identity.is_null()) {
    return fail(ErrorCode::not_found, place.path() + " is no longer there");
  }
  Result<ReleaseDirectory> directory =
      ReleaseDirectory::open(place.directory, {.sync_to_disk = options.sync_to_disk});
  if (!directory) {
    return fail(directory.error());
  }
  if (options.is_delivered) {
    note_delivered(directory->record(), place.tag);
  }
  note_placed(directory->record(), placed_now(place, std::move(identity)));
  return directory->save_record();
}

}  // namespace murder::host
