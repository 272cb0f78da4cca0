#include "cli/commands/doctor/host_facts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include "cli/commands/tracker/load_certificate.h"
#include "cli/commands/tracker/tracker_config.h"
#include "cli/commands/tune/plan.h"
#include "cli/commands/tune/read_facts.h"
#include "cli/ui/path_word.h"
#include "engine/archive/landlock.h"
#include "engine/archive/syscall_filter.h"
#include "engine/hash/sha1.h"
#include "engine/host/cgroup_limits.h"
#include "engine/host/fleet_key_file.h"
#include "engine/host/release_directory.h"
#include "engine/host/release_trust.h"
#include "engine/host/run_directory.h"
#include "engine/host/trusted_signers.h"
#include "engine/io/kernel_tls.h"
#include "engine/tls/context.h"
#include "engine/trust/openssl.h"

namespace murder::cli {
namespace {

std::string first_line_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// All numbers of a line, as sysctls show them.
std::vector<uint64_t> numbers_of(const std::string& line) {
  std::vector<uint64_t> numbers;
  const char* at = line.data();
  const char* const end = at + line.size();
  while (at < end) {
    uint64_t number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error == std::errc{}) {
      numbers.push_back(number);
      at = next;
    } else {
      ++at;
    }
  }
  return numbers;
}

std::optional<uint64_t> last_number(const std::string& path) {
  const std::vector<uint64_t> numbers = numbers_of(first_line_of(path));
  return numbers.empty() ? std::nullopt : std::optional(numbers.back());
}

std::optional<uint64_t> port_count() {
  const std::vector<uint64_t> range =
      numbers_of(first_line_of("/proc/sys/net/ipv4/ip_local_port_range"));
  if (range.size() != 2 || range[1] < range[0]) {
    return std::nullopt;
  }
  return range[1] - range[0] + 1;
}

void read_limits(HostFacts& facts) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    facts.open_files_soft = limit.rlim_cur;
    facts.open_files_hard = limit.rlim_max;
  }
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
    facts.locked_bytes = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
  }
  facts.may_lock_memory = geteuid() == 0;
}

void read_temp(HostFacts& facts) {
  const char* path = facts.temp_path.c_str();
  struct statvfs status {};
  if (statvfs(path, &status) != 0) {
    facts.temp_free_bytes = fail_errno(errno, facts.temp_path);
    return;
  }
  if (access(path, W_OK | X_OK) != 0) {
    facts.temp_free_bytes = fail_errno(errno, facts.temp_path + ": cannot be written to");
    return;
  }
  facts.temp_free_bytes = static_cast<uint64_t>(status.f_bavail) * status.f_frsize;
  const int fd = open(path, O_TMPFILE | O_RDWR | O_DIRECT | O_CLOEXEC, 0600);
  facts.temp_has_inodes = status.f_files == 0 || status.f_favail > 0;  // some count none
  facts.temp_takes_direct_io = fd >= 0;
  if (fd >= 0) {
    close(fd);
  }
}

bool has_seccomp_filter() {
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("Seccomp:")) {
      return numbers_of(line) == std::vector<uint64_t>{2};  // SECCOMP_MODE_FILTER
    }
  }
  return false;
}

Sha1Facts read_sha1() {
  const char* wanted = std::getenv("MURDER_SHA1");
  const hash::Sha1Choice& choice = hash::sha1_choice();
  return {.wanted = wanted == nullptr ? "" : wanted,
          .is_met = choice.wish != shalanes::Wish::unavailable,
          .used = describe(choice),
          .available = shalanes::available_families<shalanes::Sha1>()};
}

TrustFacts read_trust(const FactsWanted& wanted) {
  TrustFacts facts{
      .path = wanted.allowed_signers.empty() ? host::allowed_signers_path : wanted.allowed_signers,
      .allowed = host::load_trust(wanted.allowed_signers),
      .unix_seconds = std::time(nullptr)};
  if (facts.allowed && *facts.allowed) {
    if (Status started = trust::start_openssl(); !started) {
      facts.allowed = fail(started.error());
      return facts;
    }
    for (const trust::AllowedSigner& signer : (*facts.allowed)->signers) {
      facts.fingerprints.push_back(trust::fingerprint_of(signer.key));
    }
  }
  for (const std::string& directory : wanted.directories) {
    const Result<host::ReleaseRecord> record =
        host::ReleaseDirectory::read_record(clean_path(directory));
    if (!record) {
      facts.unread.push_back(record.error().text);
      continue;
    }
    for (const host::SerialMark& mark : record->serials) {
      facts.targets.push_back({.directory = directory, .mark = mark});
    }
  }
  return facts;
}

