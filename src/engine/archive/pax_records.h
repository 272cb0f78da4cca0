// The records of a pax header (POSIX.1-2001, "pax Extended Header"): "LENGTH KEY=VALUE\n" each.
// What is malformed is an Error, since what it says of the entry behind it would be lost: a file
// under a wrong name, of a wrong size. Unknown keys are passed over. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/archive/extended_attribute.h"
#include "engine/archive/file_time.h"
#include "engine/archive/tar_block.h"
#include "engine/base/result.h"

namespace murder::archive {

// GNU's sparse formats 0.0, 0.1 and 1.0, as far as records describe them.
struct PaxSparse {
  uint32_t major = 0;
  uint32_t minor = 0;
  bool is_there = false;
  std::optional<std::string> name;
  std::optional<uint64_t> size_bytes;    // holes included
  std::vector<Extent> extents;           // 0.0 and 0.1; that of 1.0 is in the content
  std::optional<uint64_t> extent_begin;  // 0.0: an offset whose size comes next
  std::optional<uint64_t> extents_told;  // 0.0 and 0.1: how many there are
};

struct PaxHeader {
  std::optional<std::string> path;
  std::optional<std::string> link_path;
  std::optional<uint64_t> size_bytes;
  std::optional<FileTime> mtime;
  PaxSparse sparse;
  std::vector<ExtendedAttribute> attributes;
};

// Adds what the records say to `into`, where the last of equals counts.
[[nodiscard]] Status parse_pax_records(std::string_view records, PaxHeader& into);

// "12", "-3.25": seconds since 1970; the nanosecond at or before it.
[[nodiscard]] std::optional<FileTime> parse_pax_time(std::string_view text);
// The shortest text that parse_pax_time() makes the same of.
[[nodiscard]] std::string pax_time_text(const FileTime& time);

// Appends one record.
void append_pax_record(std::string& records, std::string_view key, std::string_view value);

// The key of an extended attribute: "SCHILY.xattr.NAME", where '=' and '%' are escaped as GNU tar
// does.
[[nodiscard]] std::string pax_attribute_key(std::string_view name);

}  // namespace murder::archive
