// What the files and pieces of tests hold. Tests are compiled without optimisation, so bytes are
// made eight at a time and files are read whole.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "engine/base/prng.h"

namespace murder {

inline void fill_random(Prng& prng, std::span<char> bytes) {
  while (!bytes.empty()) {
    const uint64_t word = prng.next();
    const size_t part = std::min(bytes.size(), sizeof(word));
    std::memcpy(bytes.data(), &word, part);
    bytes = bytes.subspan(part);
  }
}

inline std::string random_text(Prng& prng, size_t size) {
  std::string text(size, '\0');
  fill_random(prng, text);
  return text;
}

inline std::vector<uint8_t> random_bytes(Prng& prng, size_t size) {
  std::vector<uint8_t> bytes(size);
  fill_random(prng, {reinterpret_cast<char*>(bytes.data()), bytes.size()});
  return bytes;
}

// Empty when there is no such file.
inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::string content(file ? static_cast<size_t>(file.tellg()) : 0, '\0');
  file.seekg(0).read(content.data(), static_cast<std::streamsize>(content.size()));
  return content;
}

}  // namespace murder
