#include "cli/fleet/reach/session_pool.h"

#include <utility>

namespace murder::fleet {

void SessionPool::keep(HostIndex host, std::unique_ptr<Running> session) {
  if (session->is_reusable()) {
    idle_.try_emplace(host.raw, std::move(session));
  }
}

std::unique_ptr<Running> SessionPool::begin(HostIndex host, Running::Options& options,
                                            std::string_view line) {
  const auto idle = idle_.find(host.raw);
  if (idle == idle_.end()) {
    return nullptr;
  }
  std::unique_ptr<Running> session = std::move(idle->second);
  idle_.erase(idle);
  if (!session->is_reusable()) {
    return nullptr;
  }
  session->begin(std::move(options), line);
  return session;
}

void SessionPool::drop_one() {
  if (!idle_.empty()) {
    idle_.erase(idle_.begin());
  }
}

}  // namespace murder::fleet
