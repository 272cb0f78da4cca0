#include "engine/archive/piece_size.h"

#include <fmt/format.h>

#include "engine/base/bounds.h"
#include "engine/base/units.h"

namespace murder::archive {

Status validate_piece_size(uint64_t piece_bytes) {
  if (!std::has_single_bit(piece_bytes) || piece_bytes < limits::piece_bytes_min ||
      piece_bytes > limits::piece_bytes_max) {
    return fail(ErrorCode::invalid_input,
                fmt::format("the piece size is {} bytes: it must be a power of two from {} to {}",
                            piece_bytes, format_size(limits::piece_bytes_min),
                            format_size(limits::piece_bytes_max)));
  }
  return {};
}

}  // namespace murder::archive
