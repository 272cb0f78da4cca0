#include "engine/host/fleet_key_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "engine/host/bounded_read.h"
#include "engine/host/trusted_file.h"

namespace murder::host {
namespace {

// Nothing has that name, and no link there or on the way leads nowhere (yet): somebody meant to
// have a key.
bool has_no_key_file(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR) &&
         !has_dangling_link(path);
}

}  // namespace

std::string fleet_key_path() {
  const char* const named = std::getenv(fleet_key_variable);
  return named != nullptr && *named != '\0' ? std::string(named)
                                            : std::string(fleet_key_path_default);
}

Result<trust::FleetKeys> read_fleet_keys(const std::string& path) {
  const Result<std::string> text =
      read_private_file(path, "the fleet key", limits::fleet_key_file_bytes_max);
  return text ? trust::parse_fleet_keys(*text, path) : fail(text.error());
}

Result<trust::OperatorKeys> operator_keys_for(const std::string& path) {
  const std::string used = path.empty() ? fleet_key_path() : path;
  const Result<std::string> text =
      read_private_file(used, "the operator key", limits::fleet_key_file_bytes_max);
  Result<trust::OperatorKeys> keys =
      text ? trust::parse_operator_keys(*text, used) : fail(text.error());
  return keys || !path.empty() ? std::move(keys) : trust::OperatorKeys{};
}

Result<std::optional<trust::FleetKeys>> fleet_keys_for(const std::string& path, bool is_open) {
  if (is_open) {
    return std::nullopt;
  }
  const std::string used = path.empty() ? fleet_key_path() : path;
  if (path.empty() && has_no_key_file(used)) {
    return std::nullopt;
  }
  Result<trust::FleetKeys> keys = read_fleet_keys(used);
  if (!keys) {
    return fail(keys.error().code,
                keys.error().text + (path.empty() ? "; --open takes part without a key" : ""));
  }
  return std::optional<trust::FleetKeys>(*keys);
}

}  // namespace murder::host
