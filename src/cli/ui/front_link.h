// The messages between a worker and the command in front of it: packets of one kind byte and JSON.
#pragma once

#include <optional>
#include <string>

#include "engine/host/front.h"
#include "engine/io/sockets.h"

namespace murder::cli {

enum class FrontMessageKind : char {
  progress = 'p',
  note = 'n',
  warning = 'w',
  final_report = 'f',
  error = 'e',
};

struct FrontMessage {
  FrontMessageKind kind = FrontMessageKind::note;
  host::Progress progress;         // progress
  std::string text;                // note, warning
  host::FinalReport final_report;  // final_report
  Error error;                     // error
};

[[nodiscard]] std::string encode_front_message(const FrontMessage& message);
// Nothing when it is not one of ours.
[[nodiscard]] std::optional<FrontMessage> decode_front_message(std::string_view packet);

inline constexpr size_t front_message_bytes_max = 64 * 1024;

// The worker's end.
class FrontLink : public host::Front {
 public:
  // `socket` is one end of a SOCK_SEQPACKET pair.
  explicit FrontLink(io::Fd socket) : socket_(std::move(socket)) {}

  void progress(const host::Progress& progress) override;
  void note(std::string_view line) override;
  void warn(std::string_view line) override;
  void finish(const host::FinalReport& report) override;
  [[nodiscard]] int hangup_fd() const override { return socket_.is_open() ? socket_.get() : -1; }

  // What `work` returned: told to the front, or to the log when it has finished.
  int end(const Result<int>& outcome);

 private:
  void send(const FrontMessage& message, bool may_drop);

  io::Fd socket_;
};

}  // namespace murder::cli
