#include "engine/control/channel_mux.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "engine/base/prng.h"

using namespace murder;
using namespace murder::control;

namespace {

using Side = ChannelMux::Side;

std::span<const std::byte> span_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Everything that one has to say, to the other, in parts of this size.
void carry(ChannelMux& from, ChannelMux& to, size_t part = 7) {
  while (!from.unsent().empty()) {
    const std::string_view bytes = from.unsent().substr(0, part);
    REQUIRE(to.take(span_of(bytes)).has_value());
    from.sent(bytes.size());
  }
}

std::string raw_frame(uint8_t kind, uint32_t number, std::string_view content) {
  std::string frame(1, static_cast<char>(kind));
  for (unsigned shift = 32; shift > 0;) {
    shift -= 8;
    frame.push_back(static_cast<char>(static_cast<uint8_t>(number >> shift)));
  }
  std::string out;
  append_frame(out, frame += content);
  return out;
}

}  // namespace

TEST_CASE("streams of several channels pass both ways, cut anywhere, and are not mixed") {
  ChannelMux here(Side::starts_channels);
  ChannelMux there(Side::takes_channels);
  REQUIRE(here.open(1));
  REQUIRE(here.open(2));
  here.send(2, "two");
  here.send(1, "one");
  here.send(2, std::string("\0\n\xFF", 3));
  carry(here, there, 1);
  CHECK(there.take_opened() == std::vector<uint32_t>{1, 2});
  CHECK(there.take_opened().empty());
  CHECK(there.waiting(1) == "one");
  CHECK(there.waiting(2) == std::string("two\0\n\xFF", 6));
  there.passed(2, 4);
  CHECK(there.waiting(2) == "\n\xFF");
  there.send(1, "answer");
  carry(there, here, 3);
  CHECK(here.waiting(1) == "answer");
  CHECK(here.waiting(2).empty());
}

TEST_CASE("a channel that is not taken has a window, and the others go on") {
  ChannelMux here(Side::starts_channels);
  ChannelMux there(Side::takes_channels);
  REQUIRE(here.open(1));
  REQUIRE(here.open(2));
  size_t sent = 0;
  while (const size_t room = here.room(1)) {
    here.send(1, std::string(room, 'a'));
    sent += room;
    carry(here, there, 4096);
  }
  CHECK(sent == limits::control_channel_window_bytes);
  CHECK(here.room(2) > 0);
  here.send(2, "b");
  carry(here, there);
  CHECK(there.waiting(1).size() == sent);
  CHECK(there.waiting(2) == "b");
  // What is passed on may be sent anew; a few bytes of it are not told alone.
  there.passed(1, 1);
  CHECK(there.unsent().empty());
  there.passed(1, limits::control_channel_window_bytes / 4);
  carry(there, here);
  CHECK(here.room(1) > 0);
}

TEST_CASE("a connection that takes nothing has nothing read for it") {
  ChannelMux here(Side::starts_channels);
  for (uint32_t channel = 1; channel <= 100; ++channel) {
    REQUIRE(here.open(channel));
    if (const size_t room = here.room(channel)) {
      here.send(channel, std::string(room, 'a'));
    }
  }
  CHECK(here.unsent().size() <
        limits::control_channels_unsent_max + 2 * limits::control_channel_part_bytes);
  CHECK(here.room(1) == 0);
  here.sent(here.unsent().size());
  CHECK(here.room(1) > 0);
}

TEST_CASE("an end comes behind what was sent, with its reason, and once") {
  ChannelMux here(Side::starts_channels);
  ChannelMux there(Side::takes_channels);
  REQUIRE(here.open(1));
  here.send(1, "last");
  carry(here, there);
  there.send(1, "bye");
  there.end(1, "cannot connect\nto 127.0.0.1:8998");
  CHECK_FALSE(there.has(1));
  here.send(1, "too late");
  carry(there, here);
  CHECK(here.waiting(1) == "bye");
  CHECK(here.is_over(1));
  CHECK(here.why_over(1).find("127.0.0.1:8998") != std::string::npos);
  CHECK(here.why_over(1).find('\n') == std::string::npos);
  CHECK(here.room(1) == 0);
  carry(here, there);  // of a channel that is forgotten there
  here.end(1);
  CHECK(here.unsent().empty());
  CHECK_FALSE(here.has(1));
}

