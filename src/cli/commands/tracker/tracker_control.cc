#include "cli/commands/tracker/tracker_control.h"

#include <algorithm>

#include "engine/base/types.h"
#include "engine/host/deploy_key.h"

namespace murder::cli {
namespace {

http::Response answer(int status, const Json& body) {
  return {.status = status, .content_type = "application/json", .body = json_text(body) + "\n"};
}

}  // namespace

http::Response TrackerControl::handle(const http::Request& request, Instant now) {
  if (request.path == host::deploy_key_path && request.method == "POST") {
    return take_key(as_text_of(request.body));
  }
  return all_.handle(request, now);
}

http::Response TrackerControl::take_key(std::string_view body) {
  const Result<host::DeployKeyMessage> message = host::parse_deploy_key_message(body);
  if (!message) {
    return answer(400, json_of_error(message.error()));
  }
  if (!message->key) {
    server_.remove_deploy_key(message->deploy);
    return answer(200, {{"taken", true}});
  }
  const Status added = server_.add_deploy_key(message->deploy, *message->key);
  return added ? answer(200, {{"taken", true}}) : answer(409, json_of_error(added.error()));
}

}  // namespace murder::cli
