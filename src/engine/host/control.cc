#include "engine/host/control.h"

#include <unistd.h>

namespace murder::host {
namespace {

http::Response json_response(int status, const Json& body) {
  return {.status = status, .content_type = "application/json", .body = json_text(body) + "\n"};
}

}  // namespace

Json json_of(const ProcessStatus& status) {
  Json json = {{"kind", status.kind},
               {"tag", status.tag},
               {"pid", getpid()},
               {"phase", status.phase},
               {"address", status.address},
               {"info_hash", status.info_hash},
               {"done_bytes", status.done_bytes},
               {"total_bytes", status.total_bytes},
               {"sent_bytes", status.sent_bytes},
               {"peers", status.peers}};
  if (status.details.is_object()) {
    json["details"] = status.details;
  }
  return json;
}

http::Response ControlHandler::handle(const http::Request& request, Instant now) {
  (void)now;
  if (request.path == "/status") {
    return json_response(200, json_of(source_.status()));
  }
  if (request.path == "/stop") {
    if (request.method != "POST") {
      return json_response(405,
                           json_of_error({ErrorCode::invalid_input, "/stop: use POST, not GET"}));
    }
    source_.request_stop();
    return json_response(200, {{"stopping", true}});
  }
  return json_response(404, json_of_error({ErrorCode::not_found, "there is /status and /stop"}));
}

}  // namespace murder::host
