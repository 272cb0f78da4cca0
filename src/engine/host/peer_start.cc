#include "engine/host/peer_start.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>

#include "engine/archive/tree_placement.h"
#include "engine/host/abandoned_peers.h"
#include "engine/host/control.h"
#include "engine/host/peer_outcome.h"
#include "engine/host/placed_release.h"
#include "engine/host/processes.h"

namespace murder::host {
namespace {

constexpr Duration end_wait_max = std::chrono::seconds(15);

// DIR/TAG, where that is what the delivery makes: not of a file that gets a name of the user's, nor
// of a tree that is DIR itself.
std::optional<ReleasePlace> place_of(const PeerRequest& request, const codec::Metainfo& metainfo) {
  const DeliveryOptions& delivery = request.delivery;
  const bool is_file = metainfo.is_single_file && !is_packed(metainfo);
  const bool is_below = is_file ? delivery.makes_directory : !delivery.tag.empty();
  if (!is_below || (is_file && metainfo.name != request.tag)) {
    return std::nullopt;
  }
  return ReleasePlace{.directory = delivery.to,
                      .tag = request.tag,
                      .info_hash = request.info_hash,
                      .run_directory = request.run_directory,
                      .signed_content = delivery.signed_placing
                                            ? std::optional(delivery.signed_placing->content())
                                            : std::nullopt};
}

// Where the serial of a signed release is kept: beside DIR/TAG, else beside what gets the name.
SerialPlace serial_place_of(const DeliveryOptions& delivery, const codec::Metainfo& metainfo) {
  if (delivery.keeps_archive) {
    return {};
  }
  const bool is_file = metainfo.is_single_file && !is_packed(metainfo);
  std::error_code error;
  const bool has_directory =
      is_file ? delivery.to_is_directory || std::filesystem::is_directory(delivery.to, error)
              : !delivery.tag.empty();
  return has_directory ? SerialPlace{.directory = delivery.to, .name = ""}
                       : serial_place_of_path(delivery.to);
}

// What a peer that was killed had placed may not be on the disk yet.
Status record_found(const ReleasePlace& place, const PlaceFound& found,
                    const RecordOptions& options) {
  if (found.is_unrecorded && options.sync_to_disk) {
    if (Status synced = archive::sync_placed(place.path()); !synced) {
      return synced;
    }
  }
  return record_place(place, options);
}

// The report of a peer that has nothing to fetch.
Result<FinalReport> report_in_place(const PeerRequest& request, const ReleasePlace& place,
                                    const PlacedRelease& placed) {
  const std::string text = text_of_same(place, placed);
  Json outcome = {{"tag", place.tag},      {"path", place.path()}, {"info_hash", place.info_hash},
                  {"already_there", true}, {"fetched_bytes", 0},   {"placed_at", placed.time},
                  {"state", outcome_done}, {"text", text},         {"user_id", request.user_id}};
  if (!request.deploy.empty()) {
    outcome["deploy"] = request.deploy;
  }
  if (request.leaves_outcome) {
    if (Status written =
            write_outcome(request.run_directory, place.tag, outcome, request.delivery.sync_to_disk);
        !written) {
      return fail(written.error());
    }
  }
  return FinalReport{.text = text, .json = std::move(outcome)};
}

// Nothing: the release is to be fetched.
Result<std::optional<FinalReport>> look_for_same(const PeerRequest& request,
                                                 const DeliveryOptions& delivery,
                                                 const ReleasePlace& place,
                                                 const RecordOptions& record) {
  const PlaceFound found = look_at_place(place);
  if (found.state == PlaceState::other) {
    return fail(error_of_other(place, found.placed));
  }
  if (found.state == PlaceState::unverified) {
    return fail(error_of_unverified(place, found.placed));
  }
  if (found.state != PlaceState::same) {
    return std::nullopt;
  }
  if (delivery.signed_placing) {
    // It may have been signed anew since it came.
    const Result<SerialGuard> noted =
        SerialGuard::enter(*delivery.signed_placing, delivery.sync_to_disk);
    if (!noted) {
      return fail(noted.error());
    }
  }
  if (request.is_recorded || (request.leaves_outcome && found.is_unrecorded)) {
    if (Status recorded = record_found(place, found, record); !recorded) {
      return fail(recorded.error());
    }
  }
  forget_placing(request.run_directory, request.tag);
  Result<FinalReport> report = report_in_place(request, place, found.placed);
  if (!report) {
    return fail(report.error());
  }
  return std::move(*report);
}

}  // namespace

Status end_peers_before(const EndOptions& options, const std::string& run_directory) {
  const Result<RunDirectory> directory = RunDirectory::open(run_directory);
  if (!directory) {
    return fail(directory.error());
  }
  remove_abandoned(*directory, options.tag);
  for (const RunningProcess& process : list_processes(*directory)) {
    if (process.kind() != kind_peer || process.tag() != options.tag) {
      continue;
    }
    if (!options.whatever_they_do && text_member(process.status, "phase") != "seeding") {
      return fail(ErrorCode::conflict,
                  fmt::format("a peer of {} is at work here already (pid {}): `murder wait {}` "
                              "tells how it ends, `murder stop {} --peering` ends it",
                              options.tag, process.pid, options.tag, options.tag));
    }
    if (Status stopped = stop_process(*directory, process, end_wait_max); !stopped) {
      return stopped;
    }
  }
  return {};
}

Status plan_signed_placing(DeliveryOptions& delivery, const codec::Metainfo& metainfo) {
  if (!delivery.signed_placing) {
    return {};
  }
  delivery.signed_placing->place = serial_place_of(delivery, metainfo);
  return check_signed_placing(*delivery.signed_placing);
}

Result<PeerPlan> plan_peer(const PeerRequest& request, const codec::Metainfo& metainfo) {
  PeerPlan plan{.delivery = request.delivery};
  if (Status allowed = plan_signed_placing(plan.delivery, metainfo); !allowed) {
    return fail(allowed.error());
  }
  if (request.delivery.keeps_archive) {
    return plan;
  }
  const std::optional<ReleasePlace> place = place_of(request, metainfo);
  const RecordOptions record{.is_delivered = request.is_recorded,
                             .sync_to_disk = request.delivery.sync_to_disk};
  if (place && !request.delivery.replace) {
    Result<std::optional<FinalReport>> same = look_for_same(request, plan.delivery, *place, record);
    if (!same) {
      return fail(same.error());
    }
    if (*same) {
      plan.report = std::move(*same);
      return plan;
    }
  }
  plan.delivery.is_there =
      !request.delivery.replace &&
      was_placed(
          request.run_directory, request.tag, request.info_hash, target_of(plan.delivery),
          plan.delivery.signed_placing ? plan.delivery.signed_placing->content().sha256 : "");
  if ((request.leaves_outcome || request.is_recorded) && place) {
    plan.delivery.record = DeliveryRecord{.place = *place, .options = record};
  }
  const Status fits = plan.delivery.is_there ? Status() : check_target(plan.delivery, metainfo);
  return fits ? Result<PeerPlan>(std::move(plan)) : fail(fits.error());
}

Status leave_running_outcome(const PeerRequest& request) {
  Json outcome = {{"state", outcome_running},
                  {"tag", request.tag},
                  {"archive", request.delivery.archive_path},
                  {"user_id", request.user_id}};
  if (!request.deploy.empty()) {
    outcome["deploy"] = request.deploy;
  }
  return write_outcome(request.run_directory, request.tag, outcome, request.delivery.sync_to_disk);
}

}  // namespace murder::host
