#include "cli/ui/background.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <thread>

#include "cli/ui/output.h"
#include "cli/ui/parent_link.h"
#include "cli/ui/progress.h"
#include "engine/base/missing_inodes.h"
#include "engine/host/run_directory.h"
#include "engine/host/service/journal.h"

namespace murder::cli {
namespace {

constexpr int stop_wait_ms = 10'000;  // then the worker is killed
constexpr off_t log_bytes_max = 1024 * 1024;
constexpr size_t log_tail_bytes = 2000;

bool goes_to_journal(int fd) {
  return host::is_journal_stream(fd, std::getenv("JOURNAL_STREAM"));
}

// In the foreground, what is told is shown at once. How far a service is, its manager is told
// (host/service/service_link.h): the journal gets no lines of progress.
class LocalParent : public host::Parent {
 public:
  explicit LocalParent(CommandContext& context)
      : context_(context), printer_(context), is_service_(goes_to_journal(STDERR_FILENO)) {
    context.has_other_work = true;
  }

  void progress(const host::Progress& progress) override {
    if (!is_service_) {
      printer_.update(progress);
    }
  }
  void note(std::string_view line) override { printer_.note(line); }
  void warn(std::string_view line) override { printer_.warn(line); }
  void finish(const host::FinalReport& report) override {
    printer_.clear();
    if (!report.text.empty() && !(report.is_in_journal && goes_to_journal(STDOUT_FILENO))) {
      context_.print(report.text);
    }
    if (!report.json.is_null()) {
      context_.print_json(report.json);
    }
  }
  [[nodiscard]] int hangup_fd() const override { return -1; }

 private:
  CommandContext& context_;
  ProgressPrinter printer_;
  const bool is_service_;
};

struct WorkerLog {
  std::string path;
  io::Fd fd;
  off_t start = 0;  // where this worker's lines begin
};

Result<WorkerLog> open_log(const CommandContext& context, const std::string& name) {
  const Result<host::RunDirectory> directory = host::RunDirectory::open(context.run_directory);
  if (!directory) {
    return fail(directory.error());
  }
  WorkerLog log;
  const std::string file = name + ".log";
  log.path = directory->path() + "/" + file;
  log.fd = io::Fd(openat(directory->fd(), file.c_str(),
                         O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!log.fd.is_open()) {
    return fail_making(errno, directory->fd(), "log " + log.path);
  }
  struct stat status {};
  if (fstat(log.fd.get(), &status) == 0) {
    log.start = status.st_size;
  }
  if (log.start > log_bytes_max && ftruncate(log.fd.get(), 0) == 0) {
    log.start = 0;
  }
  return log;
}

// What the worker wrote, for an error text: an abort says why on its standard error.
std::string log_tail(const WorkerLog& log) {
  std::string text(log_tail_bytes, '\0');
  struct stat status {};
  if (fstat(log.fd.get(), &status) != 0) {
    return {};
  }
  const off_t from = std::max(log.start, status.st_size - static_cast<off_t>(log_tail_bytes));
  const ssize_t size = pread(log.fd.get(), text.data(), text.size(), from);
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  while (!text.empty() && text.back() == '\n') {
    text.pop_back();
  }
  return text;
}

void remove_if_empty(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0 && status.st_size == 0) {
    unlink(path.c_str());
  }
}

[[noreturn]] void run_worker(int link_fd, const WorkerLog& log, const sigset_t& signals_before,
                             const WorkFunction& work) {
  setsid();
  sigprocmask(SIG_SETMASK, &signals_before, nullptr);
  close(STDIN_FILENO);
  static_cast<void>(open_nothing(O_RDONLY));
  dup2(log.fd.get(), STDOUT_FILENO);
  dup2(log.fd.get(), STDERR_FILENO);
  // All others belong to the caller.
  constexpr int link_place = 3;
  if (link_fd != link_place) {
    dup3(link_fd, link_place, O_CLOEXEC);
  }
  close_range(link_place + 1, ~0U, 0);
  ParentLink parent{io::Fd(link_place)};
  const int exit_code = parent.end(work(parent));
  remove_if_empty(log.path);
  std::exit(exit_code);
}

// The command that started a worker.
class Follower {
 public:
  Follower(CommandContext& context, pid_t worker, io::Fd link, int signal_fd, const WorkerLog& log)
      : context_(context),
        worker_(worker),
        link_(std::move(link)),
        signal_fd_(signal_fd),
        log_(log),
        printer_(context) {
    context.has_other_work = true;
  }

  Result<int> follow() {
    while (!is_over_) {
      pollfd sources[] = {{.fd = link_.get(), .events = POLLIN, .revents = 0},
                          {.fd = signal_fd_, .events = POLLIN, .revents = 0}};
      const int ready = poll(sources, 2, has_deadline_ ? milliseconds_left() : -1);
      if (ready == 0) {
        kill(worker_, SIGKILL);  // the end of the link follows
        set_deadline();
        continue;
      }
      if ((sources[1].revents & POLLIN) != 0) {
        on_signal();
      }
      if (sources[0].revents != 0) {
        on_link_readable();
      }
    }
    printer_.clear();
    return *outcome_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] int milliseconds_left() const {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
    return static_cast<int>(std::max<int64_t>(left.count(), 0));
  }

