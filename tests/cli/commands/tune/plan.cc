#include "cli/commands/tune/plan.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "cli/commands/tune/drop_ins.h"

namespace murder::cli::tune {
namespace {

using std::chrono::milliseconds;
constexpr uint64_t gibibyte = 1024ULL * 1024 * 1024;
constexpr uint64_t mebibyte = 1024ULL * 1024;
constexpr uint64_t gigabit = 125'000'000;

// As Debian 12 starts on a machine with two sockets and an interface of 10 Gbit/s.
Facts stock_host(uint64_t gigabits = 10) {
  Facts facts;
  facts.sysctls = {{"net.core.somaxconn", "4096"},
                   {"net.ipv4.tcp_max_syn_backlog", "1024"},
                   {"net.core.netdev_max_backlog", "1000"},
                   {"net.core.rmem_max", "212992"},
                   {"net.core.wmem_max", "212992"},
                   {"net.ipv4.tcp_rmem", "4096 131072 6291456"},
                   {"net.ipv4.tcp_wmem", "4096 16384 4194304"},
                   {"net.ipv4.tcp_window_scaling", "1"},
                   {"net.ipv4.tcp_moderate_rcvbuf", "1"},
                   {"net.ipv4.tcp_slow_start_after_idle", "1"},
                   {"net.ipv4.ip_local_port_range", "32768 60999"},
                   {"net.core.default_qdisc", "pfifo_fast"},
                   {"net.ipv4.tcp_congestion_control", "cubic"},
                   {"fs.nr_open", "1048576"}};
  facts.modules = {{"tls", false}, {"tcp_bbr", false}, {"sch_fq", false}};
  facts.units = {{.name = "murder-tracker.service", .settings = {{"LimitNOFILE", "65536"}}},
                 {.name = "murder-seed@.service"}};
  facts.huge_pages = "always";
  facts.interface.name = "eth0";
  facts.interface.bytes_per_second = gigabits * gigabit;
  facts.interface.numa_node = 1;
  facts.interface.ring = RingFacts{.receive = 512, .receive_max = 8192};
  facts.interface.channels = ChannelFacts{.combined = 4, .combined_max = 63};
  facts.near_cpus = {8, 9, 10, 11};
  facts.numa_nodes = 2;
  for (const char* action : {"eth0-TxRx-0", "eth0-TxRx-1", "eth0-TxRx-2", "eth0-TxRx-3"}) {
    facts.interface.interrupts.push_back({.action = action, .allowed = "0-15", .serving = {0}});
  }
  facts.memory_bytes = 64 * gibibyte;
  return facts;
}

const Change* find(const Plan& plan, const std::string& what) {
  const auto found = std::find_if(plan.changes.begin(), plan.changes.end(),
                                  [&](const Change& change) { return change.what() == what; });
  return found == plan.changes.end() ? nullptr : &*found;
}

std::string wanted(const Plan& plan, const std::string& what) {
  const Change* change = find(plan, what);
  return change == nullptr ? "none" : change->wanted;
}

bool is_pending(const Plan& plan, const std::string& what) {
  const Change* change = find(plan, what);
  return change != nullptr && change->is_pending();
}

bool notes(const Plan& plan, const std::string& word) {
  return std::any_of(plan.notes.begin(), plan.notes.end(),
                     [&](const std::string& note) { return note.find(word) != std::string::npos; });
}

}  // namespace

TEST_CASE("socket buffers are twice bandwidth x delay in whole MiB, within their bounds") {
  CHECK(socket_buffer_wanted(10 * gigabit, milliseconds(1), gibibyte) == 4 * mebibyte);
  CHECK(socket_buffer_wanted(25 * gigabit, milliseconds(1), gibibyte) == 6 * mebibyte);
  CHECK(socket_buffer_wanted(40 * gigabit, milliseconds(1), gibibyte) == 10 * mebibyte);
  CHECK(socket_buffer_wanted(10 * gigabit, milliseconds(40), gibibyte) == 96 * mebibyte);
  CHECK(socket_buffer_wanted(40 * gigabit, milliseconds(40), 64 * mebibyte) == 64 * mebibyte);
  CHECK(socket_buffer_wanted(UINT64_MAX, std::chrono::hours(24), UINT64_MAX) == gibibyte);
  CHECK(socket_buffer_wanted(0, milliseconds(0), gibibyte) == 4 * mebibyte);
}

TEST_CASE("one buffer is bounded by the memory of the host, tcp_mem where the kernel shows it") {
  Facts facts;
  facts.memory_bytes = gibibyte / 2;
  CHECK(socket_buffer_ceiling(facts) == 8 * mebibyte);
  facts.sysctls["net.ipv4.tcp_mem"] = "2000 4096 8000";
  CHECK(socket_buffer_ceiling(facts) == 4 * mebibyte);
  facts.sysctls["net.ipv4.tcp_mem"] = "1 18446744073709551615 3";
  CHECK(socket_buffer_ceiling(facts) == 8 * mebibyte);
  facts.memory_bytes = 0;
  CHECK(socket_buffer_ceiling(facts) == gibibyte);
}

TEST_CASE("every change of a stock host has a reason, a source and a place") {
  const Plan plan = make_plan(stock_host(), {});
  CHECK(plan.pending_count() > 10);
  for (const Change& change : plan.changes) {
    CAPTURE(change.what());
    CHECK_FALSE(change.why.empty());
    CHECK_FALSE(change.source.empty());
    CHECK(drop_in_path(change).starts_with("/etc/"));
  }
}

TEST_CASE("hosts of 10, 25 and 40 Gbit/s") {
  const Plan ten = make_plan(stock_host(10), {});
  CHECK(wanted(ten, "net.core.rmem_max") == "4194304");
  CHECK_FALSE(is_pending(ten, "net.ipv4.tcp_rmem"));
  CHECK(wanted(ten, "net.core.netdev_max_backlog") == "9000");
  CHECK(wanted(ten, "receive ring of eth0") == "4096");
  const Plan twenty_five = make_plan(stock_host(25), {});
  CHECK_FALSE(is_pending(twenty_five, "net.ipv4.tcp_rmem"));
  CHECK(wanted(twenty_five, "net.ipv4.tcp_wmem") == "4096 16384 6291456");
  CHECK(wanted(twenty_five, "receive ring of eth0") == "8192");
  const Plan forty = make_plan(stock_host(40), {});
  CHECK(wanted(forty, "net.ipv4.tcp_rmem") == "4096 131072 10485760");
  CHECK(wanted(forty, "net.core.netdev_max_backlog") == "34000");
  CHECK(wanted(forty, "receive ring of eth0") == "8192");  // its largest
}

TEST_CASE("what is better already is not lowered") {
  Facts facts = stock_host();
  facts.sysctls["net.core.rmem_max"] = "268435456";
  facts.sysctls["net.core.somaxconn"] = "65535";
  facts.sysctls["net.core.netdev_max_backlog"] = "300000";
  facts.sysctls["net.ipv4.ip_local_port_range"] = "1024 65535";
  facts.sysctls["net.ipv4.tcp_slow_start_after_idle"] = "0";
  facts.interface.ring->receive = 8192;
  facts.interface.channels->combined = 63;
  facts.units[0].settings = {{"LimitNOFILE", "1024:1048576"}, {"LimitMEMLOCK", "infinity"}};
  facts.units[1].settings = {{"LimitMEMLOCK", "64M"}};
  facts.modules["tls"] = true;
  const Plan plan = make_plan(facts, {});
  for (const char* what :
       {"net.core.rmem_max", "net.core.somaxconn", "net.core.netdev_max_backlog",
        "net.ipv4.ip_local_port_range", "net.ipv4.tcp_slow_start_after_idle",
        "receive ring of eth0", "queues of eth0", "LimitNOFILE of murder-tracker.service",
        "LimitMEMLOCK of murder-tracker.service", "LimitMEMLOCK of murder-seed@.service",
        "module tls", "transparent huge pages"}) {
    CAPTURE(what);
    REQUIRE(find(plan, what) != nullptr);
    CHECK_FALSE(is_pending(plan, what));
  }
}

TEST_CASE("a small machine gets no buffers that its memory does not bear, and none is lowered") {
  Facts facts = stock_host(40);
  facts.memory_bytes = gibibyte / 4;
  const Plan plan = make_plan(facts, {.round_trip = milliseconds(40)});
  CHECK(wanted(plan, "net.core.rmem_max") == "4194304");
  CHECK(wanted(plan, "net.ipv4.tcp_rmem") == "4096 131072 6291456");
}

TEST_CASE("a slow interface keeps its ring, its queues and its interrupts") {
  const Plan plan = make_plan(stock_host(1), {});
  CHECK(find(plan, "receive ring of eth0") == nullptr);
  CHECK(find(plan, "interrupt eth0-TxRx-0") == nullptr);
  CHECK_FALSE(is_pending(plan, "net.core.netdev_max_backlog"));
}

TEST_CASE("BBR is for long ways, and only where the kernel has it") {
  Facts facts = stock_host();
  const Plan near = make_plan(facts, {});
  CHECK_FALSE(is_pending(near, "net.ipv4.tcp_congestion_control"));
  CHECK(find(near, "module tcp_bbr") == nullptr);
  const Plan far = make_plan(facts, {.round_trip = milliseconds(20)});
  CHECK(wanted(far, "net.ipv4.tcp_congestion_control") == "bbr");
  CHECK(wanted(far, "net.core.default_qdisc") == "fq");
  CHECK(is_pending(far, "module tcp_bbr"));
  facts.modules.erase("tcp_bbr");
  const Plan without = make_plan(facts, {.round_trip = milliseconds(20)});
  CHECK_FALSE(is_pending(without, "net.ipv4.tcp_congestion_control"));
  CHECK(notes(without, "BBR"));
}

TEST_CASE("interrupts go to the processors beside the interface, one each") {
  Facts facts = stock_host();
  const Plan before = make_plan(facts, {});
  CHECK(is_pending(before, "queues of eth0") == false);
  CHECK(wanted(before, "interrupt eth0-TxRx-0") == "8");
  CHECK(wanted(before, "interrupt eth0-TxRx-3") == "11");
  for (size_t index = 0; index < 4; ++index) {
    facts.interface.interrupts[index].serving = {facts.near_cpus[3 - index]};
  }
  CHECK_FALSE(is_pending(make_plan(facts, {}), "interrupt eth0-TxRx-0"));  // spread already
  facts.interface.interrupts[0].serving = {8};
  CHECK(is_pending(make_plan(facts, {}), "interrupt eth0-TxRx-0"));  // two on one
  facts.irqbalance_runs = true;
  const Plan balanced = make_plan(facts, {});
  CHECK(find(balanced, "interrupt eth0-TxRx-0") == nullptr);
  CHECK(notes(balanced, "irqbalance"));
}

TEST_CASE("interrupts wait for queues that are to be made") {
  Facts facts = stock_host();
  facts.interface.channels->combined = 1;
  const Plan plan = make_plan(facts, {});
  CHECK(wanted(plan, "queues of eth0") == "4");
  CHECK(find(plan, "interrupt eth0-TxRx-0") == nullptr);
  CHECK(notes(plan, "run tune again"));
}

TEST_CASE("services run on the NUMA node of the interface, unless their unit says where") {
  Facts facts = stock_host();
  const Plan plan = make_plan(facts, {});
  CHECK(wanted(plan, "NUMAMask of murder-seed@.service") == "1");
  CHECK(wanted(plan, "CPUAffinity of murder-seed@.service") == "numa");
  CHECK(notes(plan, "numactl --cpunodebind=1"));
  facts.units[1].settings["CPUAffinity"] = "0";
  CHECK(find(make_plan(facts, {}), "NUMAMask of murder-seed@.service") == nullptr);
  facts.numa_nodes = 1;
  CHECK(find(make_plan(facts, {}), "NUMAMask of murder-tracker.service") == nullptr);
}

TEST_CASE("a host without interface, systemd, modules and sysctls has nothing to change") {
  const Plan plan = make_plan(Facts(), {});
  CHECK(plan.pending_count() == 0);
  CHECK(plan.is_rate_assumed);
  CHECK(notes(plan, "--bandwidth"));
  CHECK(notes(plan, "--interface"));
}

TEST_CASE("io_uring that is switched off is switched on, huge pages are asked for") {
  Facts facts = stock_host();
  facts.sysctls["kernel.io_uring_disabled"] = "2";
  facts.huge_pages = "never";
  const Plan plan = make_plan(facts, {});
  CHECK(wanted(plan, "kernel.io_uring_disabled") == "0");
  CHECK(wanted(plan, "transparent huge pages") == "madvise");
}

TEST_CASE("what is skipped is not in the plan, by its key or its name") {
  const Plan plan =
      make_plan(stock_host(), {.skipped = {"tls", "net.core.rmem_max", "receive ring of eth0"}});
  CHECK(find(plan, "module tls") == nullptr);
  CHECK(find(plan, "net.core.rmem_max") == nullptr);
  CHECK(find(plan, "receive ring of eth0") == nullptr);
  CHECK(find(plan, "net.core.wmem_max") != nullptr);
}

TEST_CASE("drop-ins hold what is pending, each with its reason, in files of their kind") {
  Facts facts = stock_host();
  facts.huge_pages = "never";
  const std::vector<DropIn> drop_ins = drop_ins_of(make_plan(facts, {}), "/opt/a \"b\"%/murder");
  const auto content = [&](const std::string& path) -> std::string {
    const auto found = std::find_if(drop_ins.begin(), drop_ins.end(),
                                    [&](const DropIn& each) { return each.path == path; });
    return found == drop_ins.end() ? "" : found->content;
  };
  const std::string sysctls = content("/etc/sysctl.d/90-murder.conf");
  CHECK(sysctls.find("\nnet.core.rmem_max = 4194304\n") != std::string::npos);
  CHECK(sysctls.find("net.core.somaxconn") == std::string::npos);  // is as wanted
  CHECK(sysctls.find("# socket(7)") != std::string::npos);
  CHECK(content("/etc/modules-load.d/murder.conf").ends_with("\ntls\n"));
  const std::string unit =
      content("/etc/systemd/system/murder-tracker.service.d/90-murder-tune.conf");
  CHECK(unit.find("[Service]\n") != std::string::npos);
  CHECK(unit.find("LimitMEMLOCK=67108864\n") != std::string::npos);
  CHECK(unit.find("LimitNOFILE") == std::string::npos);
  CHECK(content("/etc/tmpfiles.d/murder-tune.conf")
            .ends_with("w /sys/kernel/mm/transparent_hugepage/enabled - - - - madvise\n"));
  CHECK(content("/etc/systemd/system/murder-tune.service")
            .find("ExecStart=\"/opt/a \\\"b\\\"%%/murder\" tune --at-boot\n") != std::string::npos);
  CHECK(content("/etc/systemd/system/multi-user.target.d/90-murder-tune.conf")
            .ends_with("Wants=murder-tune.service\n"));
}

TEST_CASE("a host that is as wanted gets no file") {
  CHECK(drop_ins_of(make_plan(Facts(), {}), "/usr/bin/murder").empty());
}

}  // namespace murder::cli::tune
