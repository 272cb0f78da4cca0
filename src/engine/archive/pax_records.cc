#include "engine/archive/pax_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/archive/bounds.h"

namespace murder::archive {

namespace {

constexpr std::string_view attribute_prefix = "SCHILY.xattr.";
constexpr std::string_view access_list_prefix = "SCHILY.acl.";
constexpr std::string_view sparse_prefix = "GNU.sparse.";
constexpr uint32_t nanoseconds_digits = 9;
constexpr std::string_view blanks = " \t";

tl::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("its pax header is malformed: {}", what));
}

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

// Decimal digits and nothing else.
std::optional<uint64_t> number_of(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() ||
      value > INT64_MAX) {
    return std::nullopt;
  }
  return value;
}

struct Record {
  std::string_view key;
  std::string_view value;
};

// Takes the next record off the front of `records`.
// Blanks around the length are passed over, as GNU tar does: a key does not begin with one.
Result<Record> take_record(std::string_view& records) {
  const size_t begin = std::min(records.find_first_not_of(blanks), records.size());
  const size_t blank = std::min(records.find_first_of(blanks, begin), records.size());
  const std::optional<uint64_t> length = number_of(records.substr(begin, blank - begin));
  if (blank == records.size() || !length) {
    return malformed("a record without a length");
  }
  if (*length > records.size() || *length < blank + 2) {
    return malformed("a record's length is out of range");
  }
  const std::string_view record = records.substr(0, *length);
  if (record.back() != '\n') {
    return malformed("a record does not end with a newline");
  }
  std::string_view text = record.substr(blank, record.size() - blank - 1);
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0 ||
      text.substr(0, equals).find('\0') != std::string_view::npos) {
    return malformed("a record without a key");
  }
  records.remove_prefix(*length);
  return Record{.key = text.substr(0, equals), .value = text.substr(equals + 1)};
}

Status take_text(const Record& record, std::optional<std::string>& into) {
  if (record.value.empty() || record.value.find('\0') != std::string_view::npos) {
    return malformed(fmt::format("{} is not a name", record.key));
  }
  into = std::string(record.value);
  return {};
}

Status take_number(const Record& record, std::optional<uint64_t>& into) {
  const std::optional<uint64_t> value = number_of(record.value);
  if (!value) {
    return malformed(fmt::format("{} is not a number", record.key));
  }
  into = *value;
  return {};
}

Status take_version(const Record& record, uint32_t& into) {
  const std::optional<uint64_t> value = number_of(record.value);
  if (!value || *value > 1) {
    return malformed(fmt::format("{} is unknown", record.key));
  }
  into = static_cast<uint32_t>(*value);
  return {};
}

Status add_extent(const Extent& extent, std::vector<Extent>& extents) {
  if (extents.size() >= limits::sparse_extents_max) {
    return fail(ErrorCode::limit,
                fmt::format("it has more than {} holes", limits::sparse_extents_max));
  }
  extents.push_back(extent);
  return {};
}

// 0.1: "OFFSET,SIZE,OFFSET,SIZE"
Status take_map(std::string_view text, std::vector<Extent>& extents) {
  const auto take = [&text] {
    const size_t comma = text.find(',');
    const std::optional<uint64_t> value = number_of(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    return value;
  };
  extents.clear();
  while (!text.empty()) {
    const std::optional<uint64_t> offset = take();
    const std::optional<uint64_t> size = take();
    if (!offset || !size) {
      return malformed("GNU.sparse.map is not a list of numbers");
    }
    if (Status added = add_extent({.offset = *offset, .size_bytes = *size}, extents); !added) {
      return added;
    }
  }
  return {};
}

Status take_sparse(const Record& record, PaxSparse& sparse) {
  const std::string_view key = record.key.substr(sparse_prefix.size());
  constexpr std::array<std::string_view, 9> known = {
      "major", "minor", "name", "realsize", "size", "map", "offset", "numbytes", "numblocks"};
  if (std::find(known.begin(), known.end(), key) == known.end()) {
    return {};
  }
  sparse.is_there = true;
  if (key == "major") {
    return take_version(record, sparse.major);
  }
  if (key == "minor") {
    return take_version(record, sparse.minor);
  }
  if (key == "name") {
    return take_text(record, sparse.name);
  }
  if (key == "realsize" || key == "size") {
    return take_number(record, sparse.size_bytes);
  }
  if (key == "map") {
    return take_map(record.value, sparse.extents);
  }
  if (key == "offset") {
    return take_number(record, sparse.extent_begin);
  }
  if (key == "numbytes") {
    std::optional<uint64_t> size;
    if (Status taken = take_number(record, size); !taken) {
      return taken;
    }
    if (!sparse.extent_begin) {
      return malformed("a size of data without its offset");
    }
    const uint64_t offset = *sparse.extent_begin;
    sparse.extent_begin.reset();
    return add_extent({.offset = offset, .size_bytes = *size}, sparse.extents);
  }
  return take_number(record, sparse.extents_told);  // numblocks
}

std::string unescaped(std::string_view name) {
  std::string text;
  for (size_t at = 0; at < name.size(); ++at) {
    if (name.substr(at, 3) == "%3D" || name.substr(at, 3) == "%25") {
      text.push_back(name[at + 1] == '3' ? '=' : '%');
      at += 2;
    } else {
      text.push_back(name[at]);
    }
  }
  return text;
}

Status take_attribute(std::string_view key, std::string_view value,
                      std::vector<ExtendedAttribute>& attributes) {
  std::string name = unescaped(key);
  if (name.empty() || name.size() > limits::attribute_name_bytes_max ||
      name.find('\0') != std::string::npos) {
    return malformed("an extended attribute without a usable name");
  }
  if (value.size() > limits::attribute_value_bytes_max) {
    return malformed(fmt::format("{} is longer than any extended attribute", key));
  }
  std::erase_if(attributes, [&name](const ExtendedAttribute& other) { return other.name == name; });
  if (attributes.size() >= limits::attributes_max) {
    return fail(ErrorCode::limit,
                fmt::format("it has more than {} extended attributes", limits::attributes_max));
  }
  attributes.push_back({.name = std::move(name), .value = std::string(value)});
  return {};
}

Status take(const Record& record, PaxHeader& into) {
  if (record.key == "path") {
    return take_text(record, into.path);
  }
  if (record.key == "linkpath") {
    return take_text(record, into.link_path);
  }
  if (record.key == "size") {
    return take_number(record, into.size_bytes);
  }
  if (record.key == "mtime") {
    into.mtime = parse_pax_time(record.value);
    return into.mtime ? Status() : malformed("mtime is not a time");
  }
  // Of no use here, but a sign of what the others are worth.
  if (record.key == "atime" || record.key == "ctime") {
    return parse_pax_time(record.value) ? Status()
                                        : malformed(fmt::format("{} is not a time", record.key));
  }
  if (record.key == "uid" || record.key == "gid") {
    std::optional<uint64_t> number;
    if (Status taken = take_number(record, number); !taken) {
      return taken;
    }
    return *number <= UINT32_MAX ? Status()
                                 : malformed(fmt::format("{} is out of range", record.key));
  }
  if (record.key.starts_with(sparse_prefix)) {
    return take_sparse(record, into.sparse);
  }
  if (record.key.starts_with(attribute_prefix)) {
    return take_attribute(record.key.substr(attribute_prefix.size()), record.value,
                          into.attributes);
  }
  if (record.key.starts_with(access_list_prefix) && !record.value.empty()) {
    // As text, with names of users of another host: counted among those that cannot be kept.
    return take_attribute(record.key, record.value, into.attributes);
  }
  return {};
}

}  // namespace

