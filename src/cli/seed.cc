// murder seed: serves a release that is on this host.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "cli/commands.h"
#include "cli/swarm_options.h"
#include "cli/swarm_process.h"
#include "engine/archive/release_name.h"

namespace murder::cli {
namespace {

struct SeedOptions {
  std::string torrent;
  std::string file;
  SwarmOptions swarm;
  bool background = false;
};

// Where the content of a torrent usually lies: beside it, under its own name.
Result<std::string> find_content(const SeedOptions& options, const codec::Metainfo& metainfo) {
  if (!options.file.empty()) {
    return options.file;
  }
  const std::filesystem::path torrent(options.torrent);
  const std::string beside = (torrent.parent_path() / metainfo.name).string();
  std::error_code error;
  if (options.torrent != "-" && std::filesystem::exists(beside, error)) {
    return beside;
  }
  return fail(ErrorCode::not_found,
              fmt::format("{} is not beside the torrent; name it: murder seed {} FILE",
                          metainfo.name, options.torrent));
}

class Seeder final : public SwarmProcess {
 public:
  using SwarmProcess::SwarmProcess;

 private:
  void ready() override {
    const node::NodeProgress now = node().progress();
    const std::string hash = torrent().info_hash.hex();
    finish({.exit_code = exit_done,
            .text = fmt::format("seeding {} on {} (info hash {})", options().tag,
                                now.listens_on.text(), hash),
            .json = {{"kind", kind_seeder},
                     {"tag", options().tag},
                     {"pid", getpid()},
                     {"info_hash", hash},
                     {"listen", now.listens_on.text()}}});
  }
};

Result<int> run_seed(const SeedOptions& options, CommandContext& context) {
  const auto node_options = node_options_of(options.swarm, context);
  if (!node_options) {
    return fail(node_options.error());
  }
  const Result<TorrentInput> torrent = load_torrent(options.torrent);
  if (!torrent) {
    return fail(torrent.error());
  }
  const Result<std::string> content = find_content(options, torrent->metainfo);
  if (!content) {
    return fail(content.error());
  }
  const Result<std::string> valid_tag = archive::valid_tag_of_name(torrent->metainfo.name);
  if (!valid_tag) {
    return fail(valid_tag.error());
  }
  const std::string& tag = *valid_tag;
  SwarmProcessOptions process{.kind = std::string(kind_seeder),
                              .tag = tag,
                              .run_directory = context.run_directory,
                              .node = *node_options};
  process.node.info_hash = torrent->info_hash;
  process.node.path = std::filesystem::absolute(*content).string();
  process.node.serve_only = true;
  process.node.name = tag;
  const WorkOptions work{.mode = options.background ? RunMode::worker : RunMode::foreground,
                         .log_name = "seed-" + tag};
  return run_work(context, work, [&](Front& front) {
    Seeder seeder(*torrent, process, front);
    return seeder.run();
  });
}

}  // namespace

void add_seed_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] =
      add_command<SeedOptions>(app, context,
                               {.name = "seed",
                                .description = "Serve a release that is on this host until stopped",
                                .example = "murder seed /tmp/v42.tar.zst.torrent --background"},
                               run_seed);
  command.add_option("TORRENT", options.torrent, "Path, - for standard input, or http URL")
      .required();
  command.add_option("FILE", options.file, "The content; default: beside the torrent");
  add_swarm_options(command, options.swarm);
  command.add_flag("--background", options.background,
                   "Return when it serves; it goes on alone (murder stop TAG --seeding)");
}

}  // namespace murder::cli
