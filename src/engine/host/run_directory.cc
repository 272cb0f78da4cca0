#include "engine/host/run_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "engine/base/missing_inodes.h"

namespace murder::host {
namespace {

constexpr std::string_view socket_suffix = ".sock";
constexpr std::string_view hidden_suffix = ".new";
constexpr int backlog = 64;
constexpr size_t sockets_of_others_max = 16;
constexpr int same_pid_max = 16;  // containers with separate pids may share a run directory

// Held while sockets are added or removed, so that nobody removes one that was made just now.
class DirectoryLock {
 public:
  explicit DirectoryLock(int directory_fd) : fd_(directory_fd) {
    while (flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  ~DirectoryLock() { flock(fd_, LOCK_UN); }

 private:
  int fd_;
};

std::string default_path() {
  if (geteuid() == 0 && access("/run", W_OK) == 0) {
    return "/run/murder";
  }
  const bool has_var_tmp = access("/var/tmp", W_OK | X_OK) == 0;
  return fmt::format("{}/murder-{}", has_var_tmp ? "/var/tmp" : "/tmp", geteuid());
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof(address.sun_path) - 1));
  return address;
}

// A connected socket, or the errno. Never waits: a full backlog is EAGAIN.
Result<io::Fd> connect_to(const std::string& path, int& error_number) {
  io::Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.is_open()) {
    error_number = errno;
    return fail_errno(error_number, "a unix socket cannot be made");
  }
  const sockaddr_un address = address_of(path);
  error_number = 0;
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    error_number = errno;
    return fail_errno(error_number, path);
  }
  return fd;
}

Error not_ours(const std::string& path) {
  return {ErrorCode::permission,
          fmt::format("run directory {}: it belongs to another user or is open to others: "
                      "remove it, or name another with --run-dir",
                      path)};
}

Status check_owner(const std::string& path, int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) {
    return fail_errno(errno, path);
  }
  if (status.st_uid != geteuid() || (status.st_mode & 0077U) != 0) {
    return fail(not_ours(path));
  }
  return {};
}

// Where earlier versions kept their sockets by default, as far as it is there and ours.
std::vector<std::string> older_directories(const std::string& path) {
  std::vector<std::string> candidates = {fmt::format("/run/user/{}/murder", geteuid()),
                                         fmt::format("/tmp/murder-{}", geteuid())};
  const char* session = std::getenv("XDG_RUNTIME_DIR");
  if (session != nullptr && session[0] == '/' &&
      candidates[0] != std::string(session) + "/murder") {
    candidates.push_back(std::string(session) + "/murder");
  }
  std::erase_if(candidates, [&path](const std::string& candidate) {
    const io::Fd fd(::open(candidate.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    return candidate == path || !fd.is_open() || !check_owner(candidate, fd.get());
  });
  return candidates;
}

// What a socket is called until it listens: ".1234.new".
std::string hidden_socket_name(int pid) {
  return fmt::format(".{}{}", pid, hidden_suffix);
}

bool is_hidden_socket(std::string_view name) {
  if (!name.starts_with('.') || !name.ends_with(hidden_suffix)) {
    return false;
  }
  name.remove_prefix(1);
  name.remove_suffix(hidden_suffix.size());
  return !name.empty() &&
         std::ranges::all_of(name, [](char digit) { return digit >= '0' && digit <= '9'; });
}

enum class DeadSockets : uint8_t { removed, left };

template <typename PathOf>
void add_live_sockets(int directory_fd, const PathOf& path_of, DeadSockets dead,
                      std::vector<std::string>& names) {
  // Another descriptor: reading moves the position of the one it reads from.
  const int listing_fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* listing = listing_fd < 0 ? nullptr : fdopendir(listing_fd);
  if (listing == nullptr) {
    if (listing_fd >= 0) {
      ::close(listing_fd);
    }
    return;
  }
  std::optional<DirectoryLock> lock;
  if (dead == DeadSockets::removed) {
    lock.emplace(directory_fd);
  }
  while (const dirent* entry = readdir(listing)) {
    const std::string name = entry->d_name;
    if (dead == DeadSockets::removed && is_hidden_socket(name)) {
      unlinkat(directory_fd, name.c_str(), 0);  // whoever makes one holds the lock
    }
    if (pid_of_socket(name) < 0) {
      continue;
    }
    int error_number = 0;
    (void)connect_to(path_of(name), error_number);
    if (error_number == ECONNREFUSED) {
      if (dead == DeadSockets::removed) {
        unlinkat(directory_fd, name.c_str(), 0);
      }
    } else if (error_number != ENOENT) {
      names.push_back(name);
    }
  }
  closedir(listing);
}

}  // namespace

// The number before ".sock" (and before a further "-N").
int pid_of_socket(std::string_view name) {
  name.remove_prefix(name.rfind('/') + 1);  // npos + 1 is 0
  int pid = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  const bool is_number = error == std::errc{} && end != name.data();
  return is_number && name.ends_with(socket_suffix) ? pid : -1;
}

bool is_default_run_directory(const std::string& option) {
  const char* variable = std::getenv("MURDER_RUN_DIR");
  return option.empty() && (variable == nullptr || variable[0] == '\0');
}

std::string choose_run_directory(const std::string& option) {
  const std::string path = is_default_run_directory(option) ? default_path()
                           : option.empty()                 ? std::getenv("MURDER_RUN_DIR")
                                                            : option;
  std::error_code ignored;
  const std::filesystem::path absolute = std::filesystem::absolute(path, ignored);
  return ignored ? path : absolute.string();
}

Result<RunDirectory> RunDirectory::open(const std::string& option) {
  const std::string path = choose_run_directory(option);
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail_making(errno, path,
                       fmt::format("run directory {}: it cannot be made (choose another with "
                                   "--run-dir or MURDER_RUN_DIR)",
                                   path));
  }
  return open_existing(option);
}

