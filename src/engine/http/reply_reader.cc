#include "engine/http/reply_reader.h"

#include <algorithm>

#include "engine/base/types.h"
#include "engine/base/units.h"

namespace murder::http {

Status ReplyReader::feed(std::span<const uint8_t> bytes) {
  while (!bytes.empty() && state_ != State::done) {
    Result<size_t> used = bytes.size();
    switch (state_) {
      case State::head:
        used = feed_head(bytes);
        break;
      case State::sized: {
        const size_t size = static_cast<size_t>(std::min<uint64_t>(bytes.size(), body_left_bytes_));
        if (const Status status = append(bytes.first(size)); !status) {
          return status;
        }
        body_left_bytes_ -= size;
        used = size;
        break;
      }
      case State::chunked:
        used = feed_chunked(bytes);
        break;
      case State::until_close:
        if (const Status status = append(bytes); !status) {
          return status;
        }
        break;
      case State::done:
        break;
    }
    if (!used) {
      return fail(used.error());
    }
    bytes = bytes.subspan(*used);
    if (state_ == State::sized && body_left_bytes_ == 0) {
      state_ = State::done;
    }
  }
  return {};
}

// Returns how many of the bytes belong to the head.
Result<size_t> ReplyReader::feed_head(std::span<const uint8_t> bytes) {
  const size_t size_before = head_.size();
  head_.append(as_text_of(bytes));
  const Result<std::optional<codec::ResponseHead>> parsed =
      codec::parse_response_head(as_bytes_of(head_));
  if (!parsed) {
    return fail(parsed.error());
  }
  if (!*parsed) {
    return bytes.size();
  }
  const codec::ResponseHead& head = **parsed;
  const size_t used = head.head_bytes - size_before;
  if (head.status >= 200) {
    if (head.body == codec::BodyKind::sized && head.body_bytes > body_bytes_max_) {
      return fail(ErrorCode::limit, "the body has " + std::to_string(head.body_bytes) +
                                        " bytes, more than the " + format_size(body_bytes_max_) +
                                        " expected at most");
    }
    take_head(head);
  }
  head_.clear();
  return used;
}

void ReplyReader::take_head(const codec::ResponseHead& head) {
  status_ = head.status;
  location_ = head.fields.find("Location").value_or("");
  content_type_ = head.fields.find("Content-Type").value_or("");
  switch (head.body) {
    case codec::BodyKind::none:
      state_ = State::done;
      break;
    case codec::BodyKind::sized:
      body_left_bytes_ = head.body_bytes;
      state_ = head.body_bytes > 0 ? State::sized : State::done;
      break;
    case codec::BodyKind::chunked:
      state_ = State::chunked;
      break;
    case codec::BodyKind::until_close:
      state_ = State::until_close;
      break;
  }
}

Result<size_t> ReplyReader::feed_chunked(std::span<const uint8_t> bytes) {
  size_t used = 0;
  while (used < bytes.size() && !chunked_.is_done()) {
    const Result<codec::ChunkedDecoder::Step> step = chunked_.next(bytes.subspan(used));
    if (!step) {
      return fail(step.error());
    }
    if (step->used_bytes == 0) {
      break;
    }
    if (const Status status = append(step->payload); !status) {
      return fail(status.error());
    }
    used += step->used_bytes;
  }
  if (chunked_.is_done()) {
    state_ = State::done;
  } else if (used < bytes.size()) {
    return fail(ErrorCode::invalid_input, "the chunked body of the reply is malformed");
  }
  return used;
}

Status ReplyReader::append(std::span<const uint8_t> bytes) {
  if (bytes.size() > body_bytes_max_ - body_.size()) {
    return fail(ErrorCode::limit,
                "the body has more than the " + format_size(body_bytes_max_) + " expected at most");
  }
  body_.append(as_text_of(bytes));
  return {};
}

Status ReplyReader::feed_end() {
  switch (state_) {
    case State::until_close:
      state_ = State::done;
      return {};
    case State::done:
      return {};
    case State::head:
      return fail(ErrorCode::network, head_.empty()
                                          ? "the connection was closed without an answer"
                                          : "the connection was closed amid the answer's head");
    case State::sized:
    case State::chunked:
      break;
  }
  return fail(ErrorCode::network, "the connection was closed amid the answer's body, after " +
                                      std::to_string(body_.size()) + " bytes");
}

}  // namespace murder::http
