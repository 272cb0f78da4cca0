// Work that a test kills at any moment, and what must be true of what it leaves.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "coordinator/store/record_store.h"
#include "engine/base/prng.h"
#include "places.h"

namespace murder::store {

struct Pipe {
  Pipe() { REQUIRE(::pipe2(ends, O_CLOEXEC) == 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  // What was written before the process was killed.
  [[nodiscard]] size_t count() const {
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    char bytes[4096];
    size_t sum = 0;
    for (ssize_t got = 0; (got = ::read(ends[0], bytes, sizeof(bytes))) > 0;) {
      sum += static_cast<size_t>(got);
    }
    return sum;
  }
  void acknowledge() const {
    if (::write(ends[1], "+", 1) != 1) {
      ::_exit(9);
    }
  }
  int ends[2] = {-1, -1};
};

// Turns of several records, each of which says how many there are; now and then a snapshot that
// says which turn was the last. Ends when it is killed.
inline int write_turns(RecordStore& store, uint64_t seed, const Pipe& acknowledged) {
  Prng prng(seed);
  const auto loaded = store.load();
  if (!loaded) {
    return 2;
  }
  uint64_t turn = 0;
  if (!loaded->empty()) {
    std::sscanf(loaded->back().c_str(), "%*s %lu", &turn);
  }
  while (true) {
    ++turn;
    Lines lines;
    const uint64_t count = 1 + prng.below(prng.below(20) == 0 ? 3000 : 10);
    for (uint64_t index = 1; index <= count; ++index) {
      lines.push_back("turn " + std::to_string(turn) + " " + std::to_string(index) + " " +
                      std::to_string(count) + std::string(prng.below(200), ' '));
    }
    if (!store.append(lines)) {
      return 3;
    }
    acknowledged.acknowledge();
    if (prng.below(10) == 0 && !store.write_snapshot(Lines{"snapshot " + std::to_string(turn)})) {
      return 4;
    }
  }
}

// The last turn of these lines, which are whole turns one after the other.
inline uint64_t last_turn_of(const Lines& lines) {
  uint64_t turn = 0;
  uint64_t index = 0;
  uint64_t count = 0;
  for (const std::string& line : lines) {
    if (std::sscanf(line.c_str(), "snapshot %lu", &turn) == 1) {
      REQUIRE(&line == lines.data());
      continue;
    }
    const uint64_t expected_turn = index == count ? turn + 1 : turn;
    const uint64_t expected_index = index == count ? 1 : index + 1;
    REQUIRE(std::sscanf(line.c_str(), "turn %lu %lu %lu", &turn, &index, &count) == 3);
    REQUIRE(turn == expected_turn);
    REQUIRE(index == expected_index);
  }
  REQUIRE(index == count);
  return turn;
}

}  // namespace murder::store