Result<RunDirectory> RunDirectory::open_existing(const std::string& option) {
  const std::string path = choose_run_directory(option);
  const std::vector<std::string> older =
      is_default_run_directory(option) ? older_directories(path) : std::vector<std::string>();
  if (!older.empty()) {
    static_cast<void>(mkdir(path.c_str(), 0700));
  }
  // Anybody may make directories in the places of the defaults, but for root's.
  const bool must_be_ours = is_default_run_directory(option) && path != "/run/murder";
  io::Fd fd(
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | (must_be_ours ? O_NOFOLLOW : 0)));
  if (!fd.is_open() && must_be_ours && (errno == EACCES || errno == ELOOP || errno == ENOTDIR)) {
    return fail(not_ours(path));
  }
  if (!fd.is_open()) {
    return fail_errno(errno, "run directory " + path);
  }
  if (must_be_ours) {
    if (Status status = check_owner(path, fd.get()); !status) {
      return fail(status.error());
    }
  }
  RunDirectory directory(path, std::move(fd));
  directory.older_paths_ = older;
  return directory;
}

Result<RunDirectory> RunDirectory::open_of_others(const std::string& path) {
  io::Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.is_open()) {
    return fail_errno(errno, "run directory " + path);
  }
  RunDirectory directory(path, std::move(fd));
  directory.is_of_others_ = true;
  return directory;
}

std::string RunDirectory::socket_path(const std::string& name) const {
  if (name.starts_with('/')) {
    return name;
  }
  std::string path = path_ + "/" + name;
  if (path.size() < sizeof(sockaddr_un::sun_path)) {
    return path;
  }
  return fmt::format("/proc/self/fd/{}/{}", fd_.get(), name);
}

