#include <algorithm>

#include "engine/codec/bounds.h"
#include "engine/codec/http_head.h"

namespace murder::codec {
namespace {

int hex_value(uint8_t byte) {
  if (byte >= '0' && byte <= '9') {
    return byte - '0';
  }
  if (byte >= 'a' && byte <= 'f') {
    return byte - 'a' + 10;
  }
  if (byte >= 'A' && byte <= 'F') {
    return byte - 'A' + 10;
  }
  return -1;
}

}  // namespace

// One byte of framing (any state but data, done and broken).
ChunkedDecoder::State ChunkedDecoder::after(uint8_t byte) {
  switch (state_) {
    case State::size_first:
    case State::size: {
      const int digit = hex_value(byte);
      if (digit >= 0) {
        if (chunk_left_bytes_ >= uint64_t{1} << 56U) {
          return State::broken;
        }
        chunk_left_bytes_ = chunk_left_bytes_ * 16 + static_cast<uint64_t>(digit);
        return State::size;
      }
      if (state_ == State::size_first) {
        return State::broken;
      }
      if (byte == ';' || byte == ' ' || byte == '\t') {
        return State::extension;
      }
      break;
    }
    case State::extension:
      if (byte != '\r' && byte != '\n') {
        return State::extension;
      }
      break;
    case State::data_end:
      if (byte == '\r') {
        return State::data_line_end;
      }
      return byte == '\n' ? State::size_first : State::broken;
    case State::data_line_end:
      return byte == '\n' ? State::size_first : State::broken;
    case State::trailer_start:
      if (byte == '\r') {
        return State::last_line_end;
      }
      return byte == '\n' ? State::done : State::trailer;
    case State::trailer:
      if (byte == '\r') {
        return State::trailer_line_end;
      }
      return byte == '\n' ? State::trailer_start : State::trailer;
    case State::trailer_line_end:
      return byte == '\n' ? State::trailer_start : State::broken;
    case State::last_line_end:
      return byte == '\n' ? State::done : State::broken;
    case State::size_line_end:
      break;
    case State::data:
    case State::done:
    case State::broken:
      return State::broken;
  }
  // The line of a chunk's size ends here, if it does.
  if (byte == '\r' && state_ != State::size_line_end) {
    return State::size_line_end;
  }
  if (byte != '\n') {
    return State::broken;
  }
  overhead_bytes_ = 0;
  return chunk_left_bytes_ == 0 ? State::trailer_start : State::data;
}

Result<ChunkedDecoder::Step> ChunkedDecoder::next(std::span<const uint8_t> input) {
  size_t at = 0;
  while (at < input.size() && state_ != State::done && state_ != State::broken) {
    if (state_ == State::data) {
      const size_t payload_bytes = std::min<uint64_t>(chunk_left_bytes_, input.size() - at);
      chunk_left_bytes_ -= payload_bytes;
      if (chunk_left_bytes_ == 0) {
        state_ = State::data_end;
      }
      return Step{at + payload_bytes, input.subspan(at, payload_bytes)};
    }
    state_ = after(input[at]);
    ++at;
    ++overhead_bytes_;
    if (overhead_bytes_ > limits::http_head_bytes_max) {
      state_ = State::broken;
    }
  }
  if (state_ == State::broken) {
    return fail(ErrorCode::invalid_input, "HTTP body: malformed chunks");
  }
  return Step{at, {}};
}

}  // namespace murder::codec
