#include "cli/fleet/packing_stage.h"

#include <fmt/format.h>

namespace murder::fleet {
namespace {

constexpr std::string_view stage_name = "packing";

}  // namespace

void PackingStage::begin(const std::string& directory) {
  run_.times.begin(stage_name, monotonic_now());
  packing_ = std::make_unique<Packing>(PackingJob{.source = run_.options.source,
                                                  .tag = run_.options.tag,
                                                  .directory = directory,
                                                  .hosts_expected = run_.options.hosts_expected,
                                                  .packing = run_.options.packing,
                                                  .signing = run_.options.signing});
}

Result<std::optional<PackedRelease>> PackingStage::take() {
  if (!is_at_work()) {
    return std::nullopt;
  }
  for (const std::string& warning : packing_->take_warnings()) {
    run_.work.view().warn(warning);
  }
  if (!packing_->has_ended()) {
    return std::nullopt;
  }
  Result<PackedRelease> release = packing_->result();
  const std::string note = packing_->note();
  packing_.reset();
  run_.times.end(stage_name, monotonic_now());
  if (!release) {
    return fail(release.error());
  }
  run_.work.view().note(note);
  return std::optional(std::move(*release));
}

void PackingStage::cancel() {
  if (is_at_work()) {
    packing_->cancel();
    packing_.reset();
  }
}

std::string PackingStage::text() const {
  return is_at_work() ? fmt::format("{} {}%", stage_name, packing_->percent()) : std::string();
}

}  // namespace murder::fleet
