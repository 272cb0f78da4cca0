#include "cli/commands/doctor/host_checks.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace murder::cli {
namespace {

constexpr uint64_t gibibyte = 1024ULL * 1024 * 1024;

HostFacts good_host() {
  HostFacts facts;
  facts.kernel_release = "6.18.0";
  facts.features = io::KernelFeatures{.kernel_major = 6,
                                      .kernel_minor = 18,
                                      .single_issuer = true,
                                      .defer_taskrun = true,
                                      .coop_taskrun = true,
                                      .buffer_ring = true,
                                      .accept_multishot = true,
                                      .splice = true,
                                      .sendmsg_zero_copy = true,
                                      .message_ring = true,
                                      .cqe_skip = true,
                                      .wait_timeout = true,
                                      .recvsend_bundle = true,
                                      .min_timeout = true};
  facts.open_files_soft = 1024;
  facts.open_files_hard = 1'048'576;
  facts.locked_bytes = UINT64_MAX;
  facts.somaxconn = 4096;
  facts.syn_backlog = 8192;
  facts.receive_buffer_max = 16 * 1024 * 1024;
  facts.send_buffer_max = 16 * 1024 * 1024;
  facts.tcp_receive_max = 6 * 1024 * 1024;
  facts.tcp_send_max = 4 * 1024 * 1024;
  facts.local_ports = 28'232;
  facts.landlock_version = 4;
  facts.takes_syscall_filters = true;
  facts.clock_source = "tsc";
  facts.unix_seconds = 1'800'000'000;
  facts.temp_path = "/tmp";
  facts.temp_free_bytes = 100 * gibibyte;
  facts.temp_takes_direct_io = true;
  facts.run_directory = "/run/murder";
  return facts;
}

const Finding& named(const std::vector<Finding>& findings, const std::string& name) {
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [&name](const Finding& each) { return each.name == name; });
  REQUIRE(found != findings.end());
  return *found;
}

}  // namespace

TEST_CASE(
    "the choice of SHA-1 is named with its reason; a wish that cannot be met could be better") {
  HostFacts facts = good_host();
  facts.sha1 = {.used = "avx2 (8)", .available = "avx2, openssl"};
  CHECK(named(check_host(facts), "SHA-1").text ==
        "avx2 (8): the best of what this processor has (avx2, openssl)");
  facts.sha1.wanted = "avx2";
  CHECK(named(check_host(facts), "SHA-1").grade == Grade::ok);
  CHECK(named(check_host(facts), "SHA-1").text ==
        "avx2 (8): MURDER_SHA1=avx2 asks for it; this processor has avx2, openssl");
  facts.sha1.wanted = "sha-ni";
  facts.sha1.is_met = false;
  CHECK(named(check_host(facts), "SHA-1").grade == Grade::could_be_better);
  CHECK(named(check_host(facts), "SHA-1").mend == "unset MURDER_SHA1");
}

TEST_CASE("the cipher of --transport tls is named, by what the processor has") {
  HostFacts facts = good_host();
  CHECK(named(check_host(facts), "encryption").text.find("ChaCha20-Poly1305") != std::string::npos);
  facts.has_fast_aes = true;
  const Finding aes = named(check_host(facts), "encryption");
  CHECK(aes.grade == Grade::ok);
  CHECK(aes.text.find("AES-128-GCM, in the process") != std::string::npos);
  facts.kernel_tls = KernelTls::not_loaded;
  CHECK(named(check_host(facts), "encryption").text.find("modprobe tls") != std::string::npos);
  facts.kernel_tls = KernelTls::loaded;
  CHECK(named(check_host(facts), "encryption").text.find("by the kernel;") != std::string::npos);
}

TEST_CASE("a good host has nothing to mend") {
  for (const Finding& finding : check_host(good_host())) {
    CAPTURE(finding.name);
    CHECK(finding.grade == Grade::ok);
    CHECK(finding.mend.empty());
  }
}

TEST_CASE("whatever is not ok names the line that mends it") {
  HostFacts facts;
  facts.features = fail(ErrorCode::unsupported, "io_uring is switched off");
  facts.somaxconn = 128;
  facts.syn_backlog = 128;
  facts.receive_buffer_max = 212'992;
  facts.send_buffer_max = 212'992;
  facts.tcp_receive_max = 100'000;
  facts.tcp_send_max = 100'000;
  facts.local_ports = 100;
  facts.temp_free_bytes = fail(ErrorCode::permission, "/x: cannot be written to");
  facts.run_directory_usable = fail(ErrorCode::permission, "/y: cannot be made");
  const std::vector<Finding> findings = check_host(facts);
  for (const Finding& finding : findings) {
    CAPTURE(finding.name);
    CHECK((finding.grade == Grade::ok) == finding.mend.empty());
  }
  CHECK(named(findings, "io_uring").grade == Grade::broken);
  CHECK(named(findings, "open files").grade == Grade::broken);
  CHECK(named(findings, "temp path").grade == Grade::broken);
  CHECK(named(findings, "run directory").grade == Grade::broken);
  CHECK(named(findings, "net.core.somaxconn").mend == "sysctl -w net.core.somaxconn=4096");
  CHECK(named(findings, "net.ipv4.tcp_rmem").grade == Grade::could_be_better);
}

