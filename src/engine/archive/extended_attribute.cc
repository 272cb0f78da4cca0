#include "engine/archive/extended_attribute.h"

namespace murder::archive {

bool is_portable_attribute(std::string_view name) {
  return name.starts_with("user.") || name == "security.capability" ||
         name == "system.posix_acl_access" || name == "system.posix_acl_default" ||
         (name.starts_with("trusted.") && !name.starts_with("trusted.overlay."));
}

}  // namespace murder::archive
