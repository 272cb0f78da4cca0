#include "agent/placed.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/bounds.h"
#include "engine/archive/release_name.h"
#include "engine/base/small_file.h"
#include "engine/hash/info_hash.h"
#include "engine/host/delivery.h"
#include "engine/host/placed_release.h"
#include "engine/host/release_directory.h"
#include "engine/host/release_trust.h"
#include "engine/host/torrent_input.h"

namespace murder::agent {
namespace {

Result<TorrentFacts> facts_of(const codec::Metainfo& metainfo) {
  Result<std::string> tag = archive::valid_tag_of_name(metainfo.name);
  if (!tag) {
    return fail(tag.error());
  }
  return TorrentFacts{.tag = std::move(*tag),
                      .is_file = metainfo.is_single_file && !host::is_packed(metainfo)};
}

bool is_in_place(const AppOptions& app, const InfoHash& release, const std::string& tag) {
  const host::PlaceFound found = host::look_at_place({.directory = app.to,
                                                      .tag = tag,
                                                      .info_hash = release.hex(),
                                                      .run_directory = "",
                                                      .signed_content = std::nullopt});
  return found.state == host::PlaceState::same;
}

// Of what the link leads to: nothing where there is no record of it.
std::optional<control::HeldRelease> current_of(const AppOptions& app) {
  const Result<host::ReleaseDirectory> directory =
      host::ReleaseDirectory::open(app.to, {.is_read_only = true});
  if (!directory) {
    return std::nullopt;
  }
  const Result<std::string> tag = directory->current(std::string(host::current_link_default));
  const host::PlacedRelease* placed =
      tag && !tag->empty() ? host::find_placed(directory->record(), *tag) : nullptr;
  const std::optional<InfoHash> release =
      placed != nullptr ? InfoHash::from_hex(placed->info_hash) : std::nullopt;
  if (!release || !is_in_place(app, *release, *tag)) {
    return std::nullopt;
  }
  return control::HeldRelease{
      .info_hash = *release, .serial = placed->signed_content ? placed->signed_content->serial : 0};
}

}  // namespace

std::vector<PlacedName> placed_releases(const AppOptions& app) {
  std::vector<PlacedName> names;
  const Result<host::ReleaseRecord> record = host::ReleaseDirectory::read_record(app.to);
  if (!record) {
    return names;
  }
  for (const host::PlacedRelease& placed : record->placed) {
    const std::optional<InfoHash> release = InfoHash::from_hex(placed.info_hash);
    if (release && is_in_place(app, *release, placed.tag)) {
      names.push_back({.info_hash = placed.info_hash, .tag = placed.tag});
    }
  }
  return names;
}

std::string placed_tag(const AppOptions& app, const InfoHash& release) {
  const Result<host::ReleaseRecord> record = host::ReleaseDirectory::read_record(app.to);
  if (!record) {
    return {};
  }
  const std::string hex = release.hex();
  for (const host::PlacedRelease& placed : record->placed) {
    if (placed.info_hash == hex && is_in_place(app, release, placed.tag)) {
      return placed.tag;
    }
  }
  return {};
}

Result<TorrentFacts> torrent_facts(const AppPlace& place, const InfoHash& release) {
  const Result<host::TorrentInput> torrent =
      host::load_torrent(torrent_path(place, release), /*is_acted_on=*/true);
  if (!torrent) {
    return fail(torrent.error());
  }
  if (torrent->info_hash != release) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} is another torrent", torrent_path(place, release)));
  }
  return facts_of(torrent->metainfo);
}

Status keep_torrent(const AppPlace& place, const InfoHash& release, const std::string& bytes) {
  const Result<codec::Metainfo> metainfo = codec::parse_metainfo(as_bytes_of(bytes));
  if (!metainfo) {
    return fail(metainfo.error());
  }
  if (hash::info_hash_of(as_bytes_of(metainfo->raw_info)) != release) {
    return fail(ErrorCode::invalid_input,
                fmt::format("the coordinator sent another torrent for {}", release.hex()));
  }
  if (const Result<TorrentFacts> facts = facts_of(*metainfo); !facts) {
    return fail(facts.error());
  }
  return write_small_file(torrent_path(place, release), bytes);
}

