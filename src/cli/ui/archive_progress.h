// Shows what packing, hashing and unpacking tell.
#pragma once

#include <string>

#include "cli/ui/progress.h"
#include "engine/archive/observer.h"

namespace murder::cli {

class ArchiveProgress final : public archive::Observer {
 public:
  // `phase`: "packing", "hashing", "verifying".
  ArchiveProgress(const CommandContext& context, std::string phase) : printer_(context) {
    progress_.phase = std::move(phase);
  }

  void progress(const archive::ByteProgress& progress) override {
    progress_.done_bytes = progress.bytes_done;
    progress_.total_bytes = progress.bytes_total;
    printer_.update(progress_);
  }
  void warning(std::string_view text) override { printer_.warn(text); }
  // Takes the bar away before the result is printed.
  void clear() { printer_.clear(); }

 private:
  ProgressPrinter printer_;
  host::Progress progress_;
};

}  // namespace murder::cli
