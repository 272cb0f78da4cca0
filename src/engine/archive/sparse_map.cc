#include "engine/archive/sparse_map.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "engine/archive/bounds.h"
#include "engine/archive/tar_fields.h"

namespace murder::archive {

namespace {

// Pairs of offset and size in GNU's old header, where POSIX has the prefix, and in what continues
// it.
constexpr size_t pair_bytes = 24;
constexpr size_t pairs_at = 386;
constexpr size_t pairs_in_header = 4;
constexpr size_t is_extended_at = 482;
constexpr size_t real_size_at = 483;
constexpr size_t pairs_in_block = 21;
static_assert(pairs_at + pairs_in_header * pair_bytes == is_extended_at);

tl::unexpected<Error> malformed(const TarStream& stream) {
  return stream.damaged("the map of a sparse file is malformed");
}

// Adds pairs up to the first empty one; false when one is malformed.
bool add_pairs(std::string_view pairs, std::vector<Extent>& extents) {
  for (; !pairs.empty(); pairs.remove_prefix(pair_bytes)) {
    const std::string_view offset_field = pairs.substr(0, pair_bytes / 2);
    const std::string_view size_field = pairs.substr(pair_bytes / 2, pair_bytes / 2);
    if (size_field.front() == '\0') {
      return true;
    }
    const std::optional<int64_t> offset = tar_number(offset_field);
    const std::optional<int64_t> size = tar_number(size_field);
    if (!offset || !size || *offset < 0 || *size < 0) {
      return false;
    }
    extents.push_back(
        {.offset = static_cast<uint64_t>(*offset), .size_bytes = static_cast<uint64_t>(*size)});
  }
  return true;
}

// A decimal number and a newline.
Result<uint64_t> read_line(TarStream& stream, uint64_t& content_bytes) {
  constexpr uint64_t line_bytes_max = 20;
  const Result<std::span<const uint8_t>> bytes =
      stream.look(static_cast<size_t>(std::min(line_bytes_max, content_bytes)));
  if (!bytes) {
    return fail(bytes.error());
  }
  uint64_t value = 0;
  for (size_t at = 0; at < bytes->size(); ++at) {
    const auto character = static_cast<char>((*bytes)[at]);
    if (character == '\n' && at > 0) {
      stream.take(at + 1);
      content_bytes -= at + 1;
      return value;
    }
    if (character < '0' || character > '9' || value > INT64_MAX / 10 - 1) {
      break;
    }
    value = value * 10 + static_cast<uint64_t>(character - '0');
  }
  return malformed(stream);
}

}  // namespace

Result<SparseMap> read_gnu_map(const UstarBlock& header, TarStream& stream) {
  const std::string_view text(reinterpret_cast<const char*>(&header), sizeof(header));
  const std::optional<int64_t> size = tar_number(text.substr(real_size_at, 12));
  SparseMap map;
  if (!size || *size < 0 ||
      !add_pairs(text.substr(pairs_at, pairs_in_header * pair_bytes), map.extents)) {
    return malformed(stream);
  }
  map.size_bytes = static_cast<uint64_t>(*size);
  bool is_extended = text[is_extended_at] != '\0';
  while (is_extended) {
    const Result<std::span<const uint8_t>> bytes = stream.look(tar_block_bytes);
    if (!bytes) {
      return fail(bytes.error());
    }
    if (bytes->size() < tar_block_bytes) {
      return stream.cut_off();
    }
    const std::string_view more(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    if (map.extents.size() + pairs_in_block > limits::sparse_extents_max ||
        !add_pairs(more.substr(0, pairs_in_block * pair_bytes), map.extents)) {
      return malformed(stream);
    }
    is_extended = more[pairs_in_block * pair_bytes] != '\0';
    stream.take(tar_block_bytes);
  }
  return map;
}

Result<std::vector<Extent>> read_map_in_content(TarStream& stream, uint64_t& content_bytes) {
  const uint64_t before = content_bytes;
  const Result<uint64_t> count = read_line(stream, content_bytes);
  if (!count) {
    return fail(count.error());
  }
  if (*count > limits::sparse_extents_max) {
    return malformed(stream);
  }
  std::vector<Extent> extents;
  for (uint64_t index = 0; index < *count; ++index) {
    const Result<uint64_t> offset = read_line(stream, content_bytes);
    const Result<uint64_t> size = offset ? read_line(stream, content_bytes) : offset;
    if (!size) {
      return fail(size.error());
    }
    extents.push_back({.offset = *offset, .size_bytes = *size});
  }
  const uint64_t padding_bytes = tar_padding_bytes(before - content_bytes);
  if (padding_bytes > content_bytes) {
    return malformed(stream);
  }
  content_bytes -= padding_bytes;
  if (Status passed = stream.pass_over(padding_bytes); !passed) {
    return fail(passed.error());
  }
  return extents;
}

bool is_sound_map(const SparseMap& map, uint64_t content_bytes) {
  uint64_t end = 0;
  uint64_t data_bytes = 0;
  for (const Extent& extent : map.extents) {
    if (extent.offset < end || extent.offset > map.size_bytes ||
        extent.size_bytes > map.size_bytes - extent.offset) {
      return false;
    }
    end = extent.offset + extent.size_bytes;
    data_bytes += extent.size_bytes;
  }
  return data_bytes == content_bytes;
}

}  // namespace murder::archive
