// Which records of a coordinator's log an operator asked for. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/json.h"

namespace murder::cli {

struct AuditFilter {
  std::string app;
  std::string tag;
  std::string host;
  int64_t since_s = 0;  // seconds since 1970

  [[nodiscard]] bool is_set() const {
    return !app.empty() || !tag.empty() || !host.empty() || since_s > 0;
  }
};

// `tag`: of the release that the record is about, or of its rollout; empty: not known, or none.
[[nodiscard]] bool is_asked_for(const AuditFilter& filter, const Json& record,
                                const std::string& tag);

}  // namespace murder::cli
