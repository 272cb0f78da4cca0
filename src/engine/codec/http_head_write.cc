#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "engine/base/ensure.h"
#include "engine/codec/http_head.h"

namespace murder::codec {
namespace {

bool is_one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n'; });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  ENSURE(!name.empty() && is_one_line(name) && is_one_line(value));
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_rest(std::string& out, bool keep_alive, std::span<const HeaderField> fields) {
  append_field(out, "Connection", keep_alive ? "keep-alive" : "close");
  for (const HeaderField& field : fields) {
    append_field(out, field.name, field.value);
  }
  out.append("\r\n");
}

}  // namespace

void append_request_head(std::string& out, const RequestHeadDraft& draft) {
  ENSURE(draft.target.find_first_of(" \r\n") == std::string_view::npos && !draft.target.empty());
  fmt::format_to(std::back_inserter(out), "{} {} HTTP/1.1\r\n", draft.method, draft.target);
  append_field(out, "Host", draft.host);
  if (draft.content_bytes) {
    append_field(out, "Content-Length", fmt::format_int(*draft.content_bytes).c_str());
  }
  append_rest(out, draft.keep_alive, draft.fields);
}

void append_response_head(std::string& out, const ResponseHeadDraft& draft) {
  ENSURE(draft.status >= 100 && draft.status <= 999);
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", draft.status,
                 reason_phrase(draft.status));
  if (!draft.content_type.empty()) {
    append_field(out, "Content-Type", draft.content_type);
  }
  append_field(out, "Content-Length", fmt::format_int(draft.content_bytes).c_str());
  append_rest(out, draft.keep_alive, draft.fields);
}

std::string_view reason_phrase(uint16_t status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 421:
      return "Misdirected Request";
    case 426:
      return "Upgrade Required";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

}  // namespace murder::codec
