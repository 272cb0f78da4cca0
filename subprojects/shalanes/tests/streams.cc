#include <doctest/doctest.h>

#include <algorithm>
#include <csetjmp>
#include <csignal>

#include "support.h"

using namespace shalanes;

namespace {

// A message of which more and more is there.
struct Message {
  std::vector<uint8_t> bytes;
  size_t there_bytes = 0;

  [[nodiscard]] bool is_whole() const { return there_bytes == bytes.size(); }
  template <typename Algorithm>
  [[nodiscard]] Part part(const Streams<Algorithm>& streams, uint32_t stream) const {
    return {stream, std::span(bytes).first(there_bytes).subspan(streams.hashed_bytes(stream)),
            is_whole() ? Extent::message_end : Extent::shared};
  }
};

// What is there of so many messages as gain something together is hashed before they are whole.
template <typename Algorithm>
bool gains_from_two(const Choice<Algorithm>& choice) {
  return choice.lanes_min() == 2;
}

// Some of the messages go on, and the call gets a part of each. Counts those that ended.
template <typename Algorithm>
size_t go_on(Streams<Algorithm>& streams, std::vector<Message>& messages,
             std::vector<bool>& is_finished, Random& random) {
  std::vector<Part> parts;
  for (uint32_t index = 0; index < messages.size(); ++index) {
    Message& message = messages[index];
    message.there_bytes =
        std::min(message.bytes.size(), message.there_bytes + random.below(150'000));
    if (!is_finished[index] && random.below(4) > 0) {
      parts.push_back(message.part(streams, index));
      if (parts.back().extent == Extent::shared && random.below(3) == 0) {
        parts.back().extent = Extent::blocks;
      }
    }
  }
  std::vector<uint64_t> before;
  for (const Part& part : parts) {
    before.push_back(streams.hashed_bytes(part.stream));
  }
  streams.advance(parts);
  size_t ended_count = 0;
  for (size_t index = 0; index < parts.size(); ++index) {
    const Part& part = parts[index];
    const uint64_t hashed = streams.hashed_bytes(part.stream) - before[index];
    CHECK(hashed <= part.bytes.size());
    if (part.extent == Extent::blocks) {
      CHECK(hashed == part.bytes.size() / Algorithm::block_bytes * Algorithm::block_bytes);
    }
    if (part.extent == Extent::message_end) {
      CHECK(hashed == part.bytes.size());
      CHECK(streams.digest(part.stream) == openssl_digest<Algorithm>(messages[part.stream].bytes));
      CHECK(streams.hashed_bytes(part.stream) == 0);
      is_finished[part.stream] = true;
      ++ended_count;
    }
  }
  return ended_count;
}

sigjmp_buf after_abort;

// Whether it aborts. It must own nothing, which nobody would free: the signal's handler jumps out
// of it.
template <typename Call>
bool aborts(Call call) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) { siglongjmp(after_abort, 1); };
  sigaction(SIGABRT, &action, &before);
  const bool has_aborted = sigsetjmp(after_abort, 1) != 0;
  if (!has_aborted) {
    call();
  }
  sigaction(SIGABRT, &before, nullptr);
  return has_aborted;
}

}  // namespace

