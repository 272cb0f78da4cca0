// Which piece a session is to bring next, as the parts that choose say it.
#pragma once

#include <cstdint>

#include "engine/base/types.h"

namespace murder::swarm {

struct PieceChoice {
  enum class Kind : uint8_t {
    none,
    adopt,      // what another left half done, in `buffer`
    start,      // `piece`, in an idle buffer
    join,       // helps with what another brings, in `buffer`
    duplicate,  // a second copy of what is in `buffer`
  };
  Kind kind = Kind::none;
  BufferIndex buffer{};
  PieceIndex piece{};
};

}  // namespace murder::swarm
