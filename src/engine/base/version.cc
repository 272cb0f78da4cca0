#include "engine/base/version.h"

namespace murder {

std::string_view program_version() {
  return MURDER_VERSION;
}

}  // namespace murder
