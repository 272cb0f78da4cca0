#include "engine/swarm/close_reason.h"

#include <array>

namespace murder::swarm {
namespace {

struct Description {
  std::string_view name;
  std::string_view text;
};

constexpr std::array<Description, close_reason_count> descriptions = {{
#define MURDER_CLOSE_REASON_DESCRIPTION(name, text) {#name, text},
    MURDER_CLOSE_REASONS(MURDER_CLOSE_REASON_DESCRIPTION)
#undef MURDER_CLOSE_REASON_DESCRIPTION
}};

}  // namespace

std::string_view close_reason_text(CloseReason reason) {
  return descriptions[static_cast<size_t>(reason)].text;
}

std::string_view close_reason_name(CloseReason reason) {
  return descriptions[static_cast<size_t>(reason)].name;
}

}  // namespace murder::swarm
