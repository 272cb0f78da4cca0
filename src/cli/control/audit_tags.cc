#include "cli/control/audit_tags.h"

#include <string_view>

#include "cli/control/bounds.h"

namespace murder::cli {

Json AuditTags::named(const Json& record) {
  learn(record);
  const std::string kind = text_member(record, "record");
  const std::string_view release_member = kind == "revoked"                      ? "release_number"
                                          : kind == "rollout" || kind == "order" ? "release"
                                                                                 : "";
  Json named = Json::object();
  for (const auto& [name, value] : record.members()) {
    const bool is_release = name == release_member || name == "before";
    const std::string* tag =
        is_release && value.is_count() ? tag_of(record, value.count()) : nullptr;
    if (tag == nullptr) {
      named[name] = value;
    } else {
      named[name == "before" ? "before" : "tag"] = *tag;
    }
  }
  const auto latest = rolled_out_.find(text_member(record, "app"));
  if (kind == "told" && record["back"] != Json(true) && latest != rolled_out_.end()) {
    if (const std::string* tag = tag_of(record, latest->second)) {
      named["tag"] = *tag;
    }
  }
  return named;
}

std::string AuditTags::tag_of_subject(const Json& record) const {
  const std::string kind = text_member(record, "record");
  if (kind == "release") {
    return text_member(record, "tag");
  }
  const std::string* tag = nullptr;
  if (kind == "revoked") {
    tag = tag_of(record, count_member(record, "release_number"));
  } else if (const auto latest = rolled_out_.find(text_member(record, "app"));
             latest != rolled_out_.end()) {
    tag = tag_of(record, latest->second);
  }
  return tag == nullptr ? "" : *tag;
}

void AuditTags::learn(const Json& record) {
  const std::string kind = text_member(record, "record");
  const std::string app = text_member(record, "app");
  if (tags_.size() >= limits::audit_tags_max || rolled_out_.size() >= limits::audit_tags_max) {
    tags_.clear();
    rolled_out_.clear();
  }
  if (kind == "release") {
    tags_[{app, count_member(record, "release_number")}] = text_member(record, "tag");
  } else if (kind == "rollout") {
    rolled_out_[app] = count_member(record, "release");
  }
}

const std::string* AuditTags::tag_of(const Json& record, uint64_t release) const {
  const auto found = tags_.find({text_member(record, "app"), release});
  return found == tags_.end() || found->second.empty() ? nullptr : &found->second;
}

}  // namespace murder::cli
