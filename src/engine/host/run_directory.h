// How the murder processes of a host find each other: each keeps a unix socket RUN/PID.sock as long
// as it lives. A socket whose owner died is removed by whoever comes across it.
//
// The default place is the same for a user however a command is started (a login, ssh, cron, sudo),
// and outlives sessions: $XDG_RUNTIME_DIR does neither. It is local to the host, as a home
// directory may not be, and a directory of another user in that place is refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/io/sockets.h"

namespace murder::host {

// The run directory: `option` (--run-dir) if not empty, else $MURDER_RUN_DIR, else /run/murder for
// root, /var/tmp/murder-UID for others; /tmp/murder-UID where those cannot be written to. Absolute.
// Makes nothing.
[[nodiscard]] std::string choose_run_directory(const std::string& option);
// Whether nobody named one: `option` and $MURDER_RUN_DIR are empty.
[[nodiscard]] bool is_default_run_directory(const std::string& option);

// An open run directory. Holds one descriptor (O_PATH is not enough: flock needs a real one).
class RunDirectory {
 public:
  // Makes it if it is missing, for the owner alone. A default in a place where anybody may make
  // directories is an error when it belongs to another user.
  [[nodiscard]] static Result<RunDirectory> open(const std::string& option);
  // As above, but a missing one is not made: ErrorCode::not_found. It is when processes are in an
  // older place.
  [[nodiscard]] static Result<RunDirectory> open_existing(const std::string& option);
  // That of another user's processes, as root sees it: nothing in it is changed or locked, since
  // its owner could hold the lock for good.
  [[nodiscard]] static Result<RunDirectory> open_of_others(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

  // The path of an entry, short enough for a socket address (108 bytes) however long path() is.
  // Valid while this object lives.
  [[nodiscard]] std::string socket_path(const std::string& name) const;

  // Names of the control sockets with a live owner, sorted by pid; others are removed, unless it is
  // a directory of others.
  // A socket of another user counts as live. One in a place where earlier versions kept theirs by
  // default has its whole path for a name.
  [[nodiscard]] std::vector<std::string> live_sockets() const;

 private:
  RunDirectory(std::string path, io::Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  io::Fd fd_;
  std::vector<std::string> older_paths_;  // that are there
  bool is_of_others_ = false;
};

// The pid in the name of a control socket; -1: it is not one.
[[nodiscard]] int pid_of_socket(std::string_view name);

// The control socket of this process: listening from the start, removed at the end.
class ControlSocket {
 public:
  [[nodiscard]] static Result<ControlSocket> create(const std::string& run_directory_option);
  ControlSocket(ControlSocket&&) = default;
  ControlSocket& operator=(ControlSocket&&) = delete;
  ~ControlSocket();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const RunDirectory& directory() const { return directory_; }
  // For the server that takes it over.
  [[nodiscard]] int release_fd() { return listening_.release(); }
  // Whether its name is gone, or another's: somebody has removed it, or its directory.
  [[nodiscard]] bool is_lost() const;

 private:
  ControlSocket(RunDirectory directory, std::string name, io::Fd listening);

  RunDirectory directory_;
  std::string name_;
  io::Fd listening_;
  uint64_t device_ = 0;  // of its name
  uint64_t inode_ = 0;
};

// The process behind a live control socket as this process sees it (SO_PEERCRED), as a pidfd that
// becomes readable when that process ends. Error not_found: it has ended; unsupported: it is in
// another pid namespace.
struct SocketOwner {
  int pid = 0;
  io::Fd pidfd;
};
[[nodiscard]] Result<SocketOwner> owner_of_socket(const RunDirectory& directory,
                                                  const std::string& name);

}  // namespace murder::host
