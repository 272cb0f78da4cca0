// Holds a directory from the moment at which a signed release may get its name there until it has
// it, so that of two peers the one with the older release cannot be the last.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/codec/metainfo.h"
#include "engine/host/release_directory.h"
#include "engine/host/signed_release.h"

namespace murder::host {

// A target without a tag of its own: `path` is the file or directory that gets the name.
[[nodiscard]] SerialPlace serial_place_of_path(const std::string& path);

// Before the first byte is fetched, without a lock. Errors: (untrusted) the signature has expired,
// or this is a step back; the record cannot be read.
[[nodiscard]] Status check_signed_placing(const SignedPlacing& placing);

class SerialGuard {
 public:
  // The same under the lock, which is held until the guard ends. The serial is written down before
  // anything has the name: what fails afterwards leaves it, which forbids older ones, and no more.
  [[nodiscard]] static Result<SerialGuard> enter(const SignedPlacing& placing, bool sync_to_disk);

  [[nodiscard]] ReleaseDirectory& directory() { return directory_; }

 private:
  explicit SerialGuard(ReleaseDirectory directory) : directory_(std::move(directory)) {}

  ReleaseDirectory directory_;
};

}  // namespace murder::host
