// How the murder processes of a host find each other: each keeps a unix socket RUN/PID.sock as long
// as it lives. A socket whose owner died is removed by whoever comes across it.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/io/sockets.h"

namespace murder::cli {

// The run directory: `option` (--run-dir) if not empty, else $MURDER_RUN_DIR, else /run/murder for
// root, $XDG_RUNTIME_DIR/murder, or /tmp/murder-UID. Absolute. Does not touch the disk.
[[nodiscard]] std::string choose_run_directory(const std::string& option);

// An open run directory. Holds one descriptor (O_PATH is not enough: flock needs a real one).
class RunDirectory {
 public:
  // Makes it if it is missing, for the owner alone. A default below /tmp that belongs to another
  // user is an error.
  [[nodiscard]] static Result<RunDirectory> open(const std::string& option);
  // As above, but a missing one is not made: ErrorCode::not_found.
  [[nodiscard]] static Result<RunDirectory> open_existing(const std::string& option);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

  // The path of an entry, short enough for a socket address (108 bytes) however long path() is.
  // Valid while this object lives.
  [[nodiscard]] std::string socket_path(const std::string& name) const;

  // Names of the control sockets with a live owner, sorted by pid; others are removed.
  // A socket of another user counts as live.
  [[nodiscard]] std::vector<std::string> live_sockets() const;

 private:
  RunDirectory(std::string path, io::Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  io::Fd fd_;
};

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

 private:
  ControlSocket(RunDirectory directory, std::string name, io::Fd listening)
      : directory_(std::move(directory)),
        name_(std::move(name)),
        listening_(std::move(listening)) {}

  RunDirectory directory_;
  std::string name_;
  io::Fd listening_;
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

}  // namespace murder::cli
