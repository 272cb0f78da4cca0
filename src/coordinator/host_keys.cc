#include "coordinator/host_keys.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

#include "engine/base/printable.h"
#include "engine/host/known_hosts_file.h"
#include "engine/trust/host_proof.h"
#include "engine/trust/signature_file.h"

namespace murder::coordinator {
bool HostKeys::Seen::operator==(const Seen& other) const {
  return inode == other.inode && size == other.size &&
         changed_at.tv_sec == other.changed_at.tv_sec &&
         changed_at.tv_nsec == other.changed_at.tv_nsec;
}

HostKeys::Seen HostKeys::look() const {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) {
    return {};
  }
  return {.inode = status.st_ino, .size = status.st_size, .changed_at = status.st_ctim};
}

Result<HostKeys> HostKeys::open(std::string path) {
  HostKeys keys(std::move(path));
  keys.seen_ = keys.look();
  Result<trust::KnownHosts> known = host::load_known_hosts(keys.path_);
  if (!known) {
    return fail(known.error());
  }
  keys.known_ = std::move(*known);
  return keys;
}

void HostKeys::read_again() {
  const Seen seen = look();
  if (seen == seen_) {
    return;
  }
  seen_ = seen;
  Result<trust::KnownHosts> known = host::load_known_hosts(path_);
  if (known) {
    known_ = std::move(*known);
  } else {
    warning_ = fmt::format("known hosts not read again, those before stay: {}", known.error().text);
  }
}

Status HostKeys::check(const Claim& claim, int64_t now_s) {
  read_again();
  if (claim.host_proof.empty()) {
    return fail(ErrorCode::untrusted,
                fmt::format("{} brings no signature of its ssh key: its agent runs as root, or "
                            "agent.toml names a host_key that it can read",
                            printable_value(claim.host)));
  }
  const Result<codec::SignedStatement> proof = trust::parse_signature_file(claim.host_proof);
  if (!proof) {
    return fail(ErrorCode::untrusted, proof.error().text);
  }
  return trust::verify_host_proof(
      *proof, known_, {.host = claim.host, .agent_key = claim.agent_key, .now_s = now_s});
}

}  // namespace murder::coordinator
