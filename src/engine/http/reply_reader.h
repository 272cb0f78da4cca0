// Reads one HTTP reply as its bytes arrive. For the sources of this layer.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/base/result.h"
#include "engine/codec/bounds.h"
#include "engine/codec/http_head.h"

namespace murder::http {

// Pure. Bounded by limits::http_head_bytes_max and body_bytes_max; replies of 1xx are passed over.
class ReplyReader {
 public:
  explicit ReplyReader(uint64_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  // Errors: what is not HTTP, and bodies over the bound. Bytes after the end are ignored.
  [[nodiscard]] Status feed(std::span<const uint8_t> bytes);
  // The connection was closed by the other side. Error when something was still to come.
  [[nodiscard]] Status feed_end();
  [[nodiscard]] bool is_done() const { return state_ == State::done; }

  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] const std::string& location() const { return location_; }
  [[nodiscard]] const std::string& content_type() const { return content_type_; }
  [[nodiscard]] std::string take_body() { return std::move(body_); }

 private:
  enum class State : uint8_t { head, sized, chunked, until_close, done };

  [[nodiscard]] Result<size_t> feed_head(std::span<const uint8_t> bytes);
  void take_head(const codec::ResponseHead& head);
  [[nodiscard]] Result<size_t> feed_chunked(std::span<const uint8_t> bytes);
  [[nodiscard]] Status append(std::span<const uint8_t> bytes);

  uint64_t body_bytes_max_;
  State state_ = State::head;
  int status_ = 0;
  uint64_t body_left_bytes_ = 0;  // state sized
  codec::ChunkedDecoder chunked_;
  std::string head_;
  std::string location_;
  std::string content_type_;
  std::string body_;
};

}  // namespace murder::http
