// A release whose signature this host trusts, as it goes from the check of the signature to the
// thread that puts the release into its place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/archive/content_digest.h"
#include "engine/host/serial_marks.h"

namespace murder::host {

struct SignedRelease {
  archive::ContentDigest content;
  std::string app;
  uint64_t serial = 0;
  std::optional<int64_t> expires_at_s;  // seconds since 1970; it is valid up to then
  std::optional<int64_t> until_s;       // the same, or of the key or certificate that ends first
  bool allow_older = false;             // content that came before what is there now
};

// Where what was placed is remembered: in the record of a directory.
struct SerialPlace {
  std::string directory;  // empty: nothing is put in place (--no-unpack)
  std::string name;       // SerialMark::name
};

struct SignedPlacing {
  SignedRelease release;
  SerialPlace place;

  [[nodiscard]] SignedContent content() const {
    return {.sha256 = release.content.sha256.hex(), .serial = release.serial};
  }
};

}  // namespace murder::host