Status verify_placed(const AppOptions& app, const AppPlace& place, const VerifyDemand& demand) {
  const Result<host::TorrentInput> torrent =
      host::load_torrent(torrent_path(place, demand.release), /*is_acted_on=*/true);
  if (!torrent) {
    return fail(torrent.error());
  }
  const Result<std::string> tag = archive::valid_tag_of_name(torrent->metainfo.name);
  if (!tag || torrent->info_hash != demand.release) {
    return fail(ErrorCode::invalid_input, "its torrent was changed on this host");
  }
  const Result<std::optional<host::TrustedRelease>> trusted =
      host::check_release_trust({.allowed_signers = demand.allowed_signers,
                                 .app = app.application.value_or(app.name),
                                 .allow_older = demand.allow_older},
                                *torrent, *tag);
  if (!trusted) {
    return fail(trusted.error());
  }
  host::ReleasePlace where{.directory = app.to,
                           .tag = *tag,
                           .info_hash = demand.release.hex(),
                           .run_directory = place.run,
                           .signed_content = std::nullopt};
  if (*trusted) {
    where.signed_content = host::SignedContent{.sha256 = (*trusted)->release.content.sha256.hex(),
                                               .serial = (*trusted)->release.serial};
  }
  const host::PlaceFound found = host::look_at_place(where);
  switch (found.state) {
    case host::PlaceState::same:
      return {};
    case host::PlaceState::other:
      return fail(host::error_of_other(where, found.placed));
    case host::PlaceState::unverified:
      return fail(host::error_of_unverified(where, found.placed));
    case host::PlaceState::unknown:
      break;
  }
  return fail(ErrorCode::not_found, fmt::format("{} is not there any more", where.path()));
}

Status verify_before_activation(const AppOptions& app, const AppPlace& place,
                                const VerifyDemand& demand) {
  const Result<std::optional<trust::AllowedSigners>> signers =
      host::load_trust(demand.allowed_signers);
  if (!signers) {
    return fail(signers.error());
  }
  if (!*signers) {
    return {};
  }
  if (access(torrent_path(place, demand.release).c_str(), F_OK) == 0 || errno != ENOENT) {
    return verify_placed(app, place, demand);
  }
  const Result<host::ReleaseRecord> record = host::ReleaseDirectory::read_record(app.to);
  if (!record) {
    return fail(record.error());
  }
  const host::PlacedRelease* placed = host::find_placed(*record, placed_tag(app, demand.release));
  if (placed == nullptr || !placed->signed_content) {
    return fail(ErrorCode::untrusted,
                "it is not signed, and this host takes signed releases only: publish it signed");
  }
  return {};
}

bool has_current(const AppOptions& app) {
  return current_of(app).has_value();
}

void compare_with_places(const AgentOptions& options, control::KeptAgent& kept) {
  for (const AppOptions& app : options.apps) {
    const auto found = std::find_if(kept.apps.begin(), kept.apps.end(),
                                    [&](const auto& each) { return each.app == app.name; });
    if (found != kept.apps.end()) {
      std::erase_if(found->ready, [&](const control::HeldRelease& held) {
        return held != found->active && placed_tag(app, held.info_hash).empty();
      });
      const bool has_previous =
          found->previous && !placed_tag(app, found->previous->info_hash).empty();
      if (!has_previous) {
        found->previous.reset();
      }
      continue;
    }
    if (const std::optional<control::HeldRelease> current = current_of(app)) {
      kept.apps.push_back(
          {.app = app.name, .active = current, .ready = {*current}, .is_healthy = true});
    }
  }
}

}  // namespace murder::agent
