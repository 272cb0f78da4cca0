#include "cli/commands/doctor/fleet_key_checks.h"

#include <fmt/format.h>

#include "engine/base/printable.h"

namespace murder::cli {
namespace {

constexpr std::string_view key_check_name = "fleet key";

// The checksum that a key ends with.
std::string ending_of(const trust::Secret& secret) {
  const std::string text = trust::key_text(trust::KeyKind::fleet, secret);
  return text.substr(text.rfind('-'));
}

}  // namespace

Finding check_fleet_key(const FleetKeyFacts& facts) {
  Finding finding{.name = std::string(key_check_name)};
  const std::string path = printable_value(facts.path);
  if (!facts.keys) {
    finding.grade = Grade::broken;
    finding.text = facts.keys.error().text + "; seed, peer and tracker end with this error";
    return finding;
  }
  if (!*facts.keys) {
    finding.text =
        fmt::format("none: there is no {}, so whoever reaches the ports takes part", path);
    return finding;
  }
  const trust::FleetKeys& keys = **facts.keys;
  finding.text = fmt::format("{}: only who proves the key that ends with {} takes part", path,
                             ending_of(keys.fleet.first()));
  if (keys.fleet.count > 1) {
    finding.text += fmt::format(", or that with {} (a key is being replaced)",
                                ending_of(keys.fleet.all().back()));
  }
  if (!keys.opener.empty()) {
    finding.text += "; with an operator key";
  }
  return finding;
}

}  // namespace murder::cli
