#include "cli/ui/parent_link.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <ctime>

#include "cli/ui/command.h"
#include "cli/ui/output.h"
#include "engine/base/printable.h"

namespace murder::cli {
namespace {

// Progress and notes are dropped while this much waits for a parent that does not read (it may be
// stopped by job control), so that the final report always finds room in the socket's buffer.
constexpr int unread_bytes_max = 64 * 1024;
constexpr size_t text_bytes_max = 32 * 1024;

void write_to_log(std::string_view kind, std::string_view line) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  char stamp[32] = "";
  if (localtime_r(&now, &local) != nullptr) {
    (void)std::strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &local);
  }
  print_message(printable_lines(fmt::format("{} {}{}", stamp, kind, line)) + "\n");
}

// GCC 12 warns falsely where these are made by designated initialisers.
WorkerMessage text_message(WorkerMessageKind kind, std::string_view text) {
  WorkerMessage message;
  message.kind = kind;
  message.text = text;
  return message;
}

WorkerMessage report_message(const host::FinalReport& report, int exit_code) {
  WorkerMessage message;
  message.kind = WorkerMessageKind::final_report;
  message.final_report = report;
  message.exit_code = exit_code;
  return message;
}

Json json_of(const host::Progress& progress) {
  Json json = {{"phase", progress.phase},
               {"done_bytes", progress.done_bytes},
               {"total_bytes", progress.total_bytes}};
  if (progress.peers) {
    json["peers"] = *progress.peers;
  }
  return json;
}

host::Progress progress_of(const Json& json) {
  host::Progress progress{.phase = text_member(json, "phase"),
                          .done_bytes = count_member(json, "done_bytes"),
                          .total_bytes = count_member(json, "total_bytes"),
                          .peers = std::nullopt};
  if (json.contains("peers")) {
    progress.peers = static_cast<uint32_t>(count_member(json, "peers"));
  }
  return progress;
}

// No more than `text_bytes` of its text; without details a report has no value for --json.
std::string packet_of(const WorkerMessage& message, size_t text_bytes, bool has_details) {
  Json body;
  switch (message.kind) {
    case WorkerMessageKind::progress:
      body = json_of(message.progress);
      break;
    case WorkerMessageKind::note:
    case WorkerMessageKind::warning:
      body = {{"text", message.text.substr(0, text_bytes)}};
      break;
    case WorkerMessageKind::final_report:
      body = {{"exit_code", message.exit_code},
              {"text", message.final_report.text.substr(0, text_bytes)},
              {"json", has_details ? message.final_report.json : Json()}};
      break;
    case WorkerMessageKind::error:
      body = {{"code", static_cast<unsigned>(message.error.code)},
              {"text", message.error.text.substr(0, text_bytes)}};
      break;
  }
  return static_cast<char>(message.kind) + json_text(body);
}

}  // namespace

std::string encode_worker_message(const WorkerMessage& message) {
  std::string packet = packet_of(message, text_bytes_max, /*has_details=*/true);
  // A control character takes six bytes, and a report may be large: the parent reads no more than
  // worker_message_bytes_max, and what it cannot read would be lost with its exit code.
  for (size_t kept_bytes = text_bytes_max; packet.size() > worker_message_bytes_max;
       kept_bytes /= 2) {
    packet = packet_of(message, kept_bytes, /*has_details=*/false);
  }
  return packet;
}

std::optional<WorkerMessage> decode_worker_message(std::string_view packet) {
  if (packet.empty()) {
    return std::nullopt;
  }
  const Result<Json> body = parse_json(packet.substr(1));
  if (!body || !body->is_object()) {
    return std::nullopt;
  }
  WorkerMessage message;
  message.kind = static_cast<WorkerMessageKind>(packet[0]);
  switch (message.kind) {
    case WorkerMessageKind::progress:
      message.progress = progress_of(*body);
      return message;
    case WorkerMessageKind::note:
    case WorkerMessageKind::warning:
      message.text = text_member(*body, "text");
      return message;
    case WorkerMessageKind::final_report:
      message.exit_code = static_cast<int>(number_member(*body, "exit_code", 1));
      message.final_report.text = text_member(*body, "text");
      message.final_report.json = (*body)["json"];
      return message;
    case WorkerMessageKind::error:
      message.error.code = static_cast<ErrorCode>(count_member(*body, "code"));
      message.error.text = text_member(*body, "text");
      return message;
  }
  return std::nullopt;
}

void ParentLink::progress(const host::Progress& progress) {
  WorkerMessage message;
  message.kind = WorkerMessageKind::progress;
  message.progress = progress;
  send(message, /*may_drop=*/true);
}

void ParentLink::note(std::string_view line) {
  if (!socket_.is_open()) {
    write_to_log("", line);
    return;
  }
  send(text_message(WorkerMessageKind::note, line), /*may_drop=*/true);
}

void ParentLink::warn(std::string_view line) {
  if (!socket_.is_open()) {
    write_to_log("warning: ", line);
    return;
  }
  send(text_message(WorkerMessageKind::warning, line), /*may_drop=*/true);
}

void ParentLink::finish(const host::FinalReport& report) {
  send(report_message(report, 0), /*may_drop=*/false);
  socket_.reset();
}

int ParentLink::end(const Result<int>& outcome) {
  const int exit_code = outcome ? *outcome : exit_failed;
  if (!socket_.is_open()) {
    if (!outcome) {
      write_to_log("error: ", outcome.error().text);
    }
  } else if (outcome) {
    send(report_message({}, exit_code), /*may_drop=*/false);
  } else {
    WorkerMessage message;
    message.kind = WorkerMessageKind::error;
    message.error = outcome.error();
    send(message, /*may_drop=*/false);
  }
  return exit_code;
}

void ParentLink::send(const WorkerMessage& message, bool may_drop) {
  if (!socket_.is_open()) {
    return;
  }
  int unread_bytes = 0;
  if (may_drop &&
      (ioctl(socket_.get(), SIOCOUTQ, &unread_bytes) != 0 || unread_bytes > unread_bytes_max)) {
    return;
  }
  const std::string packet = encode_worker_message(message);
  const int flags = MSG_NOSIGNAL | (may_drop ? MSG_DONTWAIT : 0);
  ssize_t sent = 0;
  do {
    sent = ::send(socket_.get(), packet.data(), packet.size(), flags);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && !may_drop) {
    write_to_log("error: ",
                 fmt::format("the result did not reach the command that started this: {}",
                             packet.substr(1)));
  }
}

}  // namespace murder::cli
