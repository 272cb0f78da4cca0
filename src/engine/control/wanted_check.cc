#include "engine/control/wanted_check.h"

#include <algorithm>

#include "engine/control/bounds.h"

namespace murder::control {

bool is_possible(const Wanted& wanted) {
  return wanted.revision <= limits::control_records_max &&
         (wanted.greeting.number >> 32U) <= limits::control_starts_max &&
         std::all_of(wanted.apps.begin(), wanted.apps.end(), [&](const WantedApp& app) {
           return app.attempt <= limits::control_records_max;
         });
}

}  // namespace murder::control