Status parse_pax_records(std::string_view records, PaxHeader& into) {
  while (!records.empty()) {
    if (records.front() == '\0' && records.find_first_not_of('\0') == std::string_view::npos) {
      break;  // filled up by its maker, and nothing is hidden behind
    }
    const Result<Record> record = take_record(records);
    if (!record) {
      return fail(record.error());
    }
    if (Status taken = take(*record, into); !taken) {
      return taken;
    }
  }
  if (into.sparse.extent_begin) {
    return malformed("an offset of data without its size");
  }
  if (into.sparse.extents.size() > into.sparse.extents_told.value_or(UINT64_MAX)) {
    return malformed("a sparse file has more data than its GNU.sparse.numblocks says");
  }
  return {};
}

std::optional<FileTime> parse_pax_time(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  text.remove_prefix(is_negative ? 1 : 0);
  const size_t point = text.find('.');
  const std::optional<uint64_t> whole = number_of(text.substr(0, point));
  if (!whole) {
    return std::nullopt;
  }
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  if (!std::all_of(fraction.begin(), fraction.end(), is_digit)) {
    return std::nullopt;
  }
  FileTime time{.seconds = static_cast<int64_t>(*whole)};
  for (uint32_t digit = 0; digit < nanoseconds_digits; ++digit) {
    const auto value =
        digit < fraction.size() ? static_cast<uint32_t>(fraction[digit] - '0') : uint32_t{0};
    time.nanoseconds = time.nanoseconds * 10 + value;
  }
  if (is_negative) {
    time.seconds = -time.seconds;
    // The nanosecond before, not the one nearer to 0.
    const size_t below = std::min<size_t>(fraction.size(), nanoseconds_digits);
    time.nanoseconds += fraction.find_first_not_of('0', below) != std::string_view::npos ? 1 : 0;
    if (time.nanoseconds > 0) {
      time.seconds -= 1;
      time.nanoseconds = 1'000'000'000 - time.nanoseconds;
    }
  }
  return time;
}

std::string pax_time_text(const FileTime& time) {
  if (time.nanoseconds == 0) {
    return fmt::to_string(time.seconds);
  }
  const bool is_negative = time.seconds < 0;
  const int64_t seconds = is_negative ? -(time.seconds + 1) : time.seconds;
  const uint32_t nanoseconds = is_negative ? 1'000'000'000 - time.nanoseconds : time.nanoseconds;
  std::string text = fmt::format("{}{}.{:09}", is_negative ? "-" : "", seconds, nanoseconds);
  text.resize(text.find_last_not_of('0') + 1);
  return text;
}

void append_pax_record(std::string& records, std::string_view key, std::string_view value) {
  const size_t rest = key.size() + value.size() + 3;  // ' ', '=', '\n'
  size_t length = rest + 1;                           // it counts itself
  while (rest + fmt::formatted_size("{}", length) != length) {
    length = rest + fmt::formatted_size("{}", length);
  }
  fmt::format_to(std::back_inserter(records), "{} {}=", length, key);
  records.append(value);
  records.push_back('\n');
}

std::string pax_attribute_key(std::string_view name) {
  std::string key(attribute_prefix);
  for (const char character : name) {
    if (character == '=' || character == '%') {
      key += character == '=' ? "%3D" : "%25";
    } else {
      key.push_back(character);
    }
  }
  return key;
}

}  // namespace murder::archive
