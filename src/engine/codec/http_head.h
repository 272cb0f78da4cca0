// Heads of HTTP/1.0 and 1.1 requests and replies (RFC 9112), and the chunked body.
//
// Parsing works on what has arrived so far and says "not all here yet" with nullopt: call again
// with more. Nothing is copied: all views point into the caller's bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/codec/bounds.h"

namespace murder::codec {

struct HeaderField {
  std::string_view name;
  std::string_view value;  // without blanks around it
};

// The fields of one head, in their order.
class HeaderFields {
 public:
  // The first field of that name (in any case); nullopt when there is none.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] std::span<const HeaderField> all() const {
    return std::span(fields_).first(count_);
  }
  // False when limits::http_fields_max are in.
  [[nodiscard]] bool add(const HeaderField& field);

 private:
  std::array<HeaderField, limits::http_fields_max> fields_{};
  size_t count_ = 0;
};

enum class BodyKind : uint8_t {
  none,
  sized,        // body_bytes follow
  chunked,      // feed a ChunkedDecoder
  until_close,  // replies only
};

struct RequestHead {
  std::string_view method;
  std::string_view path;   // raw, as sent; of an absolute target what follows the host
  std::string_view query;  // raw, without '?'
  uint8_t minor_version = 1;
  bool keep_alive = true;  // what the other side wants after this message
  BodyKind body = BodyKind::none;
  uint64_t body_bytes = 0;
  size_t head_bytes = 0;  // the body starts there
  HeaderFields fields;
};

// Errors: invalid_input (answer 400), limit (431: longer than limits::http_head_bytes_max or too
// many fields), unsupported (501: a transfer coding or an HTTP version we do not know).
[[nodiscard]] Result<std::optional<RequestHead>> parse_request_head(std::span<const uint8_t> input);

struct ResponseHead {
  uint16_t status = 0;  // 100 .. 999
  std::string_view reason;
  uint8_t minor_version = 1;
  bool keep_alive = true;
  BodyKind body = BodyKind::until_close;  // as for a GET; a reply to HEAD has no body
  uint64_t body_bytes = 0;
  size_t head_bytes = 0;
  HeaderFields fields;
};

[[nodiscard]] Result<std::optional<ResponseHead>> parse_response_head(
    std::span<const uint8_t> input);

// Takes a chunked body apart where it lies. One step consumes some input and names at most one
// stretch of payload in it.
class ChunkedDecoder {
 public:
  struct Step {
    size_t used_bytes = 0;             // drop these from the input; 0: more input is needed
    std::span<const uint8_t> payload;  // within the used bytes
  };

  // Call until is_done() or until a step uses nothing. Errors: malformed framing, a chunk of 2^60
  // bytes or more, extensions or trailers beyond limits::http_head_bytes_max.
  [[nodiscard]] Result<Step> next(std::span<const uint8_t> input);
  [[nodiscard]] bool is_done() const { return state_ == State::done; }

 private:
  enum class State : uint8_t {
    size_first,     // the first digit of a chunk's size
    size,           // further digits
    extension,      // after ';' or blanks, until the line ends
    size_line_end,  // '\n' after '\r'
    data,
    data_end,       // '\r' or '\n' after the data
    data_line_end,  // '\n' after '\r'
    trailer_start,  // at the start of a line after the last chunk
    trailer,
    trailer_line_end,  // '\n' after '\r' of a trailer field
    last_line_end,     // '\n' after '\r' of the empty line
    done,
    broken,
  };

  [[nodiscard]] State after(uint8_t byte);

  State state_ = State::size_first;
  uint64_t chunk_left_bytes_ = 0;
  uint32_t overhead_bytes_ = 0;  // of extensions since the last chunk, or of all trailers
};

struct RequestHeadDraft {
  std::string_view method = "GET";
  std::string_view target = "/";
  std::string_view host;                  // Host: name and port
  std::optional<uint64_t> content_bytes;  // Content-Length, where there is a body
  bool keep_alive = true;
  std::span<const HeaderField> fields;  // more of them; User-Agent is not sent unless named here
};

// HTTP/1.1, with the empty line at the end.
void append_request_head(std::string& out, const RequestHeadDraft& draft);

struct ResponseHeadDraft {
  uint16_t status = 200;
  std::string_view content_type;  // left out when empty
  uint64_t content_bytes = 0;
  bool keep_alive = true;
  std::span<const HeaderField> fields;
};

void append_response_head(std::string& out, const ResponseHeadDraft& draft);

// "OK" for 200, ...; "Unknown" for a status without a name here.
[[nodiscard]] std::string_view reason_phrase(uint16_t status);

}  // namespace murder::codec
