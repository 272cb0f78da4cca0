#include "engine/archive/landlock.h"

#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "engine/archive/file.h"

namespace murder::archive {

namespace {

// Those of version 1 (Linux 5.13), and what later ones added: links and renames between directories
// (5.19), truncation (6.2), control of devices (6.10). Headers may be older than the kernel.
constexpr uint64_t rights_of_version_1 = (uint64_t{1} << 13U) - 1;
constexpr uint64_t right_to_refer = uint64_t{1} << 13U;
constexpr uint64_t right_to_truncate = uint64_t{1} << 14U;
constexpr uint64_t right_to_control_devices = uint64_t{1} << 15U;

// What unpacking does. Nothing that is there is read, and no device or fifo is made.
constexpr uint64_t unpacking_rights =
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |
    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
    LANDLOCK_ACCESS_FS_MAKE_SYM | right_to_refer | right_to_truncate;

// What a rule may say of a file that is not a directory.
constexpr uint64_t rights_of_files = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                     LANDLOCK_ACCESS_FS_READ_FILE | right_to_truncate;

}  // namespace

int landlock_version() {
  return static_cast<int>(std::max<long>(
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION), 0));
}

uint64_t landlock_rights(int version) {
  uint64_t rights = version >= 1 ? rights_of_version_1 : 0;
  rights |= version >= 2 ? right_to_refer : 0;
  rights |= version >= 3 ? right_to_truncate : 0;
  rights |= version >= 5 ? right_to_control_devices : 0;
  return rights;
}

namespace {

struct Rule {
  int fd = -1;
  uint64_t rights = 0;
};

Status allow_only(const std::vector<Rule>& rules) {
  const int version = landlock_version();
  if (version < landlock_version_min) {
    return fail(ErrorCode::unsupported, "this kernel has no Landlock");
  }
  const uint64_t handled = landlock_rights(version);
  const struct landlock_ruleset_attr attributes { .handled_access_fs = handled };
  const Fd ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0)));
  if (!ruleset.is_open()) {
    return fail_errno(errno, "cannot make a Landlock ruleset");
  }
  for (const Rule& rule : rules) {
    struct stat status {};
    const bool is_directory = ::fstat(rule.fd, &status) == 0 && S_ISDIR(status.st_mode);
    const struct landlock_path_beneath_attr beneath {
      .allowed_access = rule.rights & handled & (is_directory ? ~uint64_t{0} : rights_of_files),
      .parent_fd = rule.fd
    };
    if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) !=
        0) {
      return fail_errno(errno, "cannot allow a directory with Landlock");
    }
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return fail_errno(errno, "cannot restrict a thread with Landlock");
  }
  return {};
}

}  // namespace

Status restrict_to_directory(int directory_fd) {
  return allow_only(directory_fd < 0 ? std::vector<Rule>()
                                     : std::vector<Rule>{{directory_fd, unpacking_rights}});
}

Status restrict_to(const LandlockRules& rules) {
  std::vector<Rule> each;
  for (const int fd : rules.changed_fds) {
    each.push_back({.fd = fd, .rights = unpacking_rights | LANDLOCK_ACCESS_FS_READ_FILE});
  }
  for (const int fd : rules.read_fds) {
    each.push_back(
        {.fd = fd, .rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR});
  }
  return allow_only(each);
}

}  // namespace murder::archive
