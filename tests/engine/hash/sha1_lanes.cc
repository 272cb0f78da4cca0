#include "engine/hash/sha1_lanes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../../content.h"

using namespace murder;
using namespace murder::hash;

namespace {

constexpr size_t buffer_bytes = 8192;
const std::vector<std::string> names = {"", "openssl", "avx2", "avx512", "sha-ni"};

// Feeds the messages in parts of whole blocks, the last part excepted.
void feed(Sha1Lanes& lanes, const std::vector<std::vector<uint8_t>>& messages, Prng& prng) {
  lanes.start(static_cast<uint32_t>(messages.size()));
  const size_t size = messages.front().size();
  for (size_t at = 0; at < size;) {
    const size_t wanted = (1 + prng.below(buffer_bytes / sha1_block_bytes)) * sha1_block_bytes;
    const size_t part = std::min(wanted, size - at);
    for (uint32_t lane = 0; lane < messages.size(); ++lane) {
      std::copy_n(messages[lane].begin() + static_cast<std::ptrdiff_t>(at), part,
                  lanes.buffer(lane).begin());
    }
    lanes.update(part);
    at += part;
  }
}

void check(Sha1Lanes& lanes, uint32_t count, size_t size, Prng& prng) {
  std::vector<std::vector<uint8_t>> messages;
  for (uint32_t lane = 0; lane < count; ++lane) {
    messages.push_back(random_bytes(prng, size));
  }
  feed(lanes, messages, prng);
  std::vector<Sha1Digest> digests(count);
  lanes.finish(digests);
  for (uint32_t lane = 0; lane < count; ++lane) {
    CHECK(digests[lane] == sha1(messages[lane]));
  }
}

}  // namespace

TEST_CASE("messages that come in parts have the digests of OpenSSL, with any number of lanes") {
  Prng prng(21);
  for (const std::string& name : names) {
    const Sha1Choice choice = choose_sha1(name);
    Sha1Lanes lanes(buffer_bytes, choice);
    for (uint32_t count = 1; count <= lanes.lanes_max(); ++count) {
      for (const size_t size : {size_t{0}, size_t{1}, size_t{55}, size_t{56}, size_t{63},
                                size_t{64}, size_t{8192}, size_t{8193}, size_t{50000}}) {
        check(lanes, count, size, prng);
      }
    }
  }
}

TEST_CASE("messages that were given up leave nothing to the next ones") {
  Prng prng(22);
  for (const std::string& name : names) {
    const Sha1Choice choice = choose_sha1(name);
    Sha1Lanes lanes(buffer_bytes, choice);
    for (uint32_t count = 1; count <= lanes.lanes_max(); ++count) {
      feed(lanes, std::vector(count, random_bytes(prng, 3000)), prng);
      check(lanes, count, 1000, prng);
    }
  }
}

TEST_CASE("buffers are aligned for O_DIRECT and do not overlap") {
  const Sha1Lanes lanes(buffer_bytes);
  const uint8_t* previous_end = nullptr;
  for (uint32_t lane = 0; lane < lanes.lanes_max(); ++lane) {
    const std::span<uint8_t> buffer = lanes.buffer(lane);
    CHECK(reinterpret_cast<uintptr_t>(buffer.data()) % Sha1Lanes::buffer_alignment == 0);
    CHECK(buffer.size() == buffer_bytes);
    CHECK(buffer.data() >= previous_end);
    previous_end = buffer.data() + buffer.size();
  }
}
