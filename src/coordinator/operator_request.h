// What operators (and agents, for torrents) ask of a coordinator over HTTP, as values
// (docs/protocol.md, "The coordinator"). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/permission.h"
#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/control/plan.h"

namespace murder::coordinator {

enum class Action : uint8_t {
  publish,
  note_release,
  revoke,
  start,
  pause,
  resume,
  abort,
  undo,
  forget,
  approve,
  end_deploy,
  show_release,
  show_releases,
  show_rollouts,
  show_agents,
  show_history,
  show_audit,
  show_waiting,
  show_right,
  fetch_torrent,
  connect_agent,
};

struct Route {
  std::string_view method;
  std::string_view path;
  Action action = Action::show_releases;
  Access access = Access::read;
};

// The route of a request; HEAD goes where GET does. Nothing: there is no such path, or not with
// this method.
[[nodiscard]] const Route* find_route(std::string_view method, std::string_view path);
[[nodiscard]] bool is_known_path(std::string_view path);

// The last of this name, as the token is the last parameter; empty: there is none. As it is sent.
[[nodiscard]] std::string_view parameter_of(std::string_view query, std::string_view name);

struct OperatorRequest {
  Action action = Action::show_releases;
  std::string app;
  std::string tag;
  std::string host;
  std::string group;
  std::string not_at;  // a tag
  std::string identity;
  std::string by;  // what the client says of itself
  std::string why;
  std::string text;  // of the end of a deploy, for its agents
  bool keep_partial = false;
  std::vector<std::string> orders;  // that he signed, as a signature file has them
  std::optional<uint64_t> serial;
  std::optional<uint64_t> from;
  std::optional<uint64_t> max;
  InfoHash info_hash;
  control::Plan plan;
  bool is_paused = false;  // of `start`: hosts only fetch until the rollout is resumed

  bool operator==(const OperatorRequest&) const = default;
};

// Errors name the parameter or member: one that is not known, missing, or out of bounds. The body
// of `publish` is not looked at: it is a torrent.
[[nodiscard]] Result<OperatorRequest> parse_operator_request(const Route& route,
                                                             std::string_view query,
                                                             std::string_view body);

}  // namespace murder::coordinator
