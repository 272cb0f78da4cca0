// SHA-1 (FIPS 180-4), what BitTorrent names torrents and pieces by: one message, or many side by
// side. The work is done by the library shalanes (subprojects/shalanes), whose header says more.
#pragma once

#include <shalanes/shalanes.h>
#include <cstdint>
#include <span>

#include "engine/base/types.h"

namespace murder::hash {

using shalanes::Extent;
using shalanes::lanes_max;
using shalanes::Part;
using Sha1Choice = shalanes::Choice<shalanes::Sha1>;
// Messages that come in parts, each at its own pace: pieces that are received, or read.
using Sha1Streams = shalanes::Streams<shalanes::Sha1>;

// The environment variable that names the kernels to use.
inline constexpr const char* sha1_variable = "MURDER_SHA1";

// The kernels of this process: what the CPU does best, or what MURDER_SHA1 names. Made when first
// asked for.
[[nodiscard]] const Sha1Choice& sha1_choice();

[[nodiscard]] Sha1Digest sha1(std::span<const uint8_t> bytes);

// Of a message whose end was hashed; the stream begins a new one.
[[nodiscard]] inline Sha1Digest digest_of(Sha1Streams& streams, uint32_t stream) {
  return {streams.digest(stream)};
}

}  // namespace murder::hash
