#include "cli/swarm_options.h"

#include <fmt/format.h>
#include <limits.h>
#include <unistd.h>

#include <array>

#include "engine/base/units.h"

namespace murder::cli {
namespace {

constexpr uint32_t shards_max = 64;
constexpr uint64_t memory_bytes_min = 16 * 1024 * 1024;

std::string own_host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

}  // namespace

void add_swarm_options(ArgumentParser command, SwarmOptions& options) {
  command
      .add_option("--ip", options.ip,
                  "This host's address for other peers; default: the one its connection to the "
                  "tracker leaves from")
      .type_name("ADDRESS");
  command.add_option("--port", options.port, "TCP port for peers; default: any free one");
  command
      .add_option("--label", options.label,
                  "What the tracker's page calls this host; default: its host name")
      .type_name("NAME");
  command.add_option("--shards", options.shards, "Threads that share the work, one per core")
      .show_default();
  command.add_size("--memory", options.memory_bytes,
                   "Memory for pieces on their way; default 64MiB");
  command.add_flag("--page-cache", options.page_cache,
                   "Write pieces through the page cache; default: past it (O_DIRECT), which takes "
                   "no memory from others, where the file system can");
}

Result<node::NodeOptions> node_options_of(const SwarmOptions& options, CommandContext& context) {
  node::NodeOptions node;
  if (!options.ip.empty()) {
    node.ip = IpAddress::parse(options.ip);
    if (!node.ip || node.ip->is_unspecified()) {
      return context.wrong_usage(
          fmt::format("--ip {}: write a numeric address, such as 10.0.0.7", options.ip));
    }
  }
  if (options.shards < 1 || options.shards > shards_max) {
    return context.wrong_usage(fmt::format("--shards {}: 1 to {}", options.shards, shards_max));
  }
  if (options.memory_bytes < memory_bytes_min) {
    return context.wrong_usage(fmt::format("--memory: at least {}", format_size(memory_bytes_min)));
  }
  node.port = options.port;
  node.host_label = options.label.empty() ? own_host_name() : options.label;
  node.shard_count = options.shards;
  node.memory_bytes = options.memory_bytes;
  node.direct_io = !options.page_cache;
  return node;
}

}  // namespace murder::cli
