#include "engine/archive/archive_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "engine/archive/bounds.h"
#include "engine/archive/sparse_map.h"
#include "engine/archive/tar_fields.h"
#include "engine/base/ensure.h"
#include "engine/base/types.h"

namespace murder::archive {

namespace {

constexpr uint64_t file_bytes_max = INT64_MAX - tar_block_bytes;

bool has_content(char type) {
  switch (type) {
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case 'V':
      return false;
    default:
      return true;
  }
}

}  // namespace

Result<std::unique_ptr<ArchiveReader>> ArchiveReader::open(ByteSource& source, std::string name) {
  Result<std::unique_ptr<DecodedSource>> decoded = DecodedSource::open(source, name);
  if (!decoded) {
    return fail(decoded.error());
  }
  return std::unique_ptr<ArchiveReader>(
      new ArchiveReader(TarStream(std::move(*decoded), std::move(name))));
}

Result<std::optional<UstarBlock>> ArchiveReader::next_block() {
  const Result<std::span<const uint8_t>> bytes = stream_.look(tar_block_bytes);
  if (!bytes) {
    return fail(bytes.error());
  }
  UstarBlock block{};
  if (!bytes->empty()) {
    std::memcpy(&block, bytes->data(), bytes->size());
  }
  if (is_zero_block(block)) {
    return std::nullopt;
  }
  if (bytes->size() < tar_block_bytes || !has_right_checksum(block)) {
    if (!has_begun_) {
      return fail(ErrorCode::invalid_input, stream_.name() + " is not a tar archive");
    }
    return stream_.damaged(bytes->size() < tar_block_bytes ? "its end is missing"
                                                           : "the checksum of a header is wrong");
  }
  has_begun_ = true;
  stream_.take(tar_block_bytes);
  return block;
}

Result<std::optional<ArchiveEntry>> ArchiveReader::next_entry() {
  if (Status passed = stream_.pass_over(content_bytes_ + padding_bytes_); !passed) {
    return fail(passed.error());
  }
  content_bytes_ = 0;
  padding_bytes_ = 0;
  extents_.clear();
  extent_ = 0;
  extent_done_ = 0;
  Prelude prelude;
  while (true) {
    const Result<std::optional<UstarBlock>> block = next_block();
    if (!block) {
      return fail(block.error());
    }
    if (!block->has_value()) {
      if (prelude.is_there) {
        return stream_.damaged("it ends behind the header of an entry");
      }
      return std::nullopt;
    }
    const Result<bool> taken = take_prelude(**block, prelude);
    if (!taken) {
      return fail(taken.error());
    }
    if (!*taken) {
      Result<ArchiveEntry> entry = entry_of(**block, prelude);
      if (!entry) {
        return fail(entry.error());
      }
      return std::optional(std::move(*entry));
    }
  }
}

Result<bool> ArchiveReader::take_prelude(const UstarBlock& block, Prelude& prelude) {
  constexpr std::string_view types = "xXgLKV";
  if (types.find(block.type) == std::string_view::npos) {
    return false;
  }
  if (block.type == 'V') {
    // The label of a volume. What was said in front of it was said of it.
    prelude = {};
    const std::optional<int64_t> told = tar_number(tar_field(block.size));
    if (!told || *told < 0 || static_cast<uint64_t>(*told) > file_bytes_max) {
      return stream_.damaged("the size of a header is malformed");
    }
    const auto size_bytes = static_cast<uint64_t>(*told);
    const Status passed = stream_.pass_over(size_bytes + tar_padding_bytes(size_bytes));
    return passed ? Result<bool>(true) : fail(passed.error());
  }
  Result<std::string> content = header_content(block);
  if (!content) {
    return fail(content.error());
  }
  if (block.type == 'L' || block.type == 'K') {
    // Ends with a NUL, of which there may be some.
    content->resize(content->find_last_not_of('\0') + 1);
    if (content->empty() || content->find('\0') != std::string::npos) {
      return stream_.damaged("a long name is malformed");
    }
    (block.type == 'L' ? prelude.long_name : prelude.long_link) = std::move(*content);
    prelude.is_there = true;
    return true;
  }
  // The last header of a kind counts alone, as GNU tar has it.
  const bool is_global = block.type == 'g';
  PaxHeader& pax = is_global ? global_ : prelude.pax;
  pax = {};
  Status parsed = parse_pax_records(*content, pax);
  if (parsed && is_global && pax.sparse.is_there) {
    parsed = fail(ErrorCode::invalid_input, "all files behind it would be sparse");
  }
  if (!parsed) {
    return fail(parsed.error().code,
                fmt::format("{} is damaged, at the header in front of an entry ({}): {}",
                            stream_.name(), tar_text(tar_field(block.name)), parsed.error().text));
  }
  prelude.is_there = prelude.is_there || !is_global;
  return true;
}

Result<std::string> ArchiveReader::header_content(const UstarBlock& block) {
  const std::optional<int64_t> told = tar_number(tar_field(block.size));
  if (!told || *told < 0) {
    return stream_.damaged("the size of a header is malformed");
  }
  if (static_cast<uint64_t>(*told) > limits::pax_header_bytes_max) {
    return stream_.damaged(
        fmt::format("a header has more than {} bytes", uint64_t{limits::pax_header_bytes_max}));
  }
  auto left = static_cast<size_t>(*told);
  const uint64_t padding_bytes = tar_padding_bytes(left);
  std::string content;
  while (left > 0) {
    const Result<std::span<const uint8_t>> bytes = stream_.look(std::min(left, tar_block_bytes));
    if (!bytes) {
      return fail(bytes.error());
    }
    if (bytes->empty()) {
      return stream_.cut_off();
    }
    content.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    stream_.take(bytes->size());
    left -= bytes->size();
  }
  if (Status passed = stream_.pass_over(padding_bytes); !passed) {
    return fail(passed.error());
  }
  return content;
}

Result<ArchiveEntry> ArchiveReader::entry_of(const UstarBlock& block, Prelude& prelude) {
  PaxHeader& pax = prelude.pax;
  ArchiveEntry entry;
  const std::optional<std::string>& sparse_name = pax.sparse.name;
  if (sparse_name) {
    entry.name = *sparse_name;
  } else if (pax.path || global_.path) {
    entry.name = pax.path ? *pax.path : *global_.path;
  } else {
    entry.name = prelude.long_name ? *prelude.long_name : tar_name(block);
  }
  const std::optional<int64_t> mode = tar_number(tar_field(block.mode));
  const std::optional<int64_t> seconds = tar_number(tar_field(block.mtime));
  if (!mode || !seconds) {
    return stream_.damaged("a number in a header is malformed");
  }
  entry.mode = static_cast<uint32_t>(*mode) & 07777U;
  entry.mtime =
      pax.mtime.value_or(global_.mtime.value_or(FileTime{.seconds = *seconds, .nanoseconds = 0}));
  entry.attributes = std::move(pax.attributes);
  if (pax.link_path || global_.link_path) {
    entry.link_target = pax.link_path ? *pax.link_path : *global_.link_path;
  } else {
    entry.link_target =
        prelude.long_link ? *prelude.long_link : std::string(tar_text(tar_field(block.link_name)));
  }
  if (Status typed = set_type(block, entry); !typed) {
    return fail(typed.error());
  }
  if (Status set = set_content(block, prelude, entry); !set) {
    return fail(set.error());
  }
  return entry;
}

Status ArchiveReader::set_type(const UstarBlock& block, ArchiveEntry& entry) {
  using Type = ArchiveEntry::Type;
  switch (block.type) {
    case '1':
      entry.type = Type::hard_link;
      break;
    case '2':
      entry.type = Type::symlink;
      break;
    case '3':
    case '4':
    case '6':
      entry.type = Type::other;
      break;
    case '5':
    case 'D':  // GNU's incremental archives: a directory and the names in it
      entry.type = Type::directory;
      break;
    case 'M':
    case 'N':
      return fail(ErrorCode::unsupported,
                  fmt::format("{}: {} is a part of an archive of several volumes, or of a format "
                              "that nothing writes today",
                              stream_.name(), entry.name.substr(0, 300)));
    default:
      // The oldest archives tell directories by their slash. Types nobody knows are files.
      entry.type = entry.name.ends_with('/') ? Type::directory : Type::file;
  }
  return {};
}

Status ArchiveReader::set_content(const UstarBlock& block, const Prelude& prelude,
                                  ArchiveEntry& entry) {
  const PaxHeader& pax = prelude.pax;
  if (pax.sparse.is_there && entry.type != ArchiveEntry::Type::file) {
    return stream_.damaged(fmt::format("{} is sparse, but not a file", entry.name.substr(0, 300)));
  }
  if (!has_content(block.type)) {
    return {};
  }
  const std::optional<int64_t> told = tar_number(tar_field(block.size));
  const std::optional<uint64_t> pax_size = pax.size_bytes ? pax.size_bytes : global_.size_bytes;
  if (!pax_size && (!told || *told < 0)) {
    return stream_.damaged("the size of an entry is malformed");
  }
  content_bytes_ = pax_size ? *pax_size : static_cast<uint64_t>(*told);
  if (content_bytes_ > file_bytes_max) {
    return stream_.damaged("the size of an entry is malformed");
  }
  padding_bytes_ = tar_padding_bytes(content_bytes_);
  if (entry.type != ArchiveEntry::Type::file) {
    if (block.type != 'D' && content_bytes_ > 0) {
      return stream_.damaged(
          fmt::format("the directory {} has content", entry.name.substr(0, 300)));
    }
    return {};
  }
  SparseMap map{.extents = {{.offset = 0, .size_bytes = content_bytes_}},
                .size_bytes = content_bytes_};
  if (block.type == 'S') {
    Result<SparseMap> found = read_gnu_map(block, stream_);
    if (!found) {
      return fail(found.error());
    }
    map = std::move(*found);
  } else if (pax.sparse.is_there) {
    Result<std::vector<Extent>> found =
        pax.sparse.major == 1 ? read_map_in_content(stream_, content_bytes_) : pax.sparse.extents;
    if (!found) {
      return fail(found.error());
    }
    map = {.extents = std::move(*found), .size_bytes = pax.sparse.size_bytes.value_or(0)};
  }
  if (!is_sound_map(map, content_bytes_) || map.size_bytes > file_bytes_max) {
    return stream_.damaged("the map of a sparse file is malformed");
  }
  entry.size_bytes = map.size_bytes;
  extents_ = std::move(map.extents);
  return {};
}

Result<std::optional<ArchiveData>> ArchiveReader::next_data() {
  while (extent_ < extents_.size() && extent_done_ == extents_[extent_].size_bytes) {
    ++extent_;
    extent_done_ = 0;
  }
  if (extent_ == extents_.size()) {
    return std::nullopt;
  }
  const Extent& extent = extents_[extent_];
  const Result<std::span<const uint8_t>> some = stream_.take_some(extent.size_bytes - extent_done_);
  if (!some) {
    return fail(some.error());
  }
  const ArchiveData data{.offset = extent.offset + extent_done_, .bytes = *some};
  extent_done_ += some->size();
  content_bytes_ -= some->size();
  return data;
}

}  // namespace murder::archive
