#include "engine/control/report_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/control/bounds.h"
#include "engine/control/names.h"

namespace murder::control {

Status check_report(const Report& report) {
  if (Status host = validate_host(report.host); !host) {
    return host;
  }
  if (report.groups.size() > limits::control_list_max ||
      report.apps.size() > limits::control_list_max) {
    return fail(ErrorCode::limit, fmt::format("{} reports more than {} groups or apps", report.host,
                                              limits::control_list_max));
  }
  for (const AppReport& app : report.apps) {
    const auto same = std::count_if(report.apps.begin(), report.apps.end(),
                                    [&](const AppReport& other) { return other.app == app.app; });
    if (same != 1 || app.ready.size() > limits::control_list_max) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("{} reports an app twice, or more than {} releases of it",
                              report.host, limits::control_list_max));
    }
  }
  return {};
}

}  // namespace murder::control
