#include "agent/state_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "engine/base/own_file.h"
#include "engine/base/small_file.h"
#include "engine/control/bounds.h"
#include "engine/control/kept_text.h"

namespace murder::agent {
namespace {

constexpr const char* kept_name = "kept.json";
constexpr const char* lock_name = "lock";
constexpr const char* reserve_name = "reserve";
constexpr size_t reserve_bytes = 128 * 1024;
constexpr mode_t private_mode = 0700;

// Missing directories above it are everybody's to look into.
Status make_directories(const std::string& path) {
  for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    if (mkdir(path.substr(0, end).c_str(), 0755) != 0 && errno != EEXIST) {
      return fail_errno(errno, "cannot make the directory " + path.substr(0, end));
    }
  }
  if (mkdir(path.c_str(), private_mode) != 0 && errno != EEXIST) {
    return fail_errno(errno, "cannot make the directory " + path);
  }
  return {};
}

SmallFile kept_file(int directory_fd, const std::string& directory) {
  return {.directory_fd = directory_fd, .directory = directory, .name = kept_name};
}

}  // namespace

std::string file_name_of(std::string_view app) {
  std::string name;
  for (const char byte : app) {
    const bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                          (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' ||
                          (byte == '.' && !name.empty());
    if (is_plain) {
      name.push_back(byte);
    } else {
      name += fmt::format("%{:02x}", static_cast<uint8_t>(byte));
    }
  }
  return name;
}

std::string torrent_path(const AppPlace& place, const InfoHash& release) {
  return fmt::format("{}/{}.torrent", place.torrents, release.hex());
}

Result<StateDirectory> StateDirectory::open(const std::string& path) {
  if (Status made = make_directories(path); !made) {
    return fail(made.error());
  }
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status {};
  if (!fd.is_open() || fstat(fd.get(), &status) != 0) {
    return fail_errno(errno, "cannot open the state directory " + path);
  }
  if (status.st_uid != geteuid() || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(ErrorCode::permission,
                fmt::format("the state directory {} has to belong to user id {} and be closed to "
                            "others: chmod 0700 {}",
                            path, geteuid(), path));
  }
  Fd lock(openat(fd.get(), lock_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.is_open()) {
    return fail_errno(errno, fmt::format("cannot open {}/{}", path, lock_name));
  }
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    const std::optional<LockHolder> holder = find_lock_holder(lock.get());
    return fail(ErrorCode::conflict, fmt::format("another agent uses the state directory {}{}",
                                                 path, holder ? ": " + holder->text() : ""));
  }
  return StateDirectory(path, std::move(fd), std::move(lock));
}

Result<AppPlace> StateDirectory::make_app_place(std::string_view app,
                                                const std::string& temp_path) const {
  const std::string base = fmt::format("{}/apps/{}", path_, file_name_of(app));
  const AppPlace place{.torrents = base + "/torrents",
                       .archives = temp_path.empty() ? base + "/archives" : temp_path,
                       .run = base + "/run"};
  for (const std::string* path : {&place.torrents, &place.archives, &place.run}) {
    // Where archives were asked for is the user's, as `murder peer --temp-path` is.
    const bool is_ours = path != &place.archives || temp_path.empty();
    if (Status made = is_ours ? make_directories(*path) : Status(); !made) {
      return fail(made.error());
    }
  }
  return place;
}

Result<control::KeptAgent> StateDirectory::load(std::string& warning) const {
  const SmallFile file = kept_file(fd_.get(), path_);
  const Result<std::string> text = read_small_file(file, limits::control_kept_bytes_max);
  if (!text && text.error().code == ErrorCode::not_found) {
    return control::KeptAgent{};
  }
  if (!text && text.error().code != ErrorCode::limit) {
    return fail(text.error());
  }
  Result<control::KeptAgent> kept =
      text ? control::parse_kept(*text) : Result<control::KeptAgent>(fail(text.error()));
  if (kept) {
    return kept;
  }
  const std::string aside = std::string(kept_name) + ".damaged";
  if (renameat(fd_.get(), kept_name, fd_.get(), aside.c_str()) != 0) {
    return fail_errno(errno, fmt::format("cannot rename {}", file.path()));
  }
  warning = fmt::format("{} cannot be used ({}): it is {} now, and this host begins anew",
                        file.path(), kept.error().text, aside);
  return control::KeptAgent{};
}

Status StateDirectory::save(const control::KeptAgent& kept) const {
  const std::string text = control::text_of(kept);
  Status saved = write_small_file(kept_file(fd_.get(), path_), text);
  if (!saved && saved.error().code == ErrorCode::no_space &&
      unlinkat(fd_.get(), reserve_name, 0) == 0) {
    saved = write_small_file(kept_file(fd_.get(), path_), text);
  }
  return saved;
}

void StateDirectory::put_by() const {
  if (faccessat(fd_.get(), reserve_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
    return;
  }
  const SmallFile file{.directory_fd = fd_.get(), .directory = path_, .name = reserve_name};
  // Not all zeros: a file system may keep those without room.
  (void)write_small_file(file, std::string(reserve_bytes, 'r'));
}

}  // namespace murder::agent
