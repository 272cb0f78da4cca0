#include "engine/host/current_release.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace murder::host {
namespace {

// What was removed; the first Error ends it.
Result<Json> remove_old(ReleaseDirectory& directory, const std::string& current, uint32_t keep) {
  directory.remove_leftovers();
  Json removed = Json::array();
  const std::vector<std::string> old =
      releases_to_remove(directory.record(), current, keep, directory.present());
  for (const std::string& tag : old) {
    if (Status status = directory.remove(tag); !status) {
      return fail(status.error());
    }
    note_removed(directory.record(), tag);
    removed.push_back(tag);
    if (Status status = directory.save_record(); !status) {
      return fail(status.error());
    }
  }
  return removed;
}

}  // namespace

Result<Json> make_current(ReleaseDirectory& directory, const SwitchOptions& options) {
  // A link that leads elsewhere is replaced all the same: it is told as what it was.
  const Result<std::string> before = directory.current(options.link);
  if (Status switched = directory.switch_to(options.tag, options.link); !switched) {
    return fail(switched.error());
  }
  if (options.is_rollback) {
    note_rolled_back(directory.record(), options.tag);
  } else {
    note_activated(directory.record(), options.tag);
  }
  if (Status saved = directory.save_record(); !saved) {
    return fail(saved.error().code,
                fmt::format("{}/{} is {} now, but that could not be recorded: {}", directory.path(),
                            options.link, options.tag, saved.error().text));
  }
  return Json{{"tag", options.tag},
              {"link", directory.path() + "/" + options.link},
              {"previous", before ? *before : ""}};
}

Status remove_release(ReleaseDirectory& directory, const std::string& link,
                      const std::string& tag) {
  const std::vector<std::string>& delivered = directory.record().delivered;
  if (std::find(delivered.begin(), delivered.end(), tag) == delivered.end()) {
    return fail(ErrorCode::not_found,
                fmt::format("{}/{} is not recorded as a release that murder put there",
                            directory.path(), tag));
  }
  const Result<std::string> current = directory.current(link);
  if (!current) {
    return fail(current.error());
  }
  if (*current == tag) {
    return fail(ErrorCode::conflict,
                fmt::format("{} is the current release of {}: activate another one first", tag,
                            directory.path()));
  }
  if (directory.has(tag)) {
    if (Status removed = directory.remove(tag); !removed) {
      return removed;
    }
  }
  note_removed(directory.record(), tag);
  return directory.save_record();
}

Result<Json> keep_releases(ReleaseDirectory& directory, const std::string& link,
                           std::optional<uint32_t> keep) {
  const Result<std::string> current = directory.current(link);
  if (!current) {
    return fail(current.error());
  }
  Json removed = Json::array();
  if (keep) {
    Result<Json> outcome = remove_old(directory, *current, *keep);
    if (!outcome) {
      return outcome;
    }
    removed = std::move(*outcome);
  }
  const PresentTags present = directory.present();
  Json list = Json::array();
  for (const std::string& tag : directory.record().delivered) {
    if (present.contains(tag)) {
      list.push_back(tag);
    }
  }
  const Result<std::string> previous = previous_release(directory.record(), *current, present);
  Json hashes = Json::object();
  for (const PlacedRelease& placed : directory.record().placed) {
    if (directory.has(placed.tag)) {
      hashes[placed.tag] = placed.info_hash;
    }
  }
  Json json = {
      {"current", *current}, {"releases", list}, {"removed", removed}, {"info_hashes", hashes}};
  json["previous"] = previous ? Json(*previous) : Json();
  if (!previous) {
    json["previous_problem"] = previous.error().text;
  }
  return json;
}

}  // namespace murder::host
