// Which agents are of the hosts that they name, by ssh keys of those (--enrol known_hosts:FILE).
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/result.h"
#include "engine/trust/known_hosts.h"
#include "engine/trust/public_key.h"

namespace murder::coordinator {

// On one thread. The file is looked at for each claim, and read again when it is another one; one
// that cannot be read then is passed over, and the one before stays.
class HostKeys {
 public:
  // Errors: it cannot be read now. Blocks, as all here.
  [[nodiscard]] static Result<HostKeys> open(std::string path);

  struct Claim {
    std::string_view host;
    const trust::PublicKey* agent_key = nullptr;  // that the agent proved
    std::string_view host_proof;                  // as it came; empty: none
  };
  // Errors (untrusted) are for the agent's log.
  [[nodiscard]] Status check(const Claim& claim, int64_t now_s);
  // Why the file that is there now is not used; once.
  [[nodiscard]] std::string take_warning() { return std::exchange(warning_, {}); }

 private:
  struct Seen {
    uint64_t inode = 0;
    int64_t size = 0;
    timespec changed_at{};
    bool operator==(const Seen& other) const;
  };
  explicit HostKeys(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] Seen look() const;
  void read_again();

  std::string path_;
  Seen seen_;
  trust::KnownHosts known_;
  std::string warning_;
};

}  // namespace murder::coordinator
