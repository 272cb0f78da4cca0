#include "engine/host/release_record.h"

#include <fmt/format.h>

#include <algorithm>

namespace murder::host {
namespace {

void put_last(std::vector<std::string>& list, std::string_view tag) {
  std::erase(list, tag);
  list.emplace_back(tag);
  if (list.size() > record_entries_max) {
    list.erase(list.begin());
  }
}

Result<std::vector<std::string>> list_of(const Json& json, const char* key) {
  std::vector<std::string> list;
  if (!json.is_object() || !json.contains(key) || !json[key].is_array()) {
    return fail(ErrorCode::invalid_input, fmt::format("it has no list \"{}\"", key));
  }
  for (const Json& entry : json[key]) {
    if (!entry.is_text()) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("\"{}\" holds a value that is not text", key));
    }
    list.push_back(entry.text());
  }
  return list;
}

// What another build wrote is passed over where it is not understood.
std::vector<PlacedRelease> placed_of(const Json& entries) {
  std::vector<PlacedRelease> placed;
  for (const Json& entry : entries) {
    PlacedRelease release{.tag = text_member(entry, "tag"),
                          .info_hash = text_member(entry, "info_hash"),
                          .time = text_member(entry, "time"),
                          .identity = entry["identity"]};
    if (!text_member(entry, "sha256").empty()) {
      release.signed_content = {.sha256 = text_member(entry, "sha256"),
                                .serial = count_member(entry, "serial")};
    }
    if (!release.tag.empty() && !release.info_hash.empty()) {
      placed.push_back(std::move(release));
    }
  }
  return placed;
}

Json json_of_placed(const std::vector<PlacedRelease>& list) {
  Json releases = Json::array();
  for (const PlacedRelease& placed : list) {
    Json release = {{"tag", placed.tag},
                    {"info_hash", placed.info_hash},
                    {"time", placed.time},
                    {"identity", placed.identity}};
    if (placed.signed_content) {
      release["sha256"] = placed.signed_content->sha256;
      release["serial"] = placed.signed_content->serial;
    }
    releases.push_back(std::move(release));
  }
  return releases;
}

void forget(std::vector<PlacedRelease>& list, std::string_view tag) {
  std::erase_if(list, [tag](const PlacedRelease& placed) { return placed.tag == tag; });
}

void put_last(std::vector<PlacedRelease>& list, PlacedRelease placed) {
  forget(list, placed.tag);
  list.push_back(std::move(placed));
  if (list.size() > record_entries_max) {
    list.erase(list.begin());
  }
}

const PlacedRelease* find_in(const std::vector<PlacedRelease>& list, std::string_view tag) {
  const auto found = std::ranges::find(list, tag, &PlacedRelease::tag);
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

Json json_of(const ReleaseRecord& record) {
  Json json = {{"delivered", record.delivered},
               {"activated", record.activated},
               {"releases", json_of_placed(record.placed)}};
  if (!record.placing.empty()) {
    json["placing"] = json_of_placed(record.placing);
  }
  if (!record.serials.empty()) {
    json["serials"] = json_of(record.serials);
  }
  return json;
}

Result<ReleaseRecord> record_of(const Json& json) {
  Result<std::vector<std::string>> delivered = list_of(json, "delivered");
  Result<std::vector<std::string>> activated = list_of(json, "activated");
  if (!delivered || !activated) {
    return fail(delivered ? activated.error() : delivered.error());
  }
  Result<std::vector<SerialMark>> serials =
      json.contains("serials") ? serial_marks_of(json["serials"]) : std::vector<SerialMark>{};
  if (!serials) {
    return fail(serials.error());
  }
  return ReleaseRecord{.delivered = std::move(*delivered),
                       .activated = std::move(*activated),
                       .placed = placed_of(json["releases"]),
                       .placing = placed_of(json["placing"]),
                       .serials = std::move(*serials)};
}

void note_delivered(ReleaseRecord& record, std::string_view tag) {
  put_last(record.delivered, tag);
}

void note_placing(ReleaseRecord& record, PlacedRelease placing) {
  put_last(record.placing, std::move(placing));
}

void forget_placing(ReleaseRecord& record, std::string_view tag) {
  forget(record.placing, tag);
}

void note_placed(ReleaseRecord& record, PlacedRelease placed) {
  forget(record.placing, placed.tag);
  put_last(record.placed, std::move(placed));
}

const PlacedRelease* find_placed(const ReleaseRecord& record, std::string_view tag) {
  return find_in(record.placed, tag);
}

const PlacedRelease* find_placing(const ReleaseRecord& record, std::string_view tag) {
  return find_in(record.placing, tag);
}

void note_activated(ReleaseRecord& record, std::string_view tag) {
  put_last(record.activated, tag);
}

void note_rolled_back(ReleaseRecord& record, std::string_view tag) {
  const auto found = std::find(record.activated.rbegin(), record.activated.rend(), tag);
  if (found != record.activated.rend()) {
    record.activated.erase(found.base(), record.activated.end());
    return;
  }
  put_last(record.activated, tag);
}

void note_removed(ReleaseRecord& record, std::string_view tag) {
  std::erase(record.delivered, tag);
  std::erase(record.activated, tag);
  forget(record.placed, tag);
  forget(record.placing, tag);
}

Result<std::string> previous_release(const ReleaseRecord& record, std::string_view current,
                                     const PresentTags& present) {
  if (current.empty()) {
    return fail(ErrorCode::not_found, "no release is current: activate one by its tag");
  }
  if (record.activated.empty() || record.activated.back() != current) {
    return fail(
        ErrorCode::conflict,
        fmt::format("{} is current, but not by murder: name the release to go back to", current));
  }
  for (auto at = record.activated.rbegin() + 1; at != record.activated.rend(); ++at) {
    if (present.contains(*at)) {
      return *at;
    }
  }
  return fail(ErrorCode::not_found,
              fmt::format("nothing that was current before {} is still there", current));
}

std::vector<std::string> releases_to_remove(const ReleaseRecord& record, std::string_view current,
                                            size_t keep, const PresentTags& present) {
  const Result<std::string> previous = previous_release(record, current, present);
  std::vector<std::string> removable;
  size_t kept = 0;
  for (auto at = record.delivered.rbegin(); at != record.delivered.rend(); ++at) {
    if (!present.contains(*at)) {
      continue;
    }
    if (kept < keep || *at == current || (previous && *at == *previous)) {
      ++kept;
    } else {
      removable.push_back(*at);
    }
  }
  return removable;
}

}  // namespace murder::host
