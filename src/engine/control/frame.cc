#include "engine/control/frame.h"

#include <fmt/format.h>

#include <limits>

#include "engine/base/ensure.h"

namespace murder::control {

void append_frame(std::string& out, std::string_view text) {
  ENSURE(!text.empty() && text.size() <= std::numeric_limits<uint32_t>::max());
  for (unsigned shift = 32; shift > 0;) {
    shift -= 8;
    out.push_back(static_cast<char>(static_cast<uint8_t>(text.size() >> shift)));
  }
  out.append(text);
}

void FrameReader::put(std::span<const std::byte> bytes) {
  ENSURE(taken_ <= buffer_.size());
  if (taken_ > 0) {
    buffer_.erase(0, taken_);
    taken_ = 0;
  }
  buffer_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Result<bool> FrameReader::next(std::string& text) {
  const std::string_view rest = std::string_view(buffer_).substr(taken_);
  if (rest.size() < frame_head_bytes) {
    return false;
  }
  size_t size = 0;
  for (size_t index = 0; index < frame_head_bytes; ++index) {
    size = size << 8U | static_cast<uint8_t>(rest[index]);
  }
  if (size == 0 || size > bytes_max_) {
    return fail(ErrorCode::invalid_input,
                fmt::format("a message of {} bytes; 1 to {} are allowed", size, bytes_max_));
  }
  if (rest.size() - frame_head_bytes < size) {
    return false;
  }
  text.assign(rest.substr(frame_head_bytes, size));
  taken_ += frame_head_bytes + size;
  if (taken_ == buffer_.size()) {
    // Nothing is held while the link is idle: there may be thousands.
    std::string().swap(buffer_);
    taken_ = 0;
  }
  return true;
}

}  // namespace murder::control
