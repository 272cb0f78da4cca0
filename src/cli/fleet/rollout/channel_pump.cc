#include "cli/fleet/rollout/channel_pump.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "engine/base/monotonic_clock.h"

namespace murder::fleet {
namespace {

constexpr size_t pump_read_bytes = 64 * 1024;
static_assert(murder::limits::control_channel_part_bytes <= pump_read_bytes);

constexpr Duration reason_wait = std::chrono::seconds(5);
constexpr int reason_look_ms = 100;

struct ReadPart {
  std::string_view bytes;
  bool is_over = false;
};

// What is there now, at most `size`; valid until the next call on this thread.
ReadPart read_part(int fd, size_t size) {
  static thread_local std::array<char, pump_read_bytes> buffer;
  while (true) {
    const ssize_t count = ::read(fd, buffer.data(), std::min(size, buffer.size()));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    const bool is_over = count == 0 || (count < 0 && errno != EAGAIN);
    return {.bytes = {buffer.data(), static_cast<size_t>(count > 0 ? count : 0)},
            .is_over = is_over};
  }
}

// How many bytes were taken; nothing: nobody reads them any more.
std::optional<size_t> write_part(int fd, std::string_view bytes) {
  while (true) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0 && errno == EAGAIN) {
      return 0;
    }
    return count < 0 ? std::nullopt : std::optional(static_cast<size_t>(count));
  }
}

bool make_non_blocking(const StreamEnds& ends) {
  bool is_done = true;
  for (const int fd : {ends.input.get(), ends.output.get()}) {
    const int flags = fcntl(fd, F_GETFL);
    is_done = is_done && flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
  }
  return is_done;
}

}  // namespace

Result<std::unique_ptr<ChannelPump>> ChannelPump::create(Options options, StreamEnds connection) {
  io::Fd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.is_open() || !make_non_blocking(connection)) {
    return fail_errno(errno, "a connection with channels cannot be used");
  }
  return std::unique_ptr<ChannelPump>(
      new ChannelPump(std::move(options), std::move(connection), std::move(wake)));
}

ChannelPump::ChannelPump(Options options, StreamEnds connection, io::Fd wake)
    : options_(std::move(options)),
      connection_(std::move(connection)),
      wake_(std::move(wake)),
      mux_(options_.side) {}

ChannelPump::~ChannelPump() = default;

// --- What it is told ---------------------------------------------------------------------------

void ChannelPump::wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void ChannelPump::open(uint32_t channel, StreamEnds ends, std::string first) {
  const std::lock_guard lock(mutex_);
  if (is_over_) {
    ended_.push_back({channel, why_over_});
    return;
  }
  told_.openings.push_back({channel, std::move(ends), std::move(first)});
  wake();
}

void ChannelPump::end_input(uint32_t channel) {
  const std::lock_guard lock(mutex_);
  told_.inputs_over.push_back(channel);
  wake();
}

void ChannelPump::end_connection(std::string why) {
  const std::lock_guard lock(mutex_);
  told_.connection_over = std::move(why);
  wake();
}

void ChannelPump::stop() {
  const std::lock_guard lock(mutex_);
  told_.is_stopped = true;
  wake();
}

void ChannelPump::set_why(uint32_t channel, std::string why) {
  const std::lock_guard lock(mutex_);
  whys_[channel] = std::move(why);
}

std::vector<ChannelPump::Ended> ChannelPump::take_ended() {
  const std::lock_guard lock(mutex_);
  return std::exchange(ended_, {});
}

std::string ChannelPump::take_why(uint32_t channel) {
  const std::lock_guard lock(mutex_);
  const auto said = whys_.extract(channel);
  return said.empty() ? std::string() : std::move(said.mapped());
}

void ChannelPump::tell_ended(uint32_t channel, std::string why) {
  const std::lock_guard lock(mutex_);
  ended_.push_back({channel, std::move(why)});
}

// False: it is to stop.
bool ChannelPump::take_told() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &count, sizeof count);
  Told told;
  {
    const std::lock_guard lock(mutex_);
    told = std::exchange(told_, {});
  }
  for (Opening& each : told.openings) {
    if (!mux_.open(each.channel)) {
      tell_ended(each.channel, "too many hosts reach the coordinator through this command");
    } else {
      add(each.channel, std::move(each.ends), std::move(each.first));
    }
  }
  for (const uint32_t channel : told.inputs_over) {
    if (const auto local = locals_.find(channel); local != locals_.end()) {
      local->second.is_input_over = true;
    }
  }
  if (told.connection_over) {
    is_connection_over_ = true;
    why_over_ = std::move(*told.connection_over);
  }
  is_stopped_ = is_stopped_ || told.is_stopped;
  return !is_stopped_;
}

void ChannelPump::add(uint32_t channel, StreamEnds ends, std::string first) {
  if (!make_non_blocking(ends)) {
    mux_.end(channel, "a descriptor cannot be used");
    tell_ended(channel, "a descriptor cannot be used");
    return;
  }
  Local& local = locals_[channel];
  local.ends = std::move(ends);
  local.first = std::move(first);
}