CertificateFacts read_certificate() {
  CertificateFacts facts{
      .config_path = "/etc/murder/tracker.toml", .path = {}, .unix_seconds = std::time(nullptr)};
  const Result<TrackerConfig> config = load_tracker_config(facts.config_path);
  if (!config) {
    return facts;  // there is none, or the tracker itself says what is wrong with it
  }
  facts.path = config->tls_cert_path;
  const Result<std::optional<tls::ServerContext>> loaded =
      load_certificate({.certificate = config->tls_cert_path, .key = config->tls_key_path});
  if (!loaded && loaded.error().code == ErrorCode::permission) {
    return facts;  // its key is for the tracker's user alone, as it should be
  }
  if (!loaded) {
    facts.shown = fail(loaded.error());
  } else if (*loaded) {
    facts.shown = ShownCertificate{.expires_s = (*loaded)->expires_s(),
                                   .pin = tls::pin_text((*loaded)->pin())};
  }
  return facts;
}

}  // namespace

HostFacts read_host_facts(const FactsWanted& wanted) {
  HostFacts facts;
  utsname name{};
  if (uname(&name) == 0) {
    facts.kernel_release = name.release;
  }
  facts.features = io::probe_kernel_features();
  facts.io_uring_disabled = first_line_of("/proc/sys/kernel/io_uring_disabled");
  facts.has_seccomp_filter = has_seccomp_filter();
  facts.landlock_version = archive::landlock_version();
  facts.takes_syscall_filters = archive::has_syscall_filters();
  facts.memory_limit_bytes = host::memory_limit();
  read_limits(facts);
  facts.somaxconn = last_number("/proc/sys/net/core/somaxconn");
  facts.syn_backlog = last_number("/proc/sys/net/ipv4/tcp_max_syn_backlog");
  facts.receive_buffer_max = last_number("/proc/sys/net/core/rmem_max");
  facts.send_buffer_max = last_number("/proc/sys/net/core/wmem_max");
  facts.tcp_receive_max = last_number("/proc/sys/net/ipv4/tcp_rmem");
  facts.tcp_send_max = last_number("/proc/sys/net/ipv4/tcp_wmem");
  facts.local_ports = port_count();
  facts.clock_source =
      first_line_of("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  facts.unix_seconds = std::time(nullptr);
  facts.sha1 = read_sha1();
  facts.has_fast_aes = tls::has_fast_aes();
  facts.trust = read_trust(wanted);
  facts.certificate = read_certificate();
  facts.fleet_key = {.path = host::fleet_key_path(), .keys = host::fleet_keys_for("", false)};
  if (Result<tune::Facts> tunable = tune::read_facts("/", "", tune::OwnDropIns::counted)) {
    std::erase_if(tunable->units, [](const tune::UnitFacts& unit) { return !unit.is_installed; });
    facts.tuning = tune::make_plan(*tunable, {}).changes;
    facts.kernel_tls = tunable->modules.contains("tls") ? KernelTls::not_loaded : KernelTls::none;
  }
  if (io::is_kernel_tls_loaded()) {
    facts.kernel_tls = KernelTls::loaded;
  }
  facts.temp_path = wanted.temp_path;
  read_temp(facts);
  const Result<host::RunDirectory> directory = host::RunDirectory::open(wanted.run_directory);
  facts.run_directory = host::choose_run_directory(wanted.run_directory);
  if (!directory) {
    facts.run_directory_usable = fail(directory.error());
  } else if (faccessat(directory->fd(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
    facts.run_directory_usable =
        fail_errno(errno, "run directory " + facts.run_directory + ": cannot be written to");
  }
  return facts;
}

}  // namespace murder::cli