std::vector<std::string> RunDirectory::live_sockets() const {
  std::vector<std::string> names;
  add_live_sockets(
      fd_.get(), [this](const std::string& name) { return socket_path(name); },
      is_of_others_ ? DeadSockets::left : DeadSockets::removed, names);
  if (is_of_others_ && names.size() > sockets_of_others_max) {
    names.resize(sockets_of_others_max);
  }
  for (const std::string& older : older_paths_) {
    const io::Fd fd(::open(older.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    std::vector<std::string> found;
    if (fd.is_open()) {
      add_live_sockets(
          fd.get(), [&older](const std::string& name) { return fmt::format("{}/{}", older, name); },
          DeadSockets::removed, found);
    }
    for (const std::string& name : found) {
      names.push_back(fmt::format("{}/{}", older, name));
    }
  }
  std::sort(names.begin(), names.end(), [](const std::string& left, const std::string& right) {
    const int left_pid = pid_of_socket(left);
    const int right_pid = pid_of_socket(right);
    return left_pid != right_pid ? left_pid < right_pid : left < right;
  });
  return names;
}

Result<ControlSocket> ControlSocket::create(const std::string& run_directory_option) {
  Result<RunDirectory> directory = RunDirectory::open(run_directory_option);
  if (!directory) {
    return fail(directory.error());
  }
  io::Fd listening(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listening.is_open()) {
    return fail_errno(errno, "control socket");
  }
  // It gets its name when it listens: before that it would look like one whose owner died.
  const std::string hidden = hidden_socket_name(getpid());
  const sockaddr_un address = address_of(directory->socket_path(hidden));
  const DirectoryLock lock(directory->fd());
  unlinkat(directory->fd(), hidden.c_str(), 0);
  const auto failed = [&directory, &hidden](int error_number) {
    unlinkat(directory->fd(), hidden.c_str(), 0);
    return fail_making(error_number, directory->fd(),
                       fmt::format("control socket in {}: it cannot be made (choose another place "
                                   "with --run-dir)",
                                   directory->path()));
  };
  if (bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      fchmodat(directory->fd(), hidden.c_str(), 0600, 0) != 0 ||
      listen(listening.get(), backlog) != 0) {
    return failed(errno);
  }
  for (int turn = 1; turn <= same_pid_max; ++turn) {
    const std::string name = turn == 1 ? fmt::format("{}{}", getpid(), socket_suffix)
                                       : fmt::format("{}-{}{}", getpid(), turn, socket_suffix);
    int error_number = 0;
    (void)connect_to(directory->socket_path(name), error_number);
    if (error_number == ENOENT || error_number == ECONNREFUSED) {
      if (renameat(directory->fd(), hidden.c_str(), directory->fd(), name.c_str()) != 0) {
        return failed(errno);
      }
      return ControlSocket(std::move(*directory), name, std::move(listening));
    }
    if (error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM ||
        error_number == ENOBUFS) {
      return failed(error_number);  // nothing that another name would change
    }
  }
  return failed(EEXIST);
}

ControlSocket::ControlSocket(RunDirectory directory, std::string name, io::Fd listening)
    : directory_(std::move(directory)), name_(std::move(name)), listening_(std::move(listening)) {
  struct stat status {};
  if (fstatat(directory_.fd(), name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    device_ = status.st_dev;
    inode_ = status.st_ino;
  }
}

bool ControlSocket::is_lost() const {
  // By its whole path: the directory may be gone, or another.
  struct stat status {};
  const std::string path = directory_.path() + "/" + name_;
  if (fstatat(AT_FDCWD, path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT || errno == ENOTDIR;
  }
  return status.st_dev != device_ || status.st_ino != inode_;
}

ControlSocket::~ControlSocket() {
  if (directory_.fd() >= 0) {
    const DirectoryLock lock(directory_.fd());
    unlinkat(directory_.fd(), name_.c_str(), 0);
  }
}

Result<SocketOwner> owner_of_socket(const RunDirectory& directory, const std::string& name) {
  int error_number = 0;
  Result<io::Fd> connection = connect_to(directory.socket_path(name), error_number);
  if (!connection) {
    return error_number == ECONNREFUSED ? fail(ErrorCode::not_found, "the process has ended")
                                        : fail(connection.error());
  }
  ucred credentials{};
  socklen_t length = sizeof(credentials);
  if (getsockopt(connection->get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    return fail_errno(errno, name);
  }
  if (credentials.pid <= 0) {
    return fail(ErrorCode::unsupported, "the process is in another pid namespace");
  }
  SocketOwner owner{.pid = credentials.pid, .pidfd = {}};
  const long pidfd = syscall(SYS_pidfd_open, credentials.pid, 0);
  if (pidfd < 0) {
    // The socket of a process that is gone takes connections until the kernel has ended its ring.
    return errno == ESRCH ? fail(ErrorCode::not_found, "the process has ended")
                          : fail_errno(errno, fmt::format("process {}", credentials.pid));
  }
  owner.pidfd = io::Fd(static_cast<int>(pidfd));
  return owner;
}

}  // namespace murder::host
