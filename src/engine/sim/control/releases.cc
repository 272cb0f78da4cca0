#include "engine/sim/control/releases.h"

#include <fmt/format.h>

#include "engine/base/ensure.h"

namespace murder::control_sim {

TrueRelease& TrueReleases::make(uint32_t app, double bad_share) {
  const auto number = static_cast<uint32_t>(releases_.size() + 1);
  ENSURE(number < 256);
  TrueRelease release{
      .app = app, .tag = fmt::format("v{}", number), .serial = number, .bad_share = bad_share};
  release.info_hash.bytes[0] = static_cast<uint8_t>(number);
  release.info_hash.bytes[19] = static_cast<uint8_t>(app);
  return releases_.emplace_back(std::move(release));
}

const TrueRelease* TrueReleases::find(const InfoHash& info_hash) const {
  const size_t number = info_hash.bytes[0];
  return number >= 1 && number <= releases_.size() ? &releases_[number - 1] : nullptr;
}

Fate TrueReleases::fate_of(const InfoHash& info_hash, uint32_t host) const {
  const TrueRelease* release = find(info_hash);
  ENSURE(release != nullptr);
  // The same for a host each time.
  Prng prng(seed_ * 1'000'003 + info_hash.bytes[0] * 4099U + host);
  prng.next();
  if (prng.unit() >= release->bad_share) {
    return Fate::works;
  }
  return static_cast<Fate>(1 + prng.below(static_cast<uint32_t>(Fate::cannot_fetch)));
}

}  // namespace murder::control_sim
