// Makes a release known to a coordinator, and serves it from this machine until the coordinator's
// host has a whole copy.
#pragma once

#include <cstdint>
#include <string>

#include "cli/control/coordinator_client.h"
#include "cli/signing/signing.h"
#include "cli/ui/command.h"
#include "cli/ui/tree_options.h"
#include "engine/archive/piece_size.h"

namespace murder::cli {

struct PublishOptions {
  std::string source;  // a directory, a file, or a torrent with its archive beside it
  std::string app;
  std::string tag;
  std::string temp_path = "/tmp";
  uint32_t hosts_expected = archive::hosts_expected_default;
  PackingOptions packing;
  SigningOptions signing;  // --sign, --serial, --expires
  std::string ip;          // of the seeder that runs meanwhile
  std::string ports;
  bool is_open = false;  // it is served without a key
  CoordinatorOptions coordinator;
};

// The release as the coordinator has it. Errors: another release has this tag already (conflict);
// interrupted: what was reached is kept, and the same command goes on from there.
[[nodiscard]] Result<Json> publish_release(CoordinatorClient& client, const PublishOptions& options,
                                           CommandContext& context);

// The trackers of a release that is published at these coordinators. What is called 127.0.0.1 here
// has for other hosts the name of this one.
[[nodiscard]] std::vector<std::string> announce_urls_of(
    const std::vector<codec::ServerPlace>& coordinators, const std::string& host_name);

}  // namespace murder::cli
