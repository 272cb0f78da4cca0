// A fuzz target of two parsers: the first byte says which one gets the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/types.h"

namespace murder {

inline void parse_by_first_byte(const uint8_t* data, size_t size, void (*even)(std::string_view),
                                void (*odd)(std::string_view)) {
  if (size > 0) {
    (data[0] % 2 == 0 ? even : odd)(as_text_of({data + 1, size - 1}));
  }
}

}  // namespace murder
