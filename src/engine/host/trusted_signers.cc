#include "engine/host/trusted_signers.h"

#include <fmt/format.h>

#include <ctime>

#include "engine/host/trusted_file.h"
#include "engine/trust/bounds.h"

namespace murder::host {

Result<std::optional<trust::AllowedSigners>> load_allowed_signers(const std::string& path) {
  const Result<std::optional<std::string>> text =
      read_trusted_file(path, limits::allowed_signers_bytes_max);
  if (!text) {
    return fail(text.error());
  }
  if (!*text) {
    return std::nullopt;
  }
  Result<trust::AllowedSigners> signers = trust::parse_allowed_signers(**text, seconds_of_local);
  if (!signers) {
    return fail(signers.error().code, fmt::format("{}: {}", path, signers.error().text));
  }
  return std::move(*signers);
}

int64_t seconds_of_local(const trust::CivilTime& time) {
  std::tm parts{};
  parts.tm_year = static_cast<int>(time.year - 1900);
  parts.tm_mon = static_cast<int>(time.month - 1);
  parts.tm_mday = static_cast<int>(time.day);
  parts.tm_hour = static_cast<int>(time.hour);
  parts.tm_min = static_cast<int>(time.minute);
  parts.tm_sec = static_cast<int>(time.second);
  // As OpenSSH does it, which leaves tm_isdst at 0: no summer time.
  return std::mktime(&parts);
}

}  // namespace murder::host
