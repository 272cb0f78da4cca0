// What lies in an app's directory of releases, as its record tells (host/release_record.h). Blocks:
// small files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/agent_options.h"
#include "agent/state_directory.h"
#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/control/agent_app.h"

namespace murder::agent {

// The tag of the release that was placed there as this one and is there; empty: it is not.
[[nodiscard]] std::string placed_tag(const AppOptions& app, const InfoHash& release);

struct PlacedName {
  std::string info_hash;
  std::string tag;
};
// All releases that were placed there and are there.
[[nodiscard]] std::vector<PlacedName> placed_releases(const AppOptions& app);

// Of a release's torrent, which is on the disk.
struct TorrentFacts {
  std::string tag;
  bool is_file = false;  // the release is one, and its archive has its name
};
[[nodiscard]] Result<TorrentFacts> torrent_facts(const AppPlace& place, const InfoHash& release);
// The bytes are the torrent of this release, whose name can be a tag: it is written, durably.
[[nodiscard]] Status keep_torrent(const AppPlace& place, const InfoHash& release,
                                  const std::string& bytes);

// What lies in place is the release, and is signed as this host demands.
struct VerifyDemand {
  InfoHash release;
  bool allow_older = false;
  std::string allowed_signers;
};
[[nodiscard]] Status verify_placed(const AppOptions& app, const AppPlace& place,
                                   const VerifyDemand& demand);

// The same of a release that was verified when it came, where this host demands signatures by now.
// One without its torrent, which a deploy over ssh has placed, was signed when it was placed.
[[nodiscard]] Status verify_before_activation(const AppOptions& app, const AppPlace& place,
                                              const VerifyDemand& demand);

// Whether the app's link leads to a release that is in place.
[[nodiscard]] bool has_current(const AppOptions& app);

// What an agent keeps, compared with what there is: releases that are gone are not ready; an app
// that nothing is kept of has what is current there, as a deploy over ssh left it.
void compare_with_places(const AgentOptions& options, control::KeptAgent& kept);

}  // namespace murder::agent
