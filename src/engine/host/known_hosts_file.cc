#include "engine/host/known_hosts_file.h"

#include <fmt/format.h>

#include "engine/host/trusted_file.h"
#include "engine/trust/bounds.h"

namespace murder::host {

Result<trust::KnownHosts> load_known_hosts(const std::string& path) {
  const Result<std::optional<std::string>> text =
      read_trusted_file(path, limits::known_hosts_bytes_max);
  if (!text) {
    return fail(text.error());
  }
  if (!*text) {
    return fail(ErrorCode::not_found, fmt::format("there is no {}", path));
  }
  Result<trust::KnownHosts> known = trust::KnownHosts::parse(**text);
  if (!known) {
    return fail(known.error().code, fmt::format("{}: {}", path, known.error().text));
  }
  return known;
}

}  // namespace murder::host
