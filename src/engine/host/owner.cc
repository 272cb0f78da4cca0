#include "engine/host/owner.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include <charconv>
#include <cstdint>
#include <optional>

namespace murder::host {
namespace {

// -1 itself stands for "as it is".
std::optional<uint32_t> number_of(const std::string& text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() ||
      value == UINT32_MAX) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

Result<archive::Owner> parse_owner(const std::string& text) {
  const size_t colon = text.find(':');
  const std::string user = text.substr(0, colon);
  const std::string group = colon == std::string::npos ? "" : text.substr(colon + 1);
  archive::Owner owner;
  if (user.empty() && group.empty()) {
    return fail(ErrorCode::invalid_input, "'" + text + "': write USER or USER:GROUP");
  }
  if (!user.empty()) {
    const std::optional<uint32_t> id = number_of(user);
    const struct passwd* found = id ? nullptr : getpwnam(user.c_str());
    if (!id && found == nullptr) {
      return fail(ErrorCode::not_found, fmt::format("there is no user {} on this host", user));
    }
    owner.user = id ? *id : found->pw_uid;
    if (colon != std::string::npos && group.empty()) {
      found = id ? getpwuid(*id) : found;
      if (found == nullptr) {
        return fail(ErrorCode::not_found,
                    fmt::format("user {} has no group to log in with on this host", user));
      }
      owner.group = found->pw_gid;
    }
  }
  if (!group.empty()) {
    const std::optional<uint32_t> id = number_of(group);
    const struct group* found = id ? nullptr : getgrnam(group.c_str());
    if (!id && found == nullptr) {
      return fail(ErrorCode::not_found, fmt::format("there is no group {} on this host", group));
    }
    owner.group = id ? *id : found->gr_gid;
  }
  return owner;
}

}  // namespace murder::host
