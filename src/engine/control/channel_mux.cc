#include "engine/control/channel_mux.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/control/names.h"

namespace murder::control {
namespace {

constexpr uint8_t kind_open = 1;
constexpr uint8_t kind_bytes = 2;
constexpr uint8_t kind_taken = 3;
constexpr uint8_t kind_end = 4;
constexpr size_t number_bytes = 4;
constexpr size_t channel_head_bytes = 1 + number_bytes;

void append_number(std::string& out, uint32_t number) {
  for (unsigned shift = 32; shift > 0;) {
    shift -= 8;
    out.push_back(static_cast<char>(static_cast<uint8_t>(number >> shift)));
  }
}

uint32_t number_at(std::string_view bytes) {
  uint32_t number = 0;
  for (size_t index = 0; index < number_bytes; ++index) {
    number = number << 8U | static_cast<uint8_t>(bytes[index]);
  }
  return number;
}

void append_channel_frame(std::string& out, uint8_t kind, uint32_t number,
                          std::string_view content) {
  std::string frame(1, static_cast<char>(kind));
  append_number(frame, number);
  frame += content;
  append_frame(out, frame);
}

Status wrong_frame(std::string_view what, uint32_t number) {
  return fail(ErrorCode::invalid_input, fmt::format("channel {}: {}", number, what));
}

}  // namespace

ChannelMux::ChannelMux(Side side)
    : side_(side), frames_(channel_head_bytes + limits::control_channel_part_bytes) {}

bool ChannelMux::open(uint32_t channel) {
  ENSURE(side_ == Side::starts_channels && channel > opened_max_);
  if (channels_.size() >= limits::control_channels_max) {
    return false;
  }
  opened_max_ = channel;
  channels_.try_emplace(channel);
  append_channel_frame(unsent_, kind_open, channel, {});
  return true;
}

size_t ChannelMux::room(uint32_t channel) const {
  const auto found = channels_.find(channel);
  const bool is_full = unsent_.size() - sent_ >= limits::control_channels_unsent_max;
  if (is_full || found == channels_.end() || found->second.is_over) {
    return 0;
  }
  return std::min<size_t>(found->second.room, limits::control_channel_part_bytes);
}

void ChannelMux::send(uint32_t channel, std::string_view bytes) {
  ENSURE(bytes.size() <= room(channel));
  if (!bytes.empty()) {
    channels_.at(channel).room -= static_cast<uint32_t>(bytes.size());
    append_channel_frame(unsent_, kind_bytes, channel, bytes);
  }
}

std::string_view ChannelMux::waiting(uint32_t channel) const {
  const auto found = channels_.find(channel);
  return found == channels_.end()
             ? std::string_view()
             : std::string_view(found->second.waiting).substr(found->second.passed);
}

// The other side is told in parts of a window: not of each byte, and before it has to stop.
void ChannelMux::passed(uint32_t channel, size_t bytes) {
  ENSURE(bytes <= waiting(channel).size());
  if (bytes == 0) {
    return;
  }
  Channel& here = channels_.at(channel);
  here.passed += bytes;
  here.passed_untold += static_cast<uint32_t>(bytes);
  if (here.passed == here.waiting.size() ||
      here.passed >= limits::control_channel_window_bytes / 4) {
    here.waiting.erase(0, here.passed);
    here.passed = 0;
  }
  if (here.passed_untold >= limits::control_channel_window_bytes / 4 && !here.is_over) {
    std::string count;
    append_number(count, std::exchange(here.passed_untold, 0));
    append_channel_frame(unsent_, kind_taken, channel, count);
  }
}

bool ChannelMux::is_over(uint32_t channel) const {
  const auto found = channels_.find(channel);
  return found == channels_.end() || found->second.is_over;
}

const std::string& ChannelMux::why_over(uint32_t channel) const {
  static const std::string unknown;
  const auto found = channels_.find(channel);
  return found == channels_.end() ? unknown : found->second.why;
}

void ChannelMux::end(uint32_t channel, std::string_view why) {
  const auto found = channels_.find(channel);
  if (found == channels_.end()) {
    return;
  }
  if (!found->second.is_over) {
    append_channel_frame(unsent_, kind_end, channel,
                         why.substr(0, limits::control_channel_end_text_max));
  }
  channels_.erase(found);
}

std::vector<uint32_t> ChannelMux::take_opened() {
  return std::exchange(opened_, {});
}

std::string_view ChannelMux::unsent() const {
  return std::string_view(unsent_).substr(sent_);
}

void ChannelMux::sent(size_t bytes) {
  ENSURE(bytes <= unsent_.size() - sent_);
  sent_ += bytes;
  if (sent_ == unsent_.size() || sent_ >= limits::control_channels_unsent_max) {
    unsent_.erase(0, sent_);
    sent_ = 0;
  }
}

Status ChannelMux::take(std::span<const std::byte> bytes) {
  frames_.put(bytes);
  std::string frame;
  while (true) {
    const Result<bool> next = frames_.next(frame);
    if (!next || !*next) {
      return next ? Status() : Status(fail(next.error()));
    }
    if (Status taken = take_frame(frame); !taken) {
      return taken;
    }
  }
}

Status ChannelMux::take_frame(std::string_view frame) {
  if (frame.size() < channel_head_bytes) {
    return fail(ErrorCode::invalid_input, "a frame of a channel is cut");
  }
  const auto kind = static_cast<uint8_t>(frame.front());
  const uint32_t number = number_at(frame.substr(1));
  const std::string_view content = frame.substr(channel_head_bytes);
  if (kind == kind_open) {
    return take_open(number);
  }
  const auto found = channels_.find(number);
  if (found == channels_.end()) {
    // What was on its way when this side ended it.
    return number <= opened_max_ ? Status() : wrong_frame("it was not opened", number);
  }
  if (found->second.is_over) {
    return wrong_frame("it is over", number);
  }
  switch (kind) {
    case kind_bytes:
      return take_bytes(found->second, content);
    case kind_taken:
      return take_taken(found->second, content);
    case kind_end:
      found->second.is_over = true;
      found->second.why = bounded_text(content.substr(0, limits::control_channel_end_text_max));
      return {};
    default:
      return wrong_frame("a frame of an unknown kind", number);
  }
}

Status ChannelMux::take_open(uint32_t number) {
  if (side_ != Side::takes_channels || number <= opened_max_) {
    return wrong_frame("it cannot be opened", number);
  }
  opened_max_ = number;
  if (channels_.size() >= limits::control_channels_max) {
    append_channel_frame(unsent_, kind_end, number, "too many channels");
    return {};
  }
  channels_.try_emplace(number);
  opened_.push_back(number);
  return {};
}

Status ChannelMux::take_bytes(Channel& channel, std::string_view bytes) const {
  const size_t waits = channel.waiting.size() - channel.passed;
  if (waits + channel.passed_untold + bytes.size() > limits::control_channel_window_bytes) {
    return fail(ErrorCode::limit, "more bytes came than a channel's window has");
  }
  channel.waiting += bytes;
  return {};
}

Status ChannelMux::take_taken(Channel& channel, std::string_view count) {
  const uint32_t bytes = count.size() == number_bytes ? number_at(count) : 0;
  if (bytes == 0 || bytes > limits::control_channel_window_bytes - channel.room) {
    return fail(ErrorCode::invalid_input, "more bytes were taken than were sent");
  }
  channel.room += bytes;
  return {};
}

}  // namespace murder::control
