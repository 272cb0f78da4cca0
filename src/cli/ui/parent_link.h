// The messages of a worker to the command that started it: packets of one kind byte and JSON.
#pragma once

#include <optional>
#include <string>

#include "engine/host/parent.h"
#include "engine/io/sockets.h"

namespace murder::cli {

enum class WorkerMessageKind : char {
  progress = 'p',
  note = 'n',
  warning = 'w',
  final_report = 'f',
  error = 'e',
};

struct WorkerMessage {
  WorkerMessageKind kind = WorkerMessageKind::note;
  host::Progress progress;         // progress
  std::string text;                // note, warning
  host::FinalReport final_report;  // final_report
  int exit_code = 0;               // final_report: of the command
  Error error;                     // error
};

[[nodiscard]] std::string encode_worker_message(const WorkerMessage& message);
// Nothing when it is not one of ours.
[[nodiscard]] std::optional<WorkerMessage> decode_worker_message(std::string_view packet);

inline constexpr size_t worker_message_bytes_max = 64 * 1024;

// The worker's end.
class ParentLink : public host::Parent {
 public:
  // `socket` is one end of a SOCK_SEQPACKET pair.
  explicit ParentLink(io::Fd socket) : socket_(std::move(socket)) {}

  void progress(const host::Progress& progress) override;
  void note(std::string_view line) override;
  void warn(std::string_view line) override;
  void finish(const host::FinalReport& report) override;
  [[nodiscard]] int hangup_fd() const override { return socket_.is_open() ? socket_.get() : -1; }

  // What `work` returned: sent to the parent, or written to the log after finish().
  int end(const Result<int>& outcome);

 private:
  void send(const WorkerMessage& message, bool may_drop);

  io::Fd socket_;
};

}  // namespace murder::cli