  void set_deadline() {
    has_deadline_ = true;
    deadline_ = Clock::now() + std::chrono::milliseconds(stop_wait_ms);
  }

  void on_signal() {
    signalfd_siginfo info{};
    if (read(signal_fd_, &info, sizeof(info)) != sizeof(info)) {
      return;
    }
    if (is_stopping_ && info.ssi_signo == SIGHUP) {
      return;  // of which a terminal that goes away sends several
    }
    // The second time, the user does not want to wait.
    kill(worker_, is_stopping_ ? SIGKILL : SIGTERM);
    is_stopping_ = true;
    set_deadline();
  }

  void on_link_readable() {
    const ssize_t size = recv(link_.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC);
    std::string packet(size > 0 ? static_cast<size_t>(size) : 0, '\0');
    if (size > 0) {
      packet.resize(
          static_cast<size_t>(std::max<ssize_t>(0, recv(link_.get(), packet.data(), size, 0))));
    } else if (size < 0 && errno == EINTR) {
      return;
    }
    if (packet.empty()) {
      on_worker_gone();
      return;
    }
    if (const std::optional<WorkerMessage> message = decode_worker_message(packet)) {
      on_message(*message);
    }
  }

  void on_message(const WorkerMessage& message) {
    switch (message.kind) {
      case WorkerMessageKind::progress:
        printer_.update(message.progress);
        return;
      case WorkerMessageKind::note:
        printer_.note(message.text);
        return;
      case WorkerMessageKind::warning:
        printer_.warn(message.text);
        return;
      case WorkerMessageKind::error:
        // The worker ends now: wait for it, so that what it held is free when the command returns.
        outcome_ = fail(message.error);
        set_deadline();
        return;
      case WorkerMessageKind::final_report:
        printer_.clear();
        if (!message.final_report.text.empty()) {
          context_.print(message.final_report.text);
        }
        if (!message.final_report.json.is_null()) {
          context_.print_json(message.final_report.json);
        }
        outcome_ = message.exit_code;
        is_over_ = true;
        return;
    }
  }

  void on_worker_gone() {
    is_over_ = true;
    int state = 0;
    while (waitpid(worker_, &state, 0) < 0 && errno == EINTR) {
    }
    if (outcome_) {
      return;
    }
    if (is_stopping_) {
      outcome_ = fail(ErrorCode::interrupted, "interrupted");
      return;
    }
    std::string text = "the worker process ended without a result";
    if (WIFSIGNALED(state)) {
      text = fmt::format("the worker process was killed by signal {} ({})", WTERMSIG(state),
                         strsignal(WTERMSIG(state)));
      if (WTERMSIG(state) == SIGKILL) {
        text +=
            ", by hand or by the kernel for want of memory (see dmesg; memory.max of its "
            "control group limits it)";
      }
    }
    const std::string said = log_tail(log_);
    outcome_ = fail(ErrorCode::io, said.empty() ? fmt::format("{}: see {}", text, log_.path)
                                                : fmt::format("{}; its log {} ends with:\n{}", text,
                                                              log_.path, said));
  }

  CommandContext& context_;
  pid_t worker_;
  io::Fd link_;
  int signal_fd_;
  const WorkerLog& log_;
  ProgressPrinter printer_;
  bool is_stopping_ = false;
  bool is_over_ = false;
  bool has_deadline_ = false;
  Clock::time_point deadline_{};
  std::optional<Result<int>> outcome_;
};

// Those that end a command, without those the caller has switched off (nohup, a shell's `&`).
sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    if (sigaction(signal_number, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
      sigaddset(&signals, signal_number);
    }
  }
  return signals;
}

Result<int> run_in_worker(CommandContext& context, const WorkOptions& options,
                          const WorkFunction& work) {
  const Result<WorkerLog> log = open_log(context, options.log_name);
  if (!log) {
    return fail(log.error());
  }
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail_errno(errno, "a socket pair cannot be made");
  }
  io::Fd front_end(ends[0]);
  io::Fd worker_end(ends[1]);
  const sigset_t signals = ending_signals();
  const io::Fd signal_fd(signalfd(-1, &signals, SFD_CLOEXEC));
  if (!signal_fd.is_open()) {
    return fail_errno(errno, "signals cannot be received");
  }
  sigset_t signals_before;
  sigprocmask(SIG_BLOCK, &signals, &signals_before);
  const pid_t worker = fork();
  if (worker < 0) {
    const int error_number = errno;
    sigprocmask(SIG_SETMASK, &signals_before, nullptr);
    return fail_errno(error_number,
                      "the worker process cannot be started (pids.max of a control group or "
                      "ulimit -u may limit processes)");
  }
  if (worker == 0) {
    run_worker(worker_end.get(), *log, signals_before, work);
  }
  worker_end.reset();
  Follower follower(context, worker, std::move(front_end), signal_fd.get(), *log);
  return follower.follow();
}

}  // namespace

Result<int> run_work(CommandContext& context, const WorkOptions& options,
                     const WorkFunction& work) {
  if (options.mode == RunMode::worker) {
    return run_in_worker(context, options, work);
  }
  LocalParent parent(context);
  return work(parent);
}

}  // namespace murder::cli
