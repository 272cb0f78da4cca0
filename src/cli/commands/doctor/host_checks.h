// What `murder doctor` says about a host. Pure: facts in, findings out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/doctor/certificate_checks.h"
#include "cli/commands/doctor/finding.h"
#include "cli/commands/doctor/fleet_key_checks.h"
#include "cli/commands/doctor/trust_checks.h"
#include "cli/commands/tune/plan.h"
#include "engine/base/result.h"
#include "engine/io/kernel_features.h"

namespace murder::cli {

// Which SHA-1 this process computes, and why.
struct Sha1Facts {
  std::string wanted;  // MURDER_SHA1
  bool is_met = true;  // the processor can do what is wanted
  std::string used;    // "avx512 (16), sha-ni (4, 2, 1 at once)"
  std::string available;
};

// Whether the kernel seals and opens records of links.
enum class KernelTls : uint8_t { none, not_loaded, loaded };

struct HostFacts {
  std::string kernel_release;  // "6.1.0-18-amd64"
  Result<io::KernelFeatures> features = fail(ErrorCode::unsupported, "not probed");
  std::string io_uring_disabled;  // kernel.io_uring_disabled; empty: this kernel has no such switch
  bool has_seccomp_filter = false;             // as containers and some services have
  int landlock_version = 0;                    // 0: none
  bool takes_syscall_filters = false;          // seccomp
  std::optional<uint64_t> memory_limit_bytes;  // of control groups and ulimit -v
  uint64_t open_files_soft = 0;
  uint64_t open_files_hard = 0;
  uint64_t locked_bytes = 0;     // RLIMIT_MEMLOCK; UINT64_MAX: no limit
  bool may_lock_memory = false;  // root: RLIMIT_MEMLOCK does not count
  // Sysctls; nothing where this kernel or network namespace does not show them.
  std::optional<uint64_t> somaxconn;
  std::optional<uint64_t> syn_backlog;
  std::optional<uint64_t> receive_buffer_max;  // net.core.rmem_max
  std::optional<uint64_t> send_buffer_max;     // net.core.wmem_max
  std::optional<uint64_t> tcp_receive_max;     // the last number of net.ipv4.tcp_rmem
  std::optional<uint64_t> tcp_send_max;
  std::optional<uint64_t> local_ports;  // how many net.ipv4.ip_local_port_range holds
  std::string clock_source;
  int64_t unix_seconds = 0;
  std::string temp_path;
  Result<uint64_t> temp_free_bytes = 0;  // an error: it cannot be written to
  bool temp_takes_direct_io = false;
  bool temp_has_inodes = true;
  std::string run_directory;
  Status run_directory_usable;
  Sha1Facts sha1;
  bool has_fast_aes = false;  // instructions for AES
  KernelTls kernel_tls = KernelTls::none;
  TrustFacts trust;
  FleetKeyFacts fleet_key;
  CertificateFacts certificate;
  std::vector<tune::Change> tuning;  // what `murder tune` looks at
};

[[nodiscard]] std::vector<Finding> check_host(const HostFacts& facts);

}  // namespace murder::cli
