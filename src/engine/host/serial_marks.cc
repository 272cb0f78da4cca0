#include "engine/host/serial_marks.h"

#include <fmt/format.h>

#include <algorithm>

namespace murder::host {
namespace {

const SignedContent* find_known(const SerialMark& mark, std::string_view sha256) {
  const auto found =
      std::find_if(mark.contents.begin(), mark.contents.end(),
                   [sha256](const SignedContent& content) { return content.sha256 == sha256; });
  return found == mark.contents.end() ? nullptr : &*found;
}

tl::unexpected<Error> damaged() {
  return fail(ErrorCode::invalid_input, "its serials of signed releases are malformed");
}

Result<SerialMark> mark_of(const Json& json) {
  const bool is_whole = json.is_object() && json["app"].is_text() && json["name"].is_text() &&
                        json["sha256"].is_text() && json["serial"].is_count() &&
                        json["contents"].is_array();
  if (!is_whole) {
    return damaged();
  }
  SerialMark mark{.app = json["app"].text(),
                  .name = json["name"].text(),
                  .serial = count_member(json, "serial"),
                  .sha256 = json["sha256"].text()};
  if (json["until"].is_count()) {
    mark.until_s = static_cast<int64_t>(json["until"].count());
  }
  for (const Json& content : json["contents"]) {
    if (!content.is_object() || !content["sha256"].is_text() || !content["serial"].is_count()) {
      return damaged();
    }
    mark.contents.push_back(
        {.sha256 = content["sha256"].text(), .serial = count_member(content, "serial")});
  }
  return mark;
}

}  // namespace

const SerialMark* find_mark(const std::vector<SerialMark>& marks, std::string_view app,
                            std::string_view name) {
  for (const SerialMark& mark : marks) {
    if (mark.app == app && mark.name == name) {
      return &mark;
    }
  }
  return nullptr;
}

Step step_of(const SerialMark& mark, const SignedContent& content) {
  if (content.serial < mark.serial) {
    return Step::replay;
  }
  const SignedContent* known = find_known(mark, content.sha256);
  const SignedContent* present = find_known(mark, mark.sha256);
  return known != nullptr && present != nullptr && known->serial < present->serial ? Step::back
                                                                                   : Step::forward;
}

Status note_serial(std::vector<SerialMark>& marks, std::string_view app, std::string_view name,
                   const SignedContent& content, std::optional<int64_t> until_s) {
  auto mark = std::find_if(marks.begin(), marks.end(), [app, name](const SerialMark& each) {
    return each.app == app && each.name == name;
  });
  if (mark == marks.end()) {
    if (marks.size() >= serial_marks_max) {
      return fail(ErrorCode::limit,
                  fmt::format("the serials of {} applications and targets are kept there, which is "
                              "the most: use another directory",
                              serial_marks_max));
    }
    mark =
        marks.insert(marks.end(), SerialMark{.app = std::string(app), .name = std::string(name)});
  }
  const SignedContent* known = find_known(*mark, content.sha256);
  const SignedContent first = known == nullptr ? content : *known;
  std::erase_if(mark->contents,
                [&first](const SignedContent& each) { return each.sha256 == first.sha256; });
  mark->contents.push_back(first);
  if (mark->contents.size() > serial_contents_max) {
    mark->contents.erase(mark->contents.begin());
  }
  mark->serial = std::max(mark->serial, content.serial);
  mark->sha256 = content.sha256;
  mark->until_s = until_s;
  return {};
}

Json json_of(const std::vector<SerialMark>& marks) {
  Json list = Json::array();
  for (const SerialMark& mark : marks) {
    Json contents = Json::array();
    for (const SignedContent& content : mark.contents) {
      contents.push_back({{"sha256", content.sha256}, {"serial", content.serial}});
    }
    Json each = {{"app", mark.app},
                 {"name", mark.name},
                 {"serial", mark.serial},
                 {"sha256", mark.sha256},
                 {"contents", contents}};
    if (mark.until_s) {
      each["until"] = *mark.until_s;
    }
    list.push_back(std::move(each));
  }
  return list;
}

Result<std::vector<SerialMark>> serial_marks_of(const Json& json) {
  if (!json.is_array()) {
    return damaged();
  }
  std::vector<SerialMark> marks;
  for (const Json& each : json) {
    Result<SerialMark> mark = mark_of(each);
    if (!mark) {
      return fail(mark.error());
    }
    marks.push_back(std::move(*mark));
  }
  return marks;
}

}  // namespace murder::host
