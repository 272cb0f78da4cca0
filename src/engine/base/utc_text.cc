#include "engine/base/utc_text.h"

#include <array>
#include <ctime>

namespace murder {

std::string utc_text_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  std::array<char, 32> text{};
  (void)std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
  return text.data();
}

}  // namespace murder
