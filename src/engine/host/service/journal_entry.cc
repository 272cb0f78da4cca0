#include "engine/host/service/journal_entry.h"

#include <cstdint>

#include "engine/host/bounds.h"

namespace murder::host {

JournalEntry& JournalEntry::add(std::string_view name, std::string_view value) {
  value = value.substr(0, limits::journal_field_bytes_max);
  constexpr size_t around_bytes = 10;  // two newlines and a length
  if (value.empty() ||
      bytes_.size() + name.size() + value.size() + around_bytes > limits::journal_entry_bytes_max) {
    return *this;
  }
  bytes_ += name;
  if (value.find('\n') == std::string_view::npos) {
    bytes_ += '=';
  } else {
    // What has several lines has its length in front of it, 64 bits, the lowest byte first.
    bytes_ += '\n';
    for (uint32_t shift = 0; shift < 64; shift += 8) {
      bytes_ += static_cast<char>((uint64_t{value.size()} >> shift) & 0xFFU);
    }
  }
  bytes_ += value;
  bytes_ += '\n';
  return *this;
}

}  // namespace murder::host