TEST_CASE("channels are bounded, on either side") {
  ChannelMux here(Side::starts_channels);
  for (uint32_t channel = 1; channel <= limits::control_channels_max; ++channel) {
    REQUIRE(here.open(channel));
  }
  CHECK_FALSE(here.open(limits::control_channels_max + 1));
  ChannelMux there(Side::takes_channels);
  for (uint32_t channel = 1; channel <= limits::control_channels_max + 1; ++channel) {
    REQUIRE(there.take(span_of(raw_frame(1, channel, ""))).has_value());
  }
  CHECK(there.take_opened().size() == limits::control_channels_max);
  CHECK(there.unsent().find("too many channels") != std::string_view::npos);
}

TEST_CASE("what breaks the rules is an error") {
  const std::string open = raw_frame(1, 5, "");
  const std::string part(limits::control_channel_part_bytes, 'a');
  std::string beyond = open;
  for (uint32_t bytes = 0; bytes <= limits::control_channel_window_bytes;
       bytes += limits::control_channel_part_bytes) {
    beyond += raw_frame(2, 5, part);
  }
  for (const std::string& wrong :
       {std::string("\0\0\0\1\1", 5), std::string("\0\0\0\0", 4), std::string("\xFF\xFF\xFF\xFF"),
        raw_frame(2, 5, "a"), open + open, open + raw_frame(1, 4, ""), open + raw_frame(9, 5, ""),
        open + raw_frame(0, 5, ""), open + raw_frame(2, 6, "a"), open + raw_frame(2, 5, part + "a"),
        open + raw_frame(3, 5, ""), open + raw_frame(3, 5, std::string("\0\0\0\0", 4)),
        open + raw_frame(3, 5, std::string("\0\0\0\1", 4)),
        open + raw_frame(4, 5, "") + raw_frame(2, 5, "a"), beyond,
        std::string("SSH: a line of somebody's .bashrc\n")}) {
    ChannelMux there(Side::takes_channels);
    CHECK_FALSE(there.take(span_of(wrong)).has_value());
  }
  ChannelMux here(Side::starts_channels);
  CHECK_FALSE(here.take(span_of(open)).has_value());
}

TEST_CASE("whatever is sent arrives, in order, however slowly it is taken") {
  Prng prng(7);
  ChannelMux here(Side::starts_channels);
  ChannelMux there(Side::takes_channels);
  constexpr uint32_t count = 3;
  std::string sent[count];
  std::string got[count];
  for (uint32_t index = 0; index < count; ++index) {
    REQUIRE(here.open(index + 1));
  }
  for (uint32_t turn = 0; turn < 20'000; ++turn) {
    const uint32_t index = prng.below(count);
    const uint32_t channel = index + 1;
    const size_t size = std::min<size_t>(here.room(channel), prng.below(3000));
    const std::string bytes(size, static_cast<char>('a' + turn % 26));
    here.send(channel, bytes);
    sent[index] += bytes;
    if (prng.below(4) == 0) {
      carry(here, there, 1 + prng.below(5000));
      carry(there, here, 1 + prng.below(50));
    }
    const uint32_t other = prng.below(count);
    const std::string_view waits = there.waiting(other + 1);
    const std::string_view taken = waits.substr(0, prng.below(2000));
    got[other] += taken;
    there.passed(other + 1, taken.size());
  }
  carry(here, there, 4096);
  for (uint32_t index = 0; index < count; ++index) {
    got[index] += there.waiting(index + 1);
    CHECK(sent[index].size() > limits::control_channel_window_bytes);
    CHECK(got[index] == sent[index]);
  }
}
