// What `murder tune` knows of a host before it decides. Plain values: read_facts.h fills them in.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace murder::cli::tune {

struct RingFacts {
  uint32_t receive = 0;
  uint32_t receive_max = 0;
};

struct ChannelFacts {
  uint32_t combined = 0;
  uint32_t combined_max = 0;
};

// One interrupt of a network interface.
struct InterruptFacts {
  std::string action;             // "eth0-TxRx-3": the same after a reboot, which its number is not
  std::string allowed;            // smp_affinity_list, as the kernel shows it
  std::vector<uint32_t> serving;  // the processors that serve it now
};

struct InterfaceFacts {
  std::string name;                          // empty: there is none
  std::optional<uint64_t> bytes_per_second;  // of the link, where the driver knows it
  int numa_node = -1;                        // -1: the host has no such thing
  std::optional<RingFacts> ring;
  std::optional<ChannelFacts> channels;
  std::vector<InterruptFacts> interrupts;
};

// A unit of systemd, without what an earlier tune added to it. One that is not installed finds its
// drop-in when it is.
struct UnitFacts {
  std::string name;  // "murder-seed@.service"
  bool is_installed = false;
  std::map<std::string, std::string> settings;  // "LimitNOFILE" -> "65536", as far as they are set
};

struct Facts {
  std::map<std::string, std::string> sysctls;  // one space between numbers; only what is there
  std::map<std::string, bool> modules;         // available ones; whether it is loaded
  std::vector<UnitFacts> units;                // none: no systemd
  std::string huge_pages;  // the mode of transparent huge pages; empty: not in this kernel
  InterfaceFacts interface;
  std::vector<uint32_t> near_cpus;  // of the interface's NUMA node, or all
  uint32_t numa_nodes = 1;
  bool irqbalance_runs = false;
  bool is_container = false;
  uint64_t memory_bytes = 0;
  uint64_t page_bytes = 4096;
};

}  // namespace murder::cli::tune
