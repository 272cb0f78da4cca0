#include "engine/codec/http_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/codec/bounds.h"

namespace murder::codec {
namespace {

tl::unexpected<Error> refuse_head(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("HTTP head: {}", what));
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

// RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The part of `text` up to a line end, which is dropped from it as well. A bare LF ends a line too
// (RFC 9112, 2.2).
std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

struct HeadText {
  std::string_view lines;  // start line and fields, each with its line end
  size_t head_bytes = 0;
};

// Finds the empty line that ends a head.
Result<std::optional<HeadText>> find_head(std::span<const uint8_t> input) {
  const std::string_view text =
      as_text_of(input.first(std::min<size_t>(input.size(), limits::http_head_bytes_max)));
  // RFC 9112, 2.2: an empty line before a request line is skipped.
  size_t begin = 0;
  while (begin < text.size() && (text[begin] == '\r' || text[begin] == '\n')) {
    ++begin;
  }
  size_t line_begin = begin;
  for (size_t at = begin; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n') {
      const size_t line_bytes = at - line_begin;
      if (line_bytes == 0 || (line_bytes == 1 && text[line_begin] == '\r')) {
        return HeadText{text.substr(begin, line_begin - begin), at + 1};
      }
      line_begin = at + 1;
    } else if (c == '\r') {
      if (at + 1 < text.size() && text[at + 1] != '\n') {
        return refuse_head("a carriage return within a line");
      }
    } else if ((c >= 0 && c < ' ' && c != '\t') || c == 127) {
      return refuse_head("a control character");
    }
  }
  if (text.size() == limits::http_head_bytes_max) {
    return fail(ErrorCode::limit,
                fmt::format("HTTP head: longer than {} bytes", limits::http_head_bytes_max));
  }
  return std::nullopt;
}

Result<HeaderFields> parse_fields(std::string_view lines) {
  HeaderFields fields;
  while (!lines.empty()) {
    const std::string_view line = take_line(lines);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      return refuse_head("a field without a name");
    }
    if (!fields.add({line.substr(0, colon), trim(line.substr(colon + 1))})) {
      return fail(ErrorCode::limit,
                  fmt::format("HTTP head: more than {} fields", limits::http_fields_max));
    }
  }
  return fields;
}

// "HTTP/1.0" and "HTTP/1.1".
Result<uint8_t> parse_version(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' ||
      !is_digit(text[7])) {
    return refuse_head("no HTTP version");
  }
  if (text[5] != '1') {
    return fail(ErrorCode::unsupported, fmt::format("{} is not supported", text));
  }
  return static_cast<uint8_t>(text[7] - '0');
}

// What RFC 9112 (6 and 9.3) makes of the fields.
struct Framing {
  bool keep_alive = true;
  bool is_chunked = false;
  std::optional<uint64_t> content_bytes;
};

Status read_content_length(Framing& framing, std::string_view value) {
  uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bytes);
  if (error != std::errc{} || end != value.data() + value.size() || bytes > INT64_MAX) {
    return refuse_head("a malformed Content-Length");
  }
  if (framing.content_bytes && *framing.content_bytes != bytes) {
    return refuse_head("two Content-Length fields that differ");
  }
  framing.content_bytes = bytes;
  return {};
}

Result<Framing> parse_framing(const HeaderFields& fields, uint8_t minor_version) {
  Framing framing;
  bool wants_close = false;
  bool wants_keep_alive = minor_version > 0;
  for (const HeaderField& field : fields.all()) {
    if (equal_ignoring_case(field.name, "content-length")) {
      if (Status status = read_content_length(framing, field.value); !status) {
        return fail(std::move(status.error()));
      }
    } else if (equal_ignoring_case(field.name, "transfer-encoding")) {
      if (framing.is_chunked || !equal_ignoring_case(field.value, "chunked")) {
        return fail(ErrorCode::unsupported, "HTTP head: a transfer coding other than chunked");
      }
      framing.is_chunked = true;
    } else if (equal_ignoring_case(field.name, "connection")) {
      std::string_view rest = field.value;
      while (!rest.empty()) {
        const size_t comma = std::min(rest.find(','), rest.size());
        const std::string_view option = trim(rest.substr(0, comma));
        wants_close = wants_close || equal_ignoring_case(option, "close");
        wants_keep_alive = wants_keep_alive || equal_ignoring_case(option, "keep-alive");
        rest.remove_prefix(std::min(comma + 1, rest.size()));
      }
    }
  }
  if (framing.is_chunked && (framing.content_bytes || minor_version == 0)) {
    return refuse_head("Transfer-Encoding where it may not be");
  }
  framing.keep_alive = wants_keep_alive && !wants_close;
  return framing;
}

