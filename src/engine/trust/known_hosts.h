// Which ssh keys hosts have: a file in the format of SSH_KNOWN_HOSTS in sshd(8), as administrators
// keep it (/etc/ssh/ssh_known_hosts) and ssh-keyscan writes it. Names in plain, with patterns, or
// hashed; @cert-authority and @revoked.
//
// A line that is not understood counts for no host, as with ssh.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/trust/certificate.h"
#include "engine/trust/public_key.h"

namespace murder::trust {

struct KnownHost {
  uint32_t line = 0;  // from 1
  enum class Mark : uint8_t { none, authority, revoked } mark = Mark::none;
  std::string names;  // a list of patterns in lower case, or one that is hashed
  PublicKey key;
};

// For one thread; as large as its file.
class KnownHosts {
 public:
  // Errors: too large.
  [[nodiscard]] static Result<KnownHosts> parse(std::string_view text);

  // Whether `host`, whose sshd has this port, has the key by the file. Errors (untrusted) are of
  // the form "its key SHA256:... ...". Costs a search for the key and a look at its lines.
  [[nodiscard]] Status check(std::string_view host, uint16_t port, const PublicKey& key) const;
  // The same by the authority of a certificate, which is verified. start_openssl() was called.
  [[nodiscard]] Status check(std::string_view host, uint16_t port, const Certificate& certificate,
                             int64_t now_s) const;

  [[nodiscard]] size_t size() const { return hosts_.size(); }
  // Lines that were not understood.
  [[nodiscard]] size_t fault_count() const { return fault_count_; }

 private:
  // The line of that key for that host; null: none.
  [[nodiscard]] const KnownHost* find(const std::string& name, const PublicKey& key,
                                      KnownHost::Mark mark) const;

  std::vector<KnownHost> hosts_;  // sorted by key
  size_t fault_count_ = 0;
};

}  // namespace murder::trust
