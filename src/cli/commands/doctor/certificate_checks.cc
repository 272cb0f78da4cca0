#include "cli/commands/doctor/certificate_checks.h"

#include <fmt/format.h>

#include "cli/commands/doctor/expiry_warning.h"
#include "engine/base/printable.h"
#include "engine/trust/time_text.h"

namespace murder::cli {

std::optional<Finding> check_certificate(const CertificateFacts& facts) {
  Finding finding{.name = "certificate"};
  if (!facts.shown) {
    finding.grade = Grade::broken;
    finding.text = fmt::format("{}: {}; the tracker does not start", facts.config_path,
                               facts.shown.error().text);
    return finding;
  }
  if (!*facts.shown) {
    return std::nullopt;
  }
  const ShownCertificate& shown = **facts.shown;
  const std::string end = trust::time_text_of(static_cast<uint64_t>(shown.expires_s));
  const int64_t left_s = shown.expires_s - facts.unix_seconds;
  finding.text =
      fmt::format("{}, of the tracker: {} {}, its key is {}", printable_value(facts.path),
                  left_s < 0 ? "ended at" : "ends at", end, shown.pin);
  if (left_s < expiry_warned_before_s) {
    finding.grade = Grade::could_be_better;
    finding.text += left_s < 0
                        ? "; only clients that pin the key connect"
                        : fmt::format("; it is valid for {} more days", left_s / expiry_day_s);
    finding.mend = "systemctl reload murder-tracker   # when it was renewed";
  }
  return finding;
}

}  // namespace murder::cli
