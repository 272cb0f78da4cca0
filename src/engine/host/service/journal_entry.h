// An entry of the journal in its native form: https://systemd.io/JOURNAL_NATIVE_PROTOCOL. Pure.
#pragma once

#include <string>
#include <string_view>

namespace murder::host {

// Bounded by limits::journal_entry_bytes_max: a field that does not fit any more is left out, and a
// value is cut at limits::journal_field_bytes_max.
class JournalEntry {
 public:
  // `name` of upper case letters, digits and underscores. An empty value is not added.
  JournalEntry& add(std::string_view name, std::string_view value);

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace murder::host
