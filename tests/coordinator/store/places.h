// A place where a state is kept, for tests of what all stores do alike.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "../../temporary_directory.h"
#include "coordinator/store/memory_store.h"
#include "coordinator/store/open_store.h"

namespace murder::store {

class Place {
 public:
  Place() = default;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  virtual ~Place() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  // Another process's view of the same state would be the same as this.
  [[nodiscard]] virtual std::unique_ptr<RecordStore> open() = 0;
  [[nodiscard]] virtual bool is_durable() const { return true; }
};

class MemoryPlace : public Place {
 public:
  [[nodiscard]] std::string name() const override { return "memory"; }
  [[nodiscard]] std::unique_ptr<RecordStore> open() override {
    return std::make_unique<MemoryStore>();
  }
  [[nodiscard]] bool is_durable() const override { return false; }
};

class DirectoryPlace : public Place {
 public:
  [[nodiscard]] std::string name() const override { return "directory"; }
  [[nodiscard]] std::unique_ptr<RecordStore> open() override {
    Result<std::unique_ptr<RecordStore>> store = open_store(directory_ / "state");
    REQUIRE(store);
    return std::move(*store);
  }

 private:
  TemporaryDirectory directory_;
};

// A store that leads and has its records read.
[[nodiscard]] inline std::unique_ptr<RecordStore> open_leading(Place& place) {
  std::unique_ptr<RecordStore> store = place.open();
  REQUIRE(store->try_lead("here:8998") == true);
  REQUIRE(store->load());
  return store;
}

using Lines = std::vector<std::string>;

[[nodiscard]] inline Lines numbered(uint64_t from, uint64_t to, size_t bytes = 0) {
  Lines lines;
  for (uint64_t number = from; number <= to; ++number) {
    lines.push_back("{\"record\":" + std::to_string(number) + "}" + std::string(bytes, ' '));
  }
  return lines;
}

[[nodiscard]] inline std::vector<std::byte> some_bytes(size_t size, uint8_t seed) {
  std::vector<std::byte> bytes(size);
  for (size_t index = 0; index < size; ++index) {
    bytes[index] = static_cast<std::byte>(index * 7 + index / 251 + seed);
  }
  return bytes;
}

[[nodiscard]] inline InfoHash hash_of(uint8_t value) {
  InfoHash hash;
  hash.bytes.fill(value);
  return hash;
}

}  // namespace murder::store
