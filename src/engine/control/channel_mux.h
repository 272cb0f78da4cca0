// Streams of bytes of many agents over one connection between two processes, as ssh has channels:
// what agents of a deploy say over their ssh sessions is passed on by one further session. Frames
// (frame.h) of one byte of kind and four of a channel's number:
//
//   open    1  there is another channel; by the side that starts channels alone
//   bytes   2  of the stream
//   taken   3  four bytes: how many bytes of it have been passed on, and may be sent anew
//   end     4  text for people, perhaps none: nothing comes or is taken any more
//
// A channel that is taken slowly holds up nobody else: of each at most a window is on its way.
// What is in the streams is not looked at. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/control/frame.h"

namespace murder::limits {

inline constexpr uint32_t control_channels_max = 1024;
inline constexpr uint32_t control_channel_window_bytes = 128 * 1024;  // each way
inline constexpr uint32_t control_channel_part_bytes = 16 * 1024;     // of one frame
inline constexpr uint32_t control_channel_end_text_max = 512;
// Of all channels, before the connection takes more: nothing is read from them then.
inline constexpr uint32_t control_channels_unsent_max = 256 * 1024;
static_assert(control_channel_part_bytes < control_channel_window_bytes / 4);

}  // namespace murder::limits

namespace murder::control {

class ChannelMux {
 public:
  enum class Side : uint8_t { starts_channels, takes_channels };

  explicit ChannelMux(Side side);

  // --- The local ends --------------------------------------------------------------------------
  // False: there are too many. On the side that starts channels; each number once.
  [[nodiscard]] bool open(uint32_t channel);
  // Not ended by this side, and not yet forgotten by the other.
  [[nodiscard]] bool has(uint32_t channel) const { return channels_.contains(channel); }
  // How many bytes send() may be given now.
  [[nodiscard]] size_t room(uint32_t channel) const;
  void send(uint32_t channel, std::string_view bytes);
  // What is to be passed on to the local end, and that this was done.
  [[nodiscard]] std::string_view waiting(uint32_t channel) const;
  void passed(uint32_t channel, size_t bytes);
  // The other side sends nothing any more: when nothing is waiting, end() is next.
  [[nodiscard]] bool is_over(uint32_t channel) const;
  // Why it ended it; empty: it did not say.
  [[nodiscard]] const std::string& why_over(uint32_t channel) const;
  // The local end is closed: the channel is forgotten, with what is waiting.
  void end(uint32_t channel, std::string_view why = {});
  // Those that the other side has opened since the last call.
  [[nodiscard]] std::vector<uint32_t> take_opened();

  // --- The connection --------------------------------------------------------------------------
  [[nodiscard]] std::string_view unsent() const;
  void sent(size_t bytes);
  // Error: it does not keep to what is above; nothing of it can be read any more.
  [[nodiscard]] Status take(std::span<const std::byte> bytes);

 private:
  struct Channel {
    uint32_t room = limits::control_channel_window_bytes;
    uint32_t passed_untold = 0;
    std::string waiting;
    size_t passed = 0;  // of what is waiting
    bool is_over = false;
    std::string why;
  };

  [[nodiscard]] Status take_frame(std::string_view frame);
  [[nodiscard]] Status take_open(uint32_t number);
  [[nodiscard]] Status take_bytes(Channel& channel, std::string_view bytes) const;
  [[nodiscard]] static Status take_taken(Channel& channel, std::string_view count);

  const Side side_;
  std::map<uint32_t, Channel> channels_;
  uint32_t opened_max_ = 0;  // numbers rise: one up to this was open
  std::vector<uint32_t> opened_;
  FrameReader frames_;
  std::string unsent_;
  size_t sent_ = 0;  // of it
};

}  // namespace murder::control
