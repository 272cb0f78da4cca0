#include "engine/control/relay_messages.h"

#include <algorithm>
#include <array>

#include "engine/base/json.h"
#include "engine/control/bounds.h"

namespace murder::control {
namespace {

constexpr std::array<std::string_view, 3> relayed_paths = {"/announce", "/scrape",
                                                           "/control/torrent"};

constexpr std::string_view link_path = "/control/agent";

bool is_plain_target(std::string_view target) {
  return target.size() <= limits::control_relay_target_bytes_max &&
         std::all_of(target.begin(), target.end(),
                     [](char byte) { return byte > ' ' && byte <= '~'; });
}

tl::unexpected<Error> refuse_relayed(std::string_view what) {
  return fail(ErrorCode::invalid_input, "a message to be passed on: " + std::string(what));
}

// The object where it is of this type; null: it is another message.
Json object_of(std::string_view text, std::string_view type) {
  Result<Json> json = parse_json(text);
  return json && json->is_object() && (*json)["type"].text() == type ? std::move(*json) : Json();
}

}  // namespace

std::string text_of(const RelayLink& link) {
  return json_text({{"type", "link"}, {"target", link.target}});
}

std::string text_of(const RelayUnlinked& unlinked) {
  return json_text({{"type", "unlinked"}, {"status", unlinked.status}, {"body", unlinked.body}});
}

std::string text_of(const RelayGet& get) {
  return json_text({{"type", "get"}, {"id", get.id}, {"target", get.target}});
}

std::string text_of(const RelayGot& got) {
  return json_text({{"type", "got"},
                    {"id", got.id},
                    {"status", got.status},
                    {"body", got.body},
                    {"more", got.more}});
}

Result<std::optional<RelayLink>> parse_relay_link(std::string_view text) {
  const Json json = object_of(text, "link");
  if (json.is_null()) {
    return std::nullopt;
  }
  RelayLink link{.target = json["target"].text()};
  if (!is_plain_target(link.target) || link.target.substr(0, link.target.find('?')) != link_path) {
    return refuse_relayed("a link is opened by GET of /control/agent alone");
  }
  return link;
}

Result<std::optional<RelayUnlinked>> parse_relay_unlinked(std::string_view text) {
  const Json json = object_of(text, "unlinked");
  if (json.is_null()) {
    return std::nullopt;
  }
  RelayUnlinked unlinked{.status = json["status"].count(), .body = json["body"].text()};
  if (!json["status"].is_count() || !json["body"].is_text() ||
      unlinked.body.size() > limits::control_relay_body_bytes_max) {
    return refuse_relayed("a link is lost, without status or with too long a body");
  }
  return unlinked;
}

Result<std::optional<RelayGet>> parse_relay_get(std::string_view text) {
  const Json json = object_of(text, "get");
  if (json.is_null()) {
    return std::nullopt;
  }
  RelayGet get{.id = json["id"].count(), .target = json["target"].text()};
  if (!json["id"].is_count() || !may_be_relayed(get.target)) {
    return refuse_relayed("neither an announce nor a torrent is asked for");
  }
  return get;
}

Result<std::optional<RelayGot>> parse_relay_got(std::string_view text) {
  const Json json = object_of(text, "got");
  if (json.is_null()) {
    return std::nullopt;
  }
  if (!json["id"].is_count() || !json["status"].is_count() || !json["body"].is_text()) {
    return refuse_relayed("an answer without id, status or body");
  }
  return RelayGot{.id = json["id"].count(),
                  .status = json["status"].count(),
                  .body = json["body"].text(),
                  .more = json["more"] == true};
}

bool may_be_relayed(std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  return is_plain_target(target) &&
         std::find(relayed_paths.begin(), relayed_paths.end(), path) != relayed_paths.end();
}

}  // namespace murder::control
