#include "engine/hash/piece_streams.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../../content.h"
#include "engine/hash/sha1.h"

using namespace murder;
using namespace murder::hash;

namespace {

// A message of which more and more is there.
struct Message {
  std::vector<uint8_t> bytes;
  size_t there_bytes = 0;

  [[nodiscard]] bool is_whole() const { return there_bytes == bytes.size(); }
  [[nodiscard]] PieceStreams::Part part(uint32_t stream) const {
    return {stream, std::span(bytes).first(there_bytes), is_whole()};
  }
};

// Each that this CPU has; OpenSSL's is always among them.
std::vector<Sha1Choice> possible_choices() {
  std::vector<Sha1Choice> found = {choose_sha1("")};
  for (const char* name : {"openssl", "avx2", "avx512", "sha-ni", "armv8"}) {
    if (const Sha1Choice choice = choose_sha1(name); choice.wish == Sha1Wish::met) {
      found.push_back(choice);
    }
  }
  return found;
}

// What is there of so many messages as gain something together is hashed before they are whole.
bool gains_from_two(const Sha1Choice& choice) {
  return choice.lanes_min() == 2;
}

}  // namespace

TEST_CASE("messages that come in random parts have OpenSSL's digests") {
  for (const Sha1Choice& choice : possible_choices()) {
    Prng prng(1);
    PieceStreams streams(20, choice);
    for (int round = 0; round < 20; ++round) {
      std::vector<Message> messages(1 + prng.below(20));
      for (Message& message : messages) {
        message.bytes = random_bytes(prng, 1 + prng.below(400'000));
      }
      size_t finished_count = 0;
      std::vector<bool> finished(messages.size());
      while (finished_count < messages.size()) {
        std::vector<PieceStreams::Part> parts;
        for (uint32_t index = 0; index < messages.size(); ++index) {
          Message& message = messages[index];
          message.there_bytes =
              std::min<size_t>(message.bytes.size(), message.there_bytes + prng.below(200'000));
          if (!finished[index] && prng.below(4) > 0) {
            parts.push_back(message.part(index));
          }
        }
        const std::vector<PieceStreams::Part> given = parts;
        streams.advance(parts);
        for (const PieceStreams::Part& part : given) {
          CHECK(streams.hashed_bytes(part.stream) <= part.bytes.size());
          if (part.is_whole) {
            CHECK(streams.finish(part.stream, part.bytes) == sha1(part.bytes));
            CHECK(streams.hashed_bytes(part.stream) == 0);
            finished[part.stream] = true;
            ++finished_count;
          }
        }
      }
    }
  }
}

TEST_CASE("alone only what is whole is hashed, in company what there is of both") {
  for (const Sha1Choice& choice : possible_choices()) {
    if (!gains_from_two(choice)) {
      continue;
    }
    Prng prng(2);
    PieceStreams streams(2, choice);
    Message one{.bytes = random_bytes(prng, 300'000), .there_bytes = 200'000};
    Message other{.bytes = random_bytes(prng, 300'000), .there_bytes = 131'072};
    std::vector<PieceStreams::Part> parts = {one.part(0)};
    streams.advance(parts);
    CHECK(streams.hashed_bytes(0) == 0);
    parts = {one.part(0), other.part(1)};
    streams.advance(parts);
    CHECK(streams.hashed_bytes(0) == 131'072);
    CHECK(streams.hashed_bytes(1) == 131'072);
    other.there_bytes += PieceStreams::step_bytes_min - 1;  // too little for a step
    parts = {other.part(1), one.part(0)};
    streams.advance(parts);
    CHECK(streams.hashed_bytes(0) == 131'072);
    one.there_bytes = one.bytes.size();
    parts = {one.part(0)};
    streams.advance(parts);
    CHECK(streams.finish(0, one.bytes) == sha1(one.bytes));
  }
}

TEST_CASE("a stream that is restarted forgets what it hashed") {
  for (const Sha1Choice& choice : possible_choices()) {
    Prng prng(3);
    PieceStreams streams(2, choice);
    const Message wrong{.bytes = random_bytes(prng, 200'000), .there_bytes = 150'000};
    std::vector<PieceStreams::Part> parts = {wrong.part(0), wrong.part(1)};
    streams.advance(parts);
    CHECK((streams.hashed_bytes(0) > 0) == gains_from_two(choice));
    streams.restart(0);
    const Message right{.bytes = random_bytes(prng, 200'000), .there_bytes = 200'000};
    parts = {right.part(0)};
    streams.advance(parts);
    CHECK(streams.finish(0, right.bytes) == sha1(right.bytes));
  }
}
