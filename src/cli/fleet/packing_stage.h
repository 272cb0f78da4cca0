// The packing of a deploy, on a separate thread (packing.h): nothing runs before begin(), nor after
// take() gave the release, or cancel().
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/fleet/deploy_run.h"
#include "cli/fleet/packing.h"

namespace murder::fleet {

class PackingStage {
 public:
  explicit PackingStage(DeployRun& run) : run_(run) {}

  // Archive and torrent go to `directory`, which outlives this.
  void begin(const std::string& directory);
  // Shows what it warns of. Once: the release, when it is packed; else nullopt. Errors: those of
  // packing.
  [[nodiscard]] Result<std::optional<PackedRelease>> take();
  void cancel();

  [[nodiscard]] bool is_at_work() const { return packing_ != nullptr; }
  // Readable when take() has something; -1: it is not at work.
  [[nodiscard]] int wake_fd() const { return is_at_work() ? packing_->wake_fd() : -1; }
  // "packing 12%"; empty: it is not at work.
  [[nodiscard]] std::string text() const;

 private:
  DeployRun& run_;
  std::unique_ptr<Packing> packing_;
};

}  // namespace murder::fleet