// Path and query of "/a?b" or "http://host/a?b"; false for anything else.
bool split_target(std::string_view target, RequestHead& head) {
  const size_t scheme_end = target.find("://");
  if (!target.starts_with('/') && scheme_end != std::string_view::npos) {
    target.remove_prefix(scheme_end + 3);
    const size_t authority_end = target.find_first_of("/?");
    target.remove_prefix(std::min(authority_end, target.size()));
  } else if (!target.starts_with('/') && target != "*") {
    return false;
  }
  const size_t question = target.find('?');
  head.path = target.substr(0, question);
  if (head.path.empty()) {
    head.path = "/";
  }
  head.query = question == std::string_view::npos ? "" : target.substr(question + 1);
  return true;
}

}  // namespace

std::optional<std::string_view> HeaderFields::find(std::string_view name) const {
  for (const HeaderField& field : all()) {
    if (equal_ignoring_case(field.name, name)) {
      return field.value;
    }
  }
  return std::nullopt;
}

bool HeaderFields::add(const HeaderField& field) {
  if (count_ == fields_.size()) {
    return false;
  }
  fields_[count_++] = field;
  return true;
}

Result<std::optional<RequestHead>> parse_request_head(std::span<const uint8_t> input) {
  Result<std::optional<HeadText>> text = find_head(input);
  if (!text || !*text) {
    return text.map([](const auto&) -> std::optional<RequestHead> { return std::nullopt; });
  }
  RequestHead head;
  head.head_bytes = (*text)->head_bytes;
  std::string_view rest = (*text)->lines;
  const std::string_view line = take_line(rest);
  const size_t first_blank = line.find(' ');
  const size_t last_blank = line.rfind(' ');
  if (first_blank == std::string_view::npos || first_blank == last_blank) {
    return refuse_head("not a request line");
  }
  head.method = line.substr(0, first_blank);
  const std::string_view target = line.substr(first_blank + 1, last_blank - first_blank - 1);
  if (!is_token(head.method) || target.find_first_of(" \t") != std::string_view::npos ||
      !split_target(target, head)) {
    return refuse_head("not a request line");
  }
  const Result<uint8_t> version = parse_version(line.substr(last_blank + 1));
  if (!version) {
    return fail(version.error());
  }
  head.minor_version = *version;
  Result<HeaderFields> fields = parse_fields(rest);
  if (!fields) {
    return fail(std::move(fields.error()));
  }
  const Result<Framing> framing = parse_framing(*fields, *version);
  if (!framing) {
    return fail(framing.error());
  }
  head.fields = *fields;
  head.keep_alive = framing->keep_alive;
  head.body_bytes = framing->content_bytes.value_or(0);
  if (framing->is_chunked) {
    head.body = BodyKind::chunked;
  } else {
    head.body = head.body_bytes > 0 ? BodyKind::sized : BodyKind::none;
  }
  return head;
}

Result<std::optional<ResponseHead>> parse_response_head(std::span<const uint8_t> input) {
  Result<std::optional<HeadText>> text = find_head(input);
  if (!text || !*text) {
    return text.map([](const auto&) -> std::optional<ResponseHead> { return std::nullopt; });
  }
  ResponseHead head;
  head.head_bytes = (*text)->head_bytes;
  std::string_view rest = (*text)->lines;
  const std::string_view line = take_line(rest);
  const Result<uint8_t> version = parse_version(line.substr(0, 8));
  if (!version) {
    return fail(version.error());
  }
  head.minor_version = *version;
  const std::string_view status = line.substr(std::min<size_t>(line.size(), 8));
  const auto [end, error] =
      std::from_chars(status.data() + std::min<size_t>(1, status.size()),
                      status.data() + std::min<size_t>(4, status.size()), head.status);
  if (status.size() < 4 || status[0] != ' ' || error != std::errc{} || end != status.data() + 4 ||
      head.status < 100 || (status.size() > 4 && status[4] != ' ')) {
    return refuse_head("not a status line");
  }
  head.reason = status.substr(std::min<size_t>(5, status.size()));
  Result<HeaderFields> fields = parse_fields(rest);
  if (!fields) {
    return fail(std::move(fields.error()));
  }
  const Result<Framing> framing = parse_framing(*fields, *version);
  if (!framing) {
    return fail(framing.error());
  }
  head.fields = *fields;
  head.keep_alive = framing->keep_alive;
  head.body_bytes = framing->content_bytes.value_or(0);
  if (head.status < 200 || head.status == 204 || head.status == 304) {
    head.body = BodyKind::none;
    head.body_bytes = 0;
  } else if (framing->is_chunked) {
    head.body = BodyKind::chunked;
  } else if (framing->content_bytes) {
    head.body = head.body_bytes > 0 ? BodyKind::sized : BodyKind::none;
  } else {
    head.body = BodyKind::until_close;
    head.keep_alive = false;
  }
  return head;
}

}  // namespace murder::codec
