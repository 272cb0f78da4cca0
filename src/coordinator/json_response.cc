#include "coordinator/json_response.h"

#include <utility>

#include "engine/base/json_writer.h"

namespace murder::coordinator {
namespace {

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_input:
    case ErrorCode::unsupported:
      return 400;
    case ErrorCode::permission:
    case ErrorCode::untrusted:
      return 403;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::exists:
    case ErrorCode::conflict:
    case ErrorCode::limit:
      return 409;
    case ErrorCode::no_space:
      return 507;
    case ErrorCode::io:
    case ErrorCode::network:
    case ErrorCode::timeout:
    case ErrorCode::interrupted:
      return 503;
  }
  return 500;
}

}  // namespace

http::Response json_answer(std::string text, int status) {
  text += '\n';
  return {.status = status,
          .content_type = std::string(json_type),
          .body = std::move(text),
          .fields = {{"Cache-Control", "no-store"}}};
}

http::Response json_error(int status, std::string_view text) {
  JsonWriter json;
  json.begin_object();
  json.member("error", text);
  json.end_object();
  return json_answer(json.take(), status);
}

http::Response json_error(const Error& error) {
  return json_error(status_of(error.code), error.text);
}

http::Response json_leads_elsewhere(std::string_view leader) {
  JsonWriter json;
  json.begin_object();
  json.member("error", leader.empty() ? std::string_view("another coordinator leads")
                                      : std::string_view("another coordinator leads, see leader"));
  json.member("leader", leader);
  json.end_object();
  return json_answer(json.take(), 421);
}

}  // namespace murder::coordinator