// --- The work ----------------------------------------------------------------------------------

void ChannelPump::run() {
  while (take_told() && read_connection()) {
    take_new_channels();
    move_locals();
    if (!write_connection()) {
      break;
    }
    wait();
  }
  if (options_.is_framed && !is_stopped_) {
    wait_for_reason();
  }
  end_all();
}

// Why a process has ended is known best by whoever started it; its streams may end a bit sooner, or
// with what its shell writes behind it.
void ChannelPump::wait_for_reason() {
  const Instant until = monotonic_now() + reason_wait;
  while (!is_stopped_ && !is_connection_over_ && monotonic_now() < until) {
    pollfd source{.fd = wake_.get(), .events = POLLIN, .revents = 0};
    ::poll(&source, 1, reason_look_ms);
    static_cast<void>(take_told());
  }
}

void ChannelPump::wait() {
  std::vector<pollfd> polled;
  bool is_ready = is_connection_over_;
  const auto look_at = [&polled](const io::Fd& fd, short events) {
    polled.push_back({.fd = fd.get(), .events = events, .revents = 0});
  };
  look_at(wake_, POLLIN);
  look_at(connection_.input, POLLIN);
  if (!mux_.unsent().empty()) {
    look_at(connection_.output, POLLOUT);
  }
  for (const auto& [channel, local] : locals_) {
    if (mux_.room(channel) > 0) {
      look_at(local.ends.input, POLLIN);
      is_ready = is_ready || local.is_input_over;
    }
    if (!local.first.empty() || !mux_.waiting(channel).empty()) {
      look_at(local.ends.output, POLLOUT);
    }
  }
  ::poll(polled.data(), polled.size(), is_ready ? 0 : -1);
}

// False: it is at its end.
bool ChannelPump::read_connection() {
  const ReadPart part = read_part(connection_.input.get(), pump_read_bytes);
  const std::string_view bytes =
      options_.is_framed ? connection_front_.take(part.bytes) : part.bytes;
  if (const Status taken = mux_.take(std::as_bytes(std::span(bytes))); !taken) {
    why_over_ = why_over_.empty() ? taken.error().text : why_over_;
    return false;
  }
  return !part.is_over && !(is_connection_over_ && part.bytes.empty());
}

bool ChannelPump::write_connection() {
  while (!mux_.unsent().empty()) {
    const std::optional<size_t> count = write_part(connection_.output.get(), mux_.unsent());
    if (!count) {
      return false;
    }
    if (*count == 0) {
      break;
    }
    mux_.sent(*count);
  }
  return true;
}

void ChannelPump::take_new_channels() {
  for (const uint32_t channel : mux_.take_opened()) {
    Result<StreamEnds> ends = options_.take_opened(channel);
    if (ends) {
      add(channel, std::move(*ends), {});
    } else {
      mux_.end(channel, ends.error().text);
    }
  }
}

// False: the local end is at its end.
bool ChannelPump::read_local(uint32_t channel, Local& local) {
  while (const size_t room = mux_.room(channel)) {
    const ReadPart part = read_part(local.ends.input.get(), room);
    mux_.send(channel, options_.is_framed ? local.front.take(part.bytes) : part.bytes);
    if (part.is_over || (part.bytes.empty() && local.is_input_over)) {
      return false;
    }
    if (part.bytes.empty()) {
      break;
    }
  }
  return true;
}

bool ChannelPump::write_local(uint32_t channel, Local& local) {
  while (!local.first.empty() || !mux_.waiting(channel).empty()) {
    const bool is_first = !local.first.empty();
    const std::optional<size_t> count = write_part(
        local.ends.output.get(), is_first ? std::string_view(local.first) : mux_.waiting(channel));
    if (!count) {
      return false;
    }
    if (*count == 0) {
      return true;
    }
    if (is_first) {
      local.first.erase(0, *count);
    } else {
      mux_.passed(channel, *count);
    }
  }
  return !mux_.is_over(channel);
}

void ChannelPump::move_locals() {
  for (auto at = locals_.begin(); at != locals_.end();) {
    const uint32_t channel = at->first;
    if (read_local(channel, at->second) && write_local(channel, at->second)) {
      ++at;
      continue;
    }
    at = locals_.erase(at);
    tell_ended(channel, mux_.why_over(channel));
    mux_.end(channel, take_why(channel));
  }
}

void ChannelPump::end_all() {
  if (why_over_.empty()) {
    why_over_ = "the connection was closed";
  }
  for (const auto& [channel, local] : locals_) {
    tell_ended(channel, why_over_);
  }
  locals_.clear();
  const std::lock_guard lock(mutex_);
  is_over_ = true;
  for (Opening& each : told_.openings) {
    ended_.push_back({each.channel, why_over_});
  }
  told_.openings.clear();
}

}  // namespace murder::fleet
