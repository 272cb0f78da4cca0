#include "engine/host/run_as.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "engine/archive/file.h"
#include "engine/host/owner.h"

namespace murder::host {
namespace {

constexpr int groups_max = 65536;  // NGROUPS_MAX

std::vector<gid_t> groups_of(const std::string& name, gid_t group) {
  int count = 0;
  getgrouplist(name.c_str(), group, nullptr, &count);
  std::vector<gid_t> groups(static_cast<size_t>(std::clamp(count, 1, groups_max)), group);
  count = static_cast<int>(groups.size());
  const bool has_all = getgrouplist(name.c_str(), group, groups.data(), &count) >= 0;
  groups.resize(has_all ? static_cast<size_t>(count) : 1);
  return groups;
}

}  // namespace

Result<RunAs> parse_run_as(const std::string& text) {
  const Result<archive::Owner> owner = parse_owner(text);
  if (!owner) {
    return fail(owner.error());
  }
  if (owner->user == static_cast<uid_t>(-1)) {
    return fail(ErrorCode::invalid_input, "write USER or USER:GROUP");
  }
  if (owner->user == 0) {
    return fail(ErrorCode::invalid_input, "name a user that is not root");
  }
  RunAs run_as{.user = owner->user, .group = owner->group, .groups = {}, .text = text};
  const struct passwd* found = getpwuid(owner->user);
  const std::string name = found == nullptr ? "" : found->pw_name;
  if (owner->group == static_cast<gid_t>(-1)) {
    if (found == nullptr) {
      return fail(ErrorCode::not_found,
                  fmt::format("no user of this host has that number: write {}:GROUP", text));
    }
    run_as.group = found->pw_gid;
  }
  run_as.groups = name.empty() ? std::vector<gid_t>{run_as.group} : groups_of(name, run_as.group);
  return run_as;
}

Status give_up_root(const RunAs& run_as) {
  const auto failed = [&run_as](const char* what) {
    return fail_errno(errno, fmt::format("--user {}: cannot change the {}", run_as.text, what));
  };
  if (setgroups(run_as.groups.size(), run_as.groups.data()) != 0) {
    return failed("groups");
  }
  if (setresgid(run_as.group, run_as.group, run_as.group) != 0) {
    return failed("group");
  }
  // Takes all capabilities away as well.
  if (setresuid(run_as.user, run_as.user, run_as.user) != 0) {
    return failed("user");
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return failed("privileges");
  }
  if (setresuid(0, 0, 0) == 0 || geteuid() != run_as.user) {
    return fail(ErrorCode::permission,
                fmt::format("--user {}: the rights of root could be taken back", run_as.text));
  }
  return {};
}

Status make_directories_for(const RunAs& run_as, const std::string& path) {
  namespace fs = std::filesystem;
  std::vector<std::string> missing;
  std::error_code error;
  for (fs::path at = fs::absolute(path, error).lexically_normal();
       !fs::exists(fs::symlink_status(at, error)) && at.has_relative_path();
       at = at.parent_path()) {
    if (at.has_filename()) {
      missing.push_back(at.string());
    }
  }
  if (Status made = archive::make_directories(path); !made) {
    return made;
  }
  for (const std::string& directory : missing) {
    if (lchown(directory.c_str(), run_as.user, run_as.group) != 0) {
      return fail_errno(errno, "cannot give " + directory + " to " + run_as.text);
    }
  }
  return {};
}

}  // namespace murder::host
