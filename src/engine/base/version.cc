#include "engine/base/version.h"

namespace murder {

std::string_view program_version() {
  return MURDER_VERSION;
}

std::string_view program_name_and_version() {
  return "murder/" MURDER_VERSION;
}

}  // namespace murder
