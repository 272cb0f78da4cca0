#include "engine/host/peer_start.h"

#include <fmt/format.h>

#include <chrono>

#include "engine/host/abandoned_peers.h"
#include "engine/host/control.h"
#include "engine/host/peer_outcome.h"
#include "engine/host/processes.h"

namespace murder::cli {
namespace {

constexpr Duration end_wait_max = std::chrono::seconds(15);

}  // namespace

std::optional<host::ReleasePlace> place_of(const host::DeliveryOptions& delivery,
                                           const codec::Metainfo& metainfo, const std::string& tag,
                                           const std::string& info_hash,
                                           const std::string& run_directory) {
  const bool is_file = metainfo.is_single_file && !host::is_packed(metainfo);
  const bool is_below = is_file ? delivery.makes_directory : !delivery.tag.empty();
  if (!is_below || (is_file && metainfo.name != tag)) {
    return std::nullopt;
  }
  return host::ReleasePlace{
      .directory = delivery.to, .tag = tag, .info_hash = info_hash, .run_directory = run_directory};
}

Status end_peers_before(const EndOptions& options, const CommandContext& context) {
  const Result<host::RunDirectory> directory = host::RunDirectory::open(context.run_directory);
  if (!directory) {
    return fail(directory.error());
  }
  host::remove_abandoned(*directory, options.tag);
  for (const host::RunningProcess& process : host::list_processes(*directory)) {
    if (process.kind() != host::kind_peer || process.tag() != options.tag) {
      continue;
    }
    if (!options.whatever_they_do && text_member(process.status, "phase") != "seeding") {
      return fail(ErrorCode::conflict,
                  fmt::format("a peer of {} is at work here already (pid {}): `murder wait {}` "
                              "tells how it ends, `murder stop {} --peering` ends it",
                              options.tag, process.pid, options.tag, options.tag));
    }
    if (Status stopped = host::stop_process(*directory, process, end_wait_max); !stopped) {
      return stopped;
    }
  }
  return {};
}

Result<int> finish_in_place(const host::ReleasePlace& place, const host::PlaceFound& found,
                            const OutcomeOptions& options, CommandContext& context) {
  const std::string text = host::text_of_same(place, found.placed);
  Json outcome = {{"tag", place.tag},
                  {"path", place.path()},
                  {"info_hash", place.info_hash},
                  {"already_there", true},
                  {"fetched_bytes", 0},
                  {"placed_at", found.placed.time},
                  {"state", host::outcome_done},
                  {"text", text},
                  {"user_id", options.user_id}};
  if (!options.deploy.empty()) {
    outcome["deploy"] = options.deploy;
  }
  if (options.is_left) {
    if (Status written =
            host::write_outcome(context.run_directory, place.tag, outcome, options.sync_to_disk);
        !written) {
      return fail(written.error());
    }
  }
  context.print(text);
  context.print_json(outcome);
  return exit_done;
}

}  // namespace murder::cli
