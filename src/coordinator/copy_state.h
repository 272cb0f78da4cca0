// How far the coordinator's own copy of a release is.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/types.h"

namespace murder::coordinator {

enum class CopyPhase : uint8_t { none, fetching, complete };

struct CopyState {
  CopyPhase phase = CopyPhase::none;
  uint64_t copy_bytes = 0;
  uint64_t total_bytes = 0;  // of the release's content; 0: not known yet
};

[[nodiscard]] constexpr std::string_view name_of(CopyPhase phase) {
  constexpr std::string_view names[] = {"none", "fetching", "complete"};
  return names[static_cast<size_t>(phase)];
}

class CopySource {
 public:
  [[nodiscard]] virtual CopyState copy_of(const InfoHash& info_hash) const = 0;

 protected:
  ~CopySource() = default;
};

}  // namespace murder::coordinator
