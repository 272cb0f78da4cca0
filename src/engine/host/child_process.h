// A program that was started with pipes at its output.
//
// It has its own process group, so ^C on the terminal reaches it through its owner only and
// a signal reaches whatever it started. Three descriptors; the destructor kills and reaps what is
// still there.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/io/sockets.h"

namespace murder::host {

struct ChildOptions {
  std::vector<std::string> arguments;  // [0] is looked up in PATH
  int input_fd = -1;                   // a file that is opened anew for reading; -1: /dev/null
  int extra_fd = -1;                   // becomes descriptor 3; -1: none
  // "NAME=VALUE", besides this process's without what a service manager gave it.
  std::vector<std::string> environment = {};
};

class ChildProcess {
 public:
  [[nodiscard]] static Result<ChildProcess> start(const ChildOptions& options);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  // Readable when it has ended.
  [[nodiscard]] int pid_fd() const { return pid_fd_.get(); }
  // -1 once the stream has ended.
  [[nodiscard]] int output_fd() const { return output_.get(); }
  [[nodiscard]] int log_fd() const { return log_.get(); }

  // What can be read now without waiting, at most some buffers: calls `take` for each part. Closes
  // the stream at its end.
  template <typename Take>
  void read_output(Take take) {
    read_from(output_, take);
  }
  template <typename Take>
  void read_log(Take take) {
    read_from(log_, take);
  }

  // Of the process and of its group, until it was reaped.
  [[nodiscard]] int pid() const { return pid_; }
  // To the whole group. What of the group outlives the process is killed when that is reaped.
  void send_signal(int number);

  struct End {
    int exit_code = -1;  // -1: ended by `signal`
    int signal = 0;
  };
  // nullopt while it runs. Once it returned an end, the process is reaped.
  [[nodiscard]] std::optional<End> reap();

 private:
  ChildProcess() = default;

  static constexpr int reads_at_once = 8;
  // The bytes read, valid until the next call on this thread; none when nothing is there.
  static std::string_view read_some(io::Fd& fd);
  template <typename Take>
  static void read_from(io::Fd& fd, Take& take) {
    for (int count = 0; count < reads_at_once && fd.is_open(); ++count) {
      const std::string_view part = read_some(fd);
      if (part.empty()) {
        return;
      }
      take(part);
    }
  }

  pid_t pid_ = -1;
  bool is_signalled_ = false;
  io::Fd pid_fd_;
  io::Fd output_;
  io::Fd log_;
};

// A file in memory with these bytes, for ChildOptions. Nothing of it is left when it is closed.
[[nodiscard]] Result<io::Fd> memory_file(std::string_view bytes);

}  // namespace murder::host
