#include "cli/control/audit_filter.h"

namespace murder::cli {

bool is_asked_for(const AuditFilter& filter, const Json& record, const std::string& tag) {
  return (filter.app.empty() || text_member(record, "app") == filter.app) &&
         (filter.host.empty() || text_member(record, "host") == filter.host) &&
         (filter.tag.empty() || tag == filter.tag) &&
         (filter.since_s <= 0 ||
          count_member(record, "at") >= static_cast<uint64_t>(filter.since_s));
}

}  // namespace murder::cli
