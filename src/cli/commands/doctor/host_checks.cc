#include "cli/commands/doctor/host_checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/archive/landlock.h"
#include "engine/base/units.h"
#include "engine/host/cgroup_limits.h"

namespace murder::cli {
namespace {

using tune::backlog_wanted;
using tune::local_ports_wanted;
using tune::locked_bytes_wanted;
using tune::open_files_wanted;
constexpr uint64_t open_files_needed = 1024;
constexpr uint64_t socket_buffer_wanted = tune::socket_buffer_least;
constexpr uint64_t temp_bytes_wanted = 1024ULL * 1024 * 1024;
constexpr uint64_t memory_limit_needed = 64ULL * 1024 * 1024;
constexpr int64_t unix_seconds_2024 = 1'704'067'200;

Finding check_kernel(const HostFacts& facts) {
  Finding finding{.name = "kernel", .text = "Linux " + facts.kernel_release};
  if (facts.features &&
      !facts.features->kernel_at_least(io::kernel_major_min, io::kernel_minor_min)) {
    finding.grade = Grade::could_be_better;
    finding.text += fmt::format(": older than {}.{}", io::kernel_major_min, io::kernel_minor_min);
    finding.mend = fmt::format("install a kernel of {}.{} or newer", io::kernel_major_min,
                               io::kernel_minor_min);
  }
  return finding;
}

// What helps where no ring can be made.
std::string mend_of_ring(const HostFacts& facts) {
  if (facts.io_uring_disabled == "1" || facts.io_uring_disabled == "2") {
    return "sysctl -w kernel.io_uring_disabled=0   # and in /etc/sysctl.d";
  }
  if (facts.features.error().code == ErrorCode::limit) {
    return "ulimit -l unlimited; ulimit -n 65536   # systemd: LimitMEMLOCK=infinity, "
           "LimitNOFILE=65536";
  }
  if (facts.has_seccomp_filter) {
    return "docker|podman run --security-opt seccomp=PROFILE.json   # the runtime's default "
           "profile "
           "with io_uring_setup, io_uring_enter and io_uring_register allowed (or "
           "seccomp=unconfined); Kubernetes: securityContext.seccompProfile with type Localhost; "
           "systemd: SystemCallFilter=@io-event io_uring_setup io_uring_enter io_uring_register";
  }
  if (facts.features.error().code == ErrorCode::unsupported) {
    return fmt::format("boot a kernel of {}.{} or newer with CONFIG_IO_URING=y",
                       io::kernel_major_min, io::kernel_minor_min);
  }
  return "allow io_uring in the security module of this host (SELinux: class io_uring)";
}

Finding check_ring(const HostFacts& facts) {
  if (!facts.features) {
    return {.name = "io_uring",
            .grade = Grade::broken,
            .text = facts.features.error().text,
            .mend = mend_of_ring(facts)};
  }
  const io::KernelFeatures& features = *facts.features;
  const std::vector<std::pair<bool, const char*>> each = {
      {features.single_issuer, "single issuer"},
      {features.defer_taskrun, "deferred task work"},
      {features.buffer_ring, "buffer rings"},
      {features.accept_multishot, "multishot accept"},
      {features.splice, "splice"},
      {features.sendmsg_zero_copy, "zero-copy send"},
      {features.message_ring, "messages between rings"},
      {features.cqe_skip, "skipped completions"},
      {features.wait_timeout, "wait with timeout"},
      {features.recvsend_bundle, "bundles"},
      {features.min_timeout, "minimum timeout"}};
  std::string present;
  std::string absent;
  for (const auto& [is_there, name] : each) {
    std::string& list = is_there ? present : absent;
    list += list.empty() ? name : fmt::format(", {}", name);
  }
  Finding finding{.name = "io_uring", .text = "works: " + present};
  if (!absent.empty()) {
    finding.grade = Grade::could_be_better;
    finding.text += "; without " + absent;
    finding.mend = "install a newer kernel";
  }
  return finding;
}

Finding check_open_files(const HostFacts& facts) {
  Finding finding{.name = "open files",
                  .text = fmt::format("{} (raised to {} when needed)", facts.open_files_soft,
                                      facts.open_files_hard)};
  if (facts.open_files_hard < open_files_wanted) {
    const bool is_broken = facts.open_files_hard < open_files_needed;
    finding.grade = is_broken ? Grade::broken : Grade::could_be_better;
    finding.text += fmt::format(", a tracker of a large fleet wants {}", open_files_wanted);
    finding.mend = fmt::format("ulimit -Hn {0}   # systemd: LimitNOFILE={0}", open_files_wanted);
  }
  return finding;
}

Finding check_locked_memory(const HostFacts& facts) {
  if (facts.may_lock_memory || facts.locked_bytes == UINT64_MAX) {
    return {.name = "locked memory", .text = "no limit"};
  }
  Finding finding{.name = "locked memory", .text = format_size(facts.locked_bytes)};
  if (facts.locked_bytes < locked_bytes_wanted) {
    finding.grade = Grade::could_be_better;
    finding.text += ": too little to register buffers with the kernel";
    finding.mend = "ulimit -l unlimited   # systemd: LimitMEMLOCK=infinity";
  }
  return finding;
}

// A sysctl that should be at least `wanted`.
void check_sysctl(std::vector<Finding>& findings, const std::string& name,
                  const std::optional<uint64_t>& value, uint64_t wanted, const std::string& why,
                  const std::string& setting) {
  if (!value) {
    return;
  }
  Finding finding{.name = name, .text = fmt::format("{}", *value)};
  if (*value < wanted) {
    finding.grade = Grade::could_be_better;
    finding.text += fmt::format(": {}", why);
    finding.mend = fmt::format("sysctl -w {}={}", name, setting);
  }
  findings.push_back(finding);
}

void check_network(std::vector<Finding>& findings, const HostFacts& facts) {
  const std::string backlog = fmt::format("{}", backlog_wanted);
  check_sysctl(findings, "net.core.somaxconn", facts.somaxconn, backlog_wanted,
               "connections are dropped when a fleet arrives at once", backlog);
  check_sysctl(findings, "net.ipv4.tcp_max_syn_backlog", facts.syn_backlog, backlog_wanted,
               "connections are dropped when a fleet arrives at once", backlog);
  const std::string buffer = fmt::format("{}", socket_buffer_wanted);
  const std::string slow = "too small for 10 Gbit/s over some milliseconds";
  check_sysctl(findings, "net.core.rmem_max", facts.receive_buffer_max, socket_buffer_wanted, slow,
               buffer);
  check_sysctl(findings, "net.core.wmem_max", facts.send_buffer_max, socket_buffer_wanted, slow,
               buffer);
  check_sysctl(findings, "net.ipv4.tcp_rmem", facts.tcp_receive_max, socket_buffer_wanted, slow,
               fmt::format("'4096 131072 {}'", socket_buffer_wanted));
  check_sysctl(findings, "net.ipv4.tcp_wmem", facts.tcp_send_max, socket_buffer_wanted, slow,
               fmt::format("'4096 65536 {}'", socket_buffer_wanted));
  check_sysctl(findings, "net.ipv4.ip_local_port_range", facts.local_ports, local_ports_wanted,
               "few ports for outgoing connections",
               fmt::format("'{}'", tune::local_port_range_wanted));
}

Finding check_clock(const HostFacts& facts) {
  Finding finding{.name = "clock", .text = "source " + facts.clock_source};
  if (facts.clock_source.empty()) {
    finding.text = "runs";
  }
  if (facts.unix_seconds < unix_seconds_2024) {
    finding.grade = Grade::could_be_better;
    finding.text += ": its date is in the past";
    finding.mend = "timedatectl set-ntp true";
  } else if (facts.clock_source == "hpet" || facts.clock_source == "acpi_pm") {
    finding.grade = Grade::could_be_better;
    finding.text += ": slow to read";
    finding.mend = "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource";
  }
  return finding;
}

Finding check_temp(const HostFacts& facts) {
  Finding finding{.name = "temp path"};
  if (!facts.temp_free_bytes) {
    finding.grade = Grade::broken;
    finding.text = facts.temp_free_bytes.error().text;
    finding.mend = "murder peer ... --temp-path DIR   # one that can be written to";
    return finding;
  }
  finding.text =
      fmt::format("{}: {} free, {}", facts.temp_path, format_size(*facts.temp_free_bytes),
                  facts.temp_takes_direct_io ? "takes direct I/O" : "no direct I/O");
  if (!facts.temp_has_inodes) {
    finding.grade = Grade::broken;
    finding.text += ", but no inodes: no file can be made";
    finding.mend = "murder peer ... --temp-path DIR   # or remove files there (df -i)";
    return finding;
  }
  if (*facts.temp_free_bytes < temp_bytes_wanted) {
    finding.grade = Grade::could_be_better;
    finding.text += "; archives are kept there";
    finding.mend = "murder peer ... --temp-path DIR   # one with more space";
  }
  return finding;
}

Finding check_memory(const HostFacts& facts) {
  if (!facts.memory_limit_bytes) {
    return {.name = "memory", .text = "no limit"};
  }
  Finding finding{
      .name = "memory",
      .text = fmt::format("at most {} (control group or ulimit -v): --memory is {} when "
                          "it is not given",
                          format_size(*facts.memory_limit_bytes),
                          format_size(host::memory_budget_of(facts.memory_limit_bytes)))};
  if (*facts.memory_limit_bytes < memory_limit_needed) {
    finding.grade = Grade::could_be_better;
    finding.text += ", and that is little";
    finding.mend = fmt::format("allow {} at least   # systemd: MemoryMax, docker: --memory",
                               format_size(memory_limit_needed));
  }
  return finding;
}

// What holds the thread that unpacks (archive/confined_thread.h). Without it everything works.
Finding check_landlock(const HostFacts& facts) {
  if (facts.landlock_version >= archive::landlock_version_min) {
    return {.name = "landlock",
            .text = fmt::format("version {}: unpacking writes nothing outside of its target",
                                facts.landlock_version)};
  }
  return {.name = "landlock",
          .grade = Grade::could_be_better,
          .text = "missing: the kernel does not keep unpacking to its target",
          .mend = facts.has_seccomp_filter
                      ? "allow landlock_create_ruleset, landlock_add_rule and "
                        "landlock_restrict_self in the container's seccomp profile"
                      : "boot with lsm=landlock,$(cat /sys/kernel/security/lsm)   # a kernel with "
                        "CONFIG_SECURITY_LANDLOCK=y"};
}

Finding check_seccomp(const HostFacts& facts) {
  if (facts.takes_syscall_filters) {
    return {.name = "seccomp", .text = "unpacking runs with few system calls"};
  }
  return {.name = "seccomp",
          .grade = Grade::could_be_better,
          .text = "no filters: unpacking could make any system call",
          .mend = "boot a kernel with CONFIG_SECCOMP_FILTER=y"};
}

Finding check_run_directory(const HostFacts& facts) {
  if (!facts.run_directory_usable) {
    return {.name = "run directory",
            .grade = Grade::broken,
            .text = facts.run_directory_usable.error().text,
            .mend = "export MURDER_RUN_DIR=DIR   # one that can be written to"};
  }
  return {.name = "run directory", .text = facts.run_directory};
}

Finding check_sha1(const Sha1Facts& facts) {
  Finding finding{.name = "SHA-1", .text = facts.used};
  if (facts.wanted.empty()) {
    finding.text += fmt::format(": the best of what this processor has ({})", facts.available);
  } else if (facts.is_met) {
    finding.text += fmt::format(": MURDER_SHA1={} asks for it; this processor has {}", facts.wanted,
                                facts.available);
  } else {
    finding.grade = Grade::could_be_better;
    finding.text += fmt::format(": MURDER_SHA1={} asks for what this processor has not; it has {}",
                                facts.wanted, facts.available);
    finding.mend = "unset MURDER_SHA1";
  }
  return finding;
}

std::string_view who_encrypts(KernelTls kernel) {
  switch (kernel) {
    case KernelTls::loaded:
      return "by the kernel";
    case KernelTls::not_loaded:
      return "in the process, or by the kernel with its module (modprobe tls)";
    case KernelTls::none:
      return "in the process: this kernel has no module tls";
  }
  return "";
}

// All are safe: it is a question of processor time.
Finding check_encryption(const HostFacts& facts) {
  return {.name = "encryption",
          .text = fmt::format("--transport tls: {}, {}; this processor has {}instructions for AES",
                              facts.has_fast_aes ? "AES-128-GCM" : "ChaCha20-Poly1305",
                              who_encrypts(facts.kernel_tls), facts.has_fast_aes ? "" : "no ")};
}

// What `murder tune` would change and no check above found.
void add_tuning(std::vector<Finding>& findings, const HostFacts& facts) {
  for (const tune::Change& change : facts.tuning) {
    if (!change.is_pending()) {
      continue;
    }
    const auto known = std::find_if(findings.begin(), findings.end(), [&](const Finding& finding) {
      return finding.name == change.what();
    });
    if (known != findings.end() && known->grade != Grade::ok) {
      continue;
    }
    Finding finding{
        .name = change.what(),
        .grade = Grade::could_be_better,
        .text = fmt::format("{}, {} is wanted: {}", change.now.empty() ? "not set" : change.now,
                            change.wanted, change.why),
        .mend = "murder tune --apply   # what it changes: murder tune"};
    if (known != findings.end()) {
      *known = std::move(finding);
    } else {
      findings.push_back(std::move(finding));
    }
  }
}

}  // namespace

std::string_view text_of(Grade grade) {
  switch (grade) {
    case Grade::ok:
      return "ok";
    case Grade::could_be_better:
      return "could be better";
    case Grade::broken:
      return "broken";
  }
  return "?";
}

std::vector<Finding> check_host(const HostFacts& facts) {
  std::vector<Finding> findings = {check_kernel(facts), check_ring(facts), check_open_files(facts),
                                   check_locked_memory(facts), check_memory(facts)};
  check_network(findings, facts);
  findings.push_back(check_clock(facts));
  findings.push_back(check_sha1(facts.sha1));
  findings.push_back(check_encryption(facts));
  findings.push_back(check_landlock(facts));
  findings.push_back(check_seccomp(facts));
  findings.push_back(check_temp(facts));
  findings.push_back(check_run_directory(facts));
  for (Finding& finding : check_trust(facts.trust)) {
    findings.push_back(std::move(finding));
  }
  findings.push_back(check_fleet_key(facts.fleet_key));
  if (std::optional<Finding> certificate = check_certificate(facts.certificate)) {
    findings.push_back(std::move(*certificate));
  }
  add_tuning(findings, facts);
  return findings;
}

}  // namespace murder::cli