TEST_CASE_TEMPLATE("messages that come in random parts have OpenSSL's digests", Algorithm,
                   ALGORITHMS) {
  for (const Choice<Algorithm>& choice : possible_choices<Algorithm>()) {
    Random random(1);
    constexpr uint32_t stream_count = 2 * lanes_max + 5;
    Streams<Algorithm> streams(stream_count, choice);
    for (int round = 0; round < 6; ++round) {
      std::vector<Message> messages(1 + random.below(stream_count));
      for (Message& message : messages) {
        message.bytes = random.bytes(random.below(250'000));
      }
      std::vector<bool> is_finished(messages.size());
      for (size_t finished_count = 0; finished_count < messages.size();) {
        finished_count += go_on(streams, messages, is_finished, random);
      }
    }
  }
}

TEST_CASE_TEMPLATE(
    "messages of every length around a block's end together, on the way and at the end", Algorithm,
    ALGORITHMS) {
  Random random(2);
  constexpr uint32_t length_max = 3 * Algorithm::block_bytes;
  for (const Choice<Algorithm>& choice : possible_choices<Algorithm>()) {
    Streams<Algorithm> streams(length_max + 1, choice);
    std::vector<std::vector<uint8_t>> messages;
    std::vector<Part> parts;
    for (uint32_t length = 0; length <= length_max; ++length) {
      messages.push_back(random.bytes(length));
      const std::span<const uint8_t> bytes = messages.back();
      parts.push_back({length, bytes.first(random.below(length + 1)), Extent::blocks});
    }
    streams.advance(parts);
    for (Part& part : parts) {
      part = {part.stream,
              std::span(messages[part.stream]).subspan(streams.hashed_bytes(part.stream))};
    }
    streams.advance(parts);
    for (uint32_t length = 0; length <= length_max; ++length) {
      CHECK(streams.digest(length) == openssl_digest<Algorithm>(messages[length]));
    }
  }
}

TEST_CASE_TEMPLATE(
    "what lies in a buffer that is used again is hashed before, at any number of streams",
    Algorithm, ALGORITHMS) {
  Random random(3);
  constexpr size_t buffer_bytes = 8192;
  for (const Choice<Algorithm>& choice : possible_choices<Algorithm>()) {
    Streams<Algorithm> streams(lanes_max, choice);
    for (uint32_t count = 1; count <= lanes_max; ++count) {
      const size_t size = random.below(3 * buffer_bytes);
      std::vector<std::vector<uint8_t>> messages;
      std::vector<std::vector<uint8_t>> buffers(count, std::vector<uint8_t>(buffer_bytes));
      for (uint32_t index = 0; index < count; ++index) {
        messages.push_back(random.bytes(size));
      }
      for (size_t at = 0; at <= size; at += buffer_bytes) {
        const size_t part_bytes = std::min(buffer_bytes, size - at);
        const bool is_last = at + buffer_bytes > size;
        std::vector<Part> parts;
        for (uint32_t index = 0; index < count; ++index) {
          std::copy_n(messages[index].begin() + static_cast<std::ptrdiff_t>(at), part_bytes,
                      buffers[index].begin());
          parts.push_back({index, std::span(buffers[index]).first(part_bytes),
                           is_last ? Extent::message_end : Extent::blocks});
        }
        streams.advance(parts);
      }
      for (uint32_t index = 0; index < count; ++index) {
        CHECK(streams.digest(index) == openssl_digest<Algorithm>(messages[index]));
      }
    }
  }
}

TEST_CASE_TEMPLATE("alone only what is whole is hashed, in company what there is of both",
                   Algorithm, ALGORITHMS) {
  constexpr size_t least = Streams<Algorithm>::shared_bytes_min;
  for (const Choice<Algorithm>& choice : possible_choices<Algorithm>()) {
    if (!gains_from_two(choice)) {
      continue;
    }
    Random random(4);
    Streams<Algorithm> streams(2, choice);
    Message one{.bytes = random.bytes(300'000), .there_bytes = 200'000};
    Message other{.bytes = random.bytes(300'000), .there_bytes = 2 * least};
    streams.advance(std::vector{one.part(streams, 0)});
    CHECK(streams.hashed_bytes(0) == 0);
    streams.advance(std::vector{one.part(streams, 0), other.part(streams, 1)});
    CHECK(streams.hashed_bytes(0) == 2 * least);
    CHECK(streams.hashed_bytes(1) == 2 * least);
    other.there_bytes += least - 1;  // too little for a step
    streams.advance(std::vector{other.part(streams, 1), one.part(streams, 0)});
    CHECK(streams.hashed_bytes(0) == 2 * least);
    one.there_bytes = one.bytes.size();
    streams.advance(std::vector{one.part(streams, 0)});
    CHECK(streams.digest(0) == openssl_digest<Algorithm>(one.bytes));
  }
}

TEST_CASE_TEMPLATE("a stream that is restarted forgets what it hashed", Algorithm, ALGORITHMS) {
  for (const Choice<Algorithm>& choice : possible_choices<Algorithm>()) {
    Random random(5);
    Streams<Algorithm> streams(2, choice);
    const std::vector<uint8_t> wrong = random.bytes(200'000);
    const std::vector<uint8_t> right = random.bytes(200'000);
    streams.advance(std::vector{Part{0, wrong, Extent::blocks}, Part{1, wrong}});
    CHECK(streams.hashed_bytes(0) > 0);
    streams.restart(0);
    CHECK(streams.hashed_bytes(0) == 0);
    streams.advance(std::vector{Part{0, right}});
    CHECK(streams.digest(0) == openssl_digest<Algorithm>(right));
    CHECK(streams.digest(1) == openssl_digest<Algorithm>(wrong));
  }
}

TEST_CASE_TEMPLATE("wrong arguments end the process", Algorithm, ALGORITHMS) {
  const std::vector<uint8_t> bytes(100);
  const std::vector<Part> right = {Part{0, bytes}, Part{1, bytes}};
  const std::vector<Part> twice = {Part{0, bytes}, Part{0, bytes}};
  const std::vector<Part> beyond = {Part{2, bytes}};
  const auto choice = choose<Algorithm>();
  Streams<Algorithm> streams(2, choice);
  CHECK(aborts([&] { static_cast<void>(streams.hashed_bytes(2)); }));
  CHECK(aborts([&] { streams.restart(2); }));
  CHECK(aborts([&] { static_cast<void>(streams.digest(0)); }));  // it has not ended
  CHECK(aborts([&] { streams.advance(beyond); }));
  CHECK_FALSE(aborts([&] { streams.advance(right); }));
  CHECK(aborts([&] { streams.advance(right); }));  // they have ended
  streams.restart(0);
  CHECK(aborts([&] { streams.advance(twice); }));
}
