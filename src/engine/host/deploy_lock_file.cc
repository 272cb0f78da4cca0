#include "engine/host/deploy_lock_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "engine/base/missing_inodes.h"
#include "engine/base/small_file.h"
#include "engine/host/peer_outcome.h"

namespace murder::host {
namespace {

constexpr const char* locks_file = "deploys.json";
constexpr size_t locks_bytes_max = 1024 * 1024;

std::string boot_id() {
  std::array<char, 64> text{};
  const io::Fd fd(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  const ssize_t size = fd.is_open() ? read(fd.get(), text.data(), text.size()) : 0;
  std::string id(text.data(), size > 0 ? static_cast<size_t>(size) : 0);
  while (id.ends_with('\n')) {
    id.pop_back();
  }
  return id;
}

}  // namespace

BootClock boot_clock() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return {.boot = boot_id(), .now_s = static_cast<uint64_t>(now.tv_sec)};
}

DeployLockFile::DeployLockFile(const RunDirectory& directory)
    : directory_(directory), lock_(openat(directory.fd(), ".", O_RDONLY | O_CLOEXEC)) {
  while (lock_.is_open() && flock(lock_.get(), LOCK_EX) != 0 && errno == EINTR) {
  }
  const io::Fd fd(openat(directory.fd(), locks_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  std::string text(fd.is_open() ? locks_bytes_max : 0, '\0');
  const ssize_t size = fd.is_open() ? read(fd.get(), text.data(), text.size()) : 0;
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  if (const Result<Json> json = parse_json(text)) {
    locks_ = locks_of(*json);
  }
}

Status DeployLockFile::save() {
  const std::string fresh = fmt::format("{}.new", locks_file);
  const std::string path = fmt::format("{}/{}", directory_.path(), locks_file);
  if (locks_.empty()) {
    unlinkat(directory_.fd(), fresh.c_str(), 0);  // of one that was killed
    if (unlinkat(directory_.fd(), locks_file, 0) != 0 && errno != ENOENT) {
      return fail_errno(errno, "cannot remove " + path);
    }
    return {};
  }
  const io::Fd fd(openat(directory_.fd(), fresh.c_str(),
                         O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.is_open()) {
    return fail_making(errno, directory_.fd(), "cannot write " + path);
  }
  Status written = write_whole(fd.get(), json_text(json_of(locks_)) + "\n", path);
  if (written && renameat(directory_.fd(), fresh.c_str(), directory_.fd(), locks_file) != 0) {
    written = fail_errno(errno, "cannot write " + path);
  }
  if (!written) {
    unlinkat(directory_.fd(), fresh.c_str(), 0);
  }
  return written;
}

Result<LockReply> keep_lock(const RunDirectory& directory, const LockRequest& request) {
  DeployLockFile file(directory);
  LockReply reply = take_lock(file.locks(), request, boot_clock());
  if (reply.state == LockState::held) {
    if (Status saved = file.save(); !saved) {
      return fail(saved.error());
    }
  }
  return reply;
}

bool hold_lock_for_agent(const RunDirectory& directory, const DeployLock& lock) {
  DeployLockFile file(directory);
  return hold_for_agent(file.locks(), lock, boot_clock()) && file.save();
}

void give_agent_lock_back(const RunDirectory& directory, const std::string& token) {
  DeployLockFile file(directory);
  if (release_of_agent(file.locks(), token)) {
    static_cast<void>(file.save());  // else it ends with its lease
  }
}

Result<Unlocked> give_lock_back(const RunDirectory& directory, const std::string& token) {
  DeployLockFile file(directory);
  const Unlocked unlocked = release_lock(file.locks(), token, boot_clock());
  if (Status saved = file.save(); !saved) {
    return fail(saved.error());
  }
  return unlocked;
}

bool is_deploy_at_work(const RunDirectory& directory, const std::string& tag) {
  DeployLockFile file(directory);
  const BootClock clock = boot_clock();
  return std::any_of(file.locks().begin(), file.locks().end(), [&](const DeployLock& lock) {
    return lock.tag == tag && !lock.is_mark && !lock.is_replaced && !lock.is_of_agent &&
           lock.boot == clock.boot && lock.until_s > clock.now_s;
  });
}

NewerDeploy newer_deploy_than(const RunDirectory& directory, const DeployLock& own) {
  {
    DeployLockFile file(directory);
    if (const DeployLock* other = other_at_work(file.locks(), own, boot_clock())) {
      return {.text = fmt::format("{} by {} since {}", other->why, other->owner, other->since),
              .is_of_tag = other->tag == own.tag};
    }
  }
  const Result<Json> outcome = read_outcome(directory, own.tag);
  const std::string token = outcome ? text_member(*outcome, "deploy") : "";
  if (token.empty() || token == own.token) {
    return {};
  }
  return {.text = "another deploy of " + own.tag, .is_of_tag = true};
}

}  // namespace murder::host