TEST_CASE("a missing kernel feature could be better and is named") {
  HostFacts facts = good_host();
  facts.features->message_ring = false;
  const std::vector<Finding> findings = check_host(facts);
  CHECK(named(findings, "io_uring").grade == Grade::could_be_better);
  CHECK(named(findings, "io_uring").text.find("without messages between rings") !=
        std::string::npos);
}

TEST_CASE("what tune would change is a finding, once, and names tune") {
  HostFacts facts = good_host();
  facts.somaxconn = 128;
  facts.tuning = {{.key = "net.core.somaxconn", .now = "128", .wanted = "4096", .why = "burst"},
                  {.key = "net.core.rmem_max", .now = "16777216", .wanted = "33554432"},
                  {.key = "net.ipv4.tcp_slow_start_after_idle", .now = "1", .wanted = "0"},
                  {.key = "fs.nr_open", .now = "1048576", .wanted = "1048576"}};
  const std::vector<Finding> findings = check_host(facts);
  const auto count = [&findings](const std::string& name) {
    return std::count_if(findings.begin(), findings.end(),
                         [&name](const Finding& each) { return each.name == name; });
  };
  CHECK(count("net.core.somaxconn") == 1);
  CHECK(named(findings, "net.core.somaxconn").mend == "sysctl -w net.core.somaxconn=4096");
  CHECK(count("net.core.rmem_max") == 1);  // enough in general, too little for this link
  CHECK(named(findings, "net.core.rmem_max").grade == Grade::could_be_better);
  CHECK(named(findings, "net.core.rmem_max").mend.starts_with("murder tune --apply"));
  CHECK(count("net.ipv4.tcp_slow_start_after_idle") == 1);
  CHECK(count("fs.nr_open") == 0);
}

TEST_CASE("a sysctl that this network namespace does not show is left out") {
  HostFacts facts = good_host();
  facts.receive_buffer_max.reset();
  for (const Finding& finding : check_host(facts)) {
    CHECK(finding.name != "net.core.rmem_max");
  }
}

TEST_CASE("root is not held back by the limit on locked memory") {
  HostFacts facts = good_host();
  facts.locked_bytes = 64 * 1024;
  CHECK(named(check_host(facts), "locked memory").grade == Grade::could_be_better);
  facts.may_lock_memory = true;
  CHECK(named(check_host(facts), "locked memory").grade == Grade::ok);
}

TEST_CASE("what helps where no ring can be made depends on what forbids it") {
  const auto mend = [](HostFacts facts) { return named(check_host(facts), "io_uring").mend; };
  HostFacts facts = good_host();
  facts.features = fail(ErrorCode::permission, "not allowed here");
  facts.io_uring_disabled = "2";
  facts.has_seccomp_filter = true;
  CHECK(mend(facts).find("kernel.io_uring_disabled=0") != std::string::npos);
  facts.io_uring_disabled = "0";
  CHECK(mend(facts).find("--security-opt seccomp=") != std::string::npos);
  CHECK(mend(facts).find("io_uring_setup") != std::string::npos);
  facts.features = fail(ErrorCode::unsupported, "ENOSYS");
  CHECK(mend(facts).find("--security-opt seccomp=") != std::string::npos);
  facts.has_seccomp_filter = false;
  CHECK(mend(facts).find("CONFIG_IO_URING") != std::string::npos);
  facts.features = fail(ErrorCode::limit, "out of memory");
  CHECK(mend(facts).find("ulimit -l") != std::string::npos);
}

TEST_CASE("what holds the unpacker is told in a line each, and what gives it where it is missing") {
  HostFacts facts = good_host();
  CHECK(named(check_host(facts), "landlock").text.find("version 4") == 0);
  CHECK(named(check_host(facts), "seccomp").grade == Grade::ok);
  facts.landlock_version = 1;  // which is not used
  facts.takes_syscall_filters = false;
  CHECK(named(check_host(facts), "landlock").grade == Grade::could_be_better);
  CHECK(named(check_host(facts), "landlock").mend.find("lsm=landlock") != std::string::npos);
  CHECK(named(check_host(facts), "seccomp").grade == Grade::could_be_better);
  CHECK(named(check_host(facts), "seccomp").mend.find("CONFIG_SECCOMP_FILTER") !=
        std::string::npos);
  facts.has_seccomp_filter = true;
  CHECK(named(check_host(facts), "landlock").mend.find("landlock_restrict_self") !=
        std::string::npos);
}

TEST_CASE("little memory and a temporary directory without inodes are told") {
  HostFacts facts = good_host();
  CHECK(named(check_host(facts), "memory").text == "no limit");
  facts.memory_limit_bytes = gibibyte / 16;
  CHECK(named(check_host(facts), "memory").grade == Grade::ok);
  CHECK(named(check_host(facts), "memory").text.find("--memory is 16 MiB") != std::string::npos);
  facts.memory_limit_bytes = gibibyte / 32;
  CHECK(named(check_host(facts), "memory").grade == Grade::could_be_better);
  facts.temp_has_inodes = false;
  CHECK(named(check_host(facts), "temp path").grade == Grade::broken);
}

}  // namespace murder::cli
