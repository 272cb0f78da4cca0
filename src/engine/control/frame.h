// Messages on an agent's link: four bytes of length (big endian, of what follows), then the text.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace murder::control {

inline constexpr size_t frame_head_bytes = 4;

// At the end of `out`.
void append_frame(std::string& out, std::string_view text);

// What comes in, in whatever pieces, as texts. Bounded by one text of `bytes_max` and what was put
// in since the last next().
class FrameReader {
 public:
  explicit FrameReader(size_t bytes_max) : bytes_max_(bytes_max) {}

  void put(std::span<const std::byte> bytes);
  // True: `text` is the next one. False: more has to come. Error: a length of zero or beyond the
  // bound; nothing can be read any more.
  [[nodiscard]] Result<bool> next(std::string& text);

 private:
  size_t bytes_max_;
  std::string buffer_;
  size_t taken_ = 0;  // of the buffer
};

}  // namespace murder::control
