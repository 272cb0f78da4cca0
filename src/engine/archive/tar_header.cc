#include "engine/archive/tar_header.h"

#include <fmt/format.h>

#include <cstring>
#include <string_view>

#include "engine/archive/pax_records.h"
#include "engine/base/ensure.h"
#include "engine/base/utf8.h"

namespace murder::archive {

namespace {

constexpr uint64_t octal11_max = 077777777777U;  // what 11 octal digits hold

// Octal digits with leading zeros, and a NUL.
template <size_t field_bytes>
void put_octal(char (&field)[field_bytes], uint64_t value) {
  for (size_t digit = field_bytes - 1; digit > 0; --digit) {
    field[digit - 1] = static_cast<char>('0' + (value & 7U));
    value >>= 3U;
  }
  field[field_bytes - 1] = '\0';
  ENSURE(value == 0);
}

template <size_t field_bytes>
void put_text(char (&field)[field_bytes], std::string_view text) {
  ENSURE(text.size() <= field_bytes);
  std::memcpy(field, text.data(), text.size());
}

// Whether the name fits into the name field, or cut at a '/' into prefix and name.
bool put_name(UstarBlock& block, std::string_view name) {
  if (name.size() <= sizeof(block.name)) {
    put_text(block.name, name);
    return true;
  }
  // The last cut that leaves a prefix short enough; a directory's final slash is not a cut.
  const size_t cut = name.rfind('/', std::min<size_t>(sizeof(block.prefix), name.size() - 2));
  if (cut == std::string_view::npos || cut == 0 || name.size() - cut - 1 > sizeof(block.name)) {
    return false;
  }
  put_text(block.prefix, name.substr(0, cut));
  put_text(block.name, name.substr(cut + 1));
  return true;
}

// What one header says, whatever fields that takes.
struct Header {
  std::string name;
  char type = '0';
  uint32_t mode = 0;
  FileTime mtime;
  uint64_t size_bytes = 0;
  std::string_view link_target;
  std::span<const ExtendedAttribute> attributes;
};

void put_checksum(UstarBlock& block) {
  std::memset(block.checksum, ' ', sizeof(block.checksum));
  const auto* bytes = reinterpret_cast<const unsigned char*>(&block);
  uint32_t sum = 0;
  for (size_t index = 0; index < sizeof(block); ++index) {
    sum += bytes[index];
  }
  char digits[7];
  put_octal(digits, sum);
  put_text(block.checksum, {digits, sizeof(digits)});
}

void append_padding(std::string& blocks) {
  blocks.append(tar_padding_bytes(blocks.size()), '\0');
}

UstarBlock block_of(char type, uint32_t mode) {
  UstarBlock block{};
  put_octal(block.mode, mode);
  put_octal(block.uid, 0);
  put_octal(block.gid, 0);
  put_octal(block.device_major, 0);
  put_octal(block.device_minor, 0);
  block.type = type;
  std::memcpy(block.magic, "ustar", sizeof(block.magic));
  std::memcpy(block.version, "00", sizeof(block.version));
  return block;
}

void append_block(std::string& blocks, UstarBlock& block) {
  put_checksum(block);
  blocks.append(reinterpret_cast<const char*>(&block), sizeof(block));
}

// The pax header of these records, in front of the header they belong to.
std::string pax_blocks(const std::string& records) {
  UstarBlock block = block_of('x', 0644);
  put_text(block.name, "pax_header");
  put_octal(block.size, records.size());
  put_octal(block.mtime, 0);
  std::string blocks;
  append_block(blocks, block);
  blocks += records;
  append_padding(blocks);
  return blocks;
}

// `records` are those of the caller's own; what does not fit into the block is added.
std::string blocks_of(const Header& header, std::string records) {
  UstarBlock block = block_of(header.type, header.mode);
  std::string names;
  std::string attributes;
  const bool name_fits = put_name(block, header.name);
  if (!name_fits) {
    put_text(block.name, std::string_view(header.name).substr(0, sizeof(block.name)));
    append_pax_record(names, "path", header.name);
  }
  const bool link_fits = header.link_target.size() <= sizeof(block.link_name);
  put_text(block.link_name, header.link_target.substr(0, sizeof(block.link_name)));
  if (!link_fits) {
    append_pax_record(names, "linkpath", header.link_target);
  }
  const bool size_fits = header.size_bytes <= octal11_max;
  put_octal(block.size, size_fits ? header.size_bytes : 0);
  if (!size_fits) {
    append_pax_record(records, "size", fmt::to_string(header.size_bytes));
  }
  const int64_t seconds = header.mtime.seconds;
  const bool seconds_fit = seconds >= 0 && static_cast<uint64_t>(seconds) <= octal11_max;
  put_octal(block.mtime, seconds_fit ? static_cast<uint64_t>(seconds) : 0);
  if (!seconds_fit || header.mtime.nanoseconds != 0) {
    append_pax_record(records, "mtime", pax_time_text(header.mtime));
  }
  for (const ExtendedAttribute& attribute : header.attributes) {
    append_pax_record(attributes, pax_attribute_key(attribute.name), attribute.value);
  }
  records += names;
  std::string blocks;
  if (!records.empty() || !attributes.empty()) {
    // Values are UTF-8 unless the records say so; it must come before them.
    if (!is_utf8(records)) {
      std::string binary;
      append_pax_record(binary, "hdrcharset", "BINARY");
      records.insert(0, binary);
    }
    blocks = pax_blocks(records + attributes);
  }
  append_block(blocks, block);
  return blocks;
}

Header header_of(const TreeEntry& entry) {
  Header header{.name = entry.path,
                .mode = entry.mode,
                .mtime = entry.mtime,
                .link_target = entry.link_target,
                .attributes = entry.attributes};
  switch (entry.type) {
    case EntryType::directory:
      header.type = '5';
      header.name = entry.path.empty() ? "./" : entry.path + "/";
      break;
    case EntryType::file:
      header.type = '0';
      header.size_bytes = entry.size_bytes;
      break;
    case EntryType::symlink:
      header.type = '2';
      break;
    case EntryType::hard_link:
      header.type = '1';
      break;
  }
  return header;
}

}  // namespace

std::string tar_header(const TreeEntry& entry) {
  return blocks_of(header_of(entry), {});
}

std::string tar_sparse_header(const TreeEntry& entry, std::span<const Extent> extents) {
  ENSURE(entry.type == EntryType::file);
  // GNU tar manual, "PAX Format, Version 1.0": the map comes first in the content, as decimal
  // lines: how many, then offset and size of each; an empty one at the end says where a last hole
  // ends.
  uint64_t data_bytes = 0;
  uint64_t end = 0;
  std::string map;
  for (const Extent& extent : extents) {
    ENSURE(extent.offset >= end && extent.size_bytes > 0);
    fmt::format_to(std::back_inserter(map), "{}\n{}\n", extent.offset, extent.size_bytes);
    data_bytes += extent.size_bytes;
    end = extent.offset + extent.size_bytes;
  }
  ENSURE(end <= entry.size_bytes);
  size_t count = extents.size();
  if (end < entry.size_bytes) {
    fmt::format_to(std::back_inserter(map), "{}\n0\n", entry.size_bytes);
    ++count;
  }
  map.insert(0, fmt::format("{}\n", count));
  append_padding(map);

  std::string records;
  append_pax_record(records, "GNU.sparse.major", "1");
  append_pax_record(records, "GNU.sparse.minor", "0");
  append_pax_record(records, "GNU.sparse.name", entry.path);
  append_pax_record(records, "GNU.sparse.realsize", fmt::to_string(entry.size_bytes));
  Header header = header_of(entry);
  // What readers that do not know the format make of it says what it is.
  header.name = "GNUSparseFile.0/" + entry.path.substr(entry.path.rfind('/') + 1);
  header.size_bytes = map.size() + data_bytes;
  return blocks_of(header, std::move(records)) + map;
}

}  // namespace murder::archive
