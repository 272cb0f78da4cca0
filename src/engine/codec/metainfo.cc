#include "engine/codec/metainfo.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/bounds.h"
#include "engine/base/ensure.h"
#include "engine/codec/bencode.h"
#include "engine/codec/bounds.h"
#include "engine/codec/torrent_paths.h"
#include "engine/codec/torrent_trackers.h"

namespace murder::codec {
namespace {

tl::unexpected<Error> refuse_torrent(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("torrent: {}", what));
}

tl::unexpected<Error> beyond_limit(std::string_view what) {
  return fail(ErrorCode::limit, fmt::format("torrent: {}", what));
}

Status check_part(std::string_view part, uint32_t bytes_max) {
  if (part.empty()) {
    return refuse_torrent("a name or part of a path is empty");
  }
  if (part == "." || part == "..") {
    return refuse_torrent(fmt::format("{} as a name or part of a path", shown_name(part)));
  }
  if (part.find('/') != std::string_view::npos || part.find('\0') != std::string_view::npos) {
    return refuse_torrent(fmt::format("a slash or NUL in the name {}", shown_name(part)));
  }
  if (part.size() > bytes_max) {
    return beyond_limit(
        fmt::format("the name {} is longer than {} bytes", shown_name(part), bytes_max));
  }
  return {};
}

// The list under this key, joined with slashes. A link's target may hold "." and "..".
Result<std::string> read_path(const std::optional<BencodeValue>& parts, std::string_view key) {
  if (!parts || !parts->is_list()) {
    return refuse_torrent(fmt::format("a file has no {}", key));
  }
  const bool is_target = key != "path";
  std::string path;
  uint32_t part_count = 0;
  BencodeItems items = parts->items();
  while (const std::optional<BencodeValue> item = items.next()) {
    const std::optional<std::string_view> part = item->text();
    if (!part) {
      return refuse_torrent("a part of a path is not a string");
    }
    const bool is_dots = is_target && (*part == "." || *part == "..");
    if (Status status = is_dots ? Status() : check_part(*part, limits::path_part_bytes_max);
        !status) {
      return fail(std::move(status.error()));
    }
    if (path.size() + 1 + part->size() > limits::torrent_path_bytes_max) {
      return beyond_limit(
          fmt::format("a path is longer than {} bytes", limits::torrent_path_bytes_max));
    }
    if (++part_count > limits::torrent_path_parts_max) {
      return beyond_limit(
          fmt::format("a path has more than {} levels", limits::torrent_path_parts_max));
    }
    path.append(path.empty() ? "" : "/").append(*part);
  }
  if (path.empty()) {
    return refuse_torrent(fmt::format("a file's {} is empty", key));
  }
  return path;
}

// Adds a file of this size at the end of the content. A link needs none.
Status add_file(Metainfo& metainfo, FileEntry file, std::optional<int64_t> size_bytes) {
  if (file.is_symlink && !size_bytes) {
    size_bytes = 0;
  }
  if (!size_bytes || *size_bytes < 0) {
    return refuse_torrent(
        fmt::format("file {} has no length, or a negative one", shown_name(file.path)));
  }
  uint64_t& total_bytes = metainfo.geometry.total_bytes;
  if (static_cast<uint64_t>(*size_bytes) > static_cast<uint64_t>(INT64_MAX) - total_bytes) {
    return refuse_torrent("the lengths add up to more than 2^63 - 1 bytes");
  }
  if (file.is_symlink && *size_bytes != 0) {
    return refuse_torrent(fmt::format("the symbolic link {} has a length of {}: it has no content",
                                      shown_name(file.path), *size_bytes));
  }
  file.offset = total_bytes;
  file.size_bytes = static_cast<uint64_t>(*size_bytes);
  total_bytes += file.size_bytes;
  metainfo.files.push_back(std::move(file));
  return {};
}

// What the list says of one file, in one walk over it.
struct ListedFile {
  std::optional<BencodeValue> path;
  std::optional<BencodeValue> target;
  std::optional<BencodeValue> length;
  std::string_view attributes;
};

// Programs that wrote names in another encoding wrote them in UTF-8 beside it ("path.utf-8",
// "name.utf-8"), and other clients call the content so.
ListedFile listed_file(const BencodeValue& item) {
  ListedFile listed;
  bool has_utf8 = false;
  BencodeEntries entries = item.entries();
  while (const std::optional<BencodeEntry> entry = entries.next()) {
    if (entry->key == "path.utf-8" && entry->value.is_list()) {
      listed.path = entry->value;
      has_utf8 = true;
    } else if (entry->key == "path") {
      listed.path = has_utf8 ? listed.path : entry->value;
    } else if (entry->key == "length") {
      listed.length = entry->value;
    } else if (entry->key == "symlink path") {
      listed.target = entry->value;
    } else if (entry->key == "attr") {
      listed.attributes = entry->value.text().value_or("");
    }
  }
  return listed;
}

Status add_listed_file(Metainfo& metainfo, const ListedFile& listed) {
  FileEntry file{.is_padding = listed.attributes.find('p') != std::string_view::npos,
                 .is_symlink = listed.attributes.find('l') != std::string_view::npos,
                 .is_executable = listed.attributes.find('x') != std::string_view::npos};
  const std::optional<int64_t> length =
      listed.length ? listed.length->integer() : std::optional<int64_t>();
  if (file.is_padding) {
    // Nobody writes it, so that its path, where there is one, says nothing.
    file.is_symlink = false;
    file.path = fmt::format(".pad/{}", length.value_or(0));
    return add_file(metainfo, std::move(file), length);
  }
  Result<std::string> path = read_path(listed.path, "path");
  if (!path) {
    return fail(std::move(path.error()));
  }
  file.path = std::move(*path);
  if (file.is_symlink) {
    Result<std::string> target = read_path(listed.target, "symlink path");
    if (!target) {
      return fail(std::move(target.error()));
    }
    file.symlink_target = std::move(*target);
  }
  return add_file(metainfo, std::move(file), listed.length && !length ? -1 : length);
}

Status read_file_list(Metainfo& metainfo, const BencodeValue& list) {
  size_t count = 0;
  for (BencodeItems items = list.items(); items.next();) {
    if (++count > limits::torrent_files_max) {
      return beyond_limit(fmt::format("more than {} files", limits::torrent_files_max));
    }
  }
  if (count == 0) {
    return refuse_torrent("it has no files");
  }
  metainfo.files.reserve(count);  // a million of them are not moved again and again
  BencodeItems items = list.items();
  while (const std::optional<BencodeValue> item = items.next()) {
    if (Status status = add_listed_file(metainfo, listed_file(*item)); !status) {
      return status;
    }
  }
  const Status differ = check_paths_differ(metainfo.files);
  return differ ? resolve_links(metainfo.files) : differ;
}

Status read_content(Metainfo& metainfo, const BencodeValue& info) {
  const std::string_view name_in_utf8 = info.find_text("name.utf-8").value_or("");
  const std::optional<std::string_view> name =
      name_in_utf8.empty() ? info.find_text("name") : name_in_utf8;
  if (!name) {
    return refuse_torrent("it has no name");
  }
  if (Status status = check_part(*name, limits::name_bytes_max); !status) {
    return status;
  }
  metainfo.name = *name;
  const std::optional<BencodeValue> length = info.find("length");
  const std::optional<BencodeValue> list = info.find("files");
  if (length && list) {
    return refuse_torrent("it has both a length and a list of files");
  }
  if (length) {
    const std::string_view attributes = info.find_text("attr").value_or("");
    return add_file(metainfo,
                    FileEntry{.path = metainfo.name,
                              .is_executable = attributes.find('x') != std::string_view::npos},
                    length->integer());
  }
  if (!list || !list->is_list()) {
    return refuse_torrent("it has neither a length nor a list of files");
  }
  metainfo.is_single_file = false;
  return read_file_list(metainfo, *list);
}

// Needs the total length.
Status read_pieces(Metainfo& metainfo, const BencodeValue& info) {
  const std::optional<int64_t> piece_bytes = info.find_integer("piece length");
  if (!piece_bytes || *piece_bytes <= 0) {
    return refuse_torrent("its piece length is missing, zero or negative");
  }
  if (*piece_bytes > int64_t{limits::piece_bytes_max}) {
    return beyond_limit(fmt::format("pieces of {} bytes; at most {} are supported", *piece_bytes,
                                    limits::piece_bytes_max));
  }
  Geometry& geometry = metainfo.geometry;
  geometry.piece_bytes = static_cast<uint32_t>(*piece_bytes);
  if (geometry.total_bytes > uint64_t{geometry.piece_bytes} * limits::piece_count_max) {
    return beyond_limit(
        fmt::format("more than {} pieces; make it with larger ones", limits::piece_count_max));
  }
  const std::optional<std::string_view> pieces = info.find_text("pieces");
  if (!pieces) {
    return refuse_torrent("it has no piece hashes");
  }
  const uint32_t piece_count = geometry.piece_count();
  if (pieces->size() != size_t{piece_count} * Sha1Digest::size_bytes) {
    return refuse_torrent(fmt::format("{} bytes of piece hashes, where {} pieces need {}",
                                      pieces->size(), piece_count,
                                      size_t{piece_count} * Sha1Digest::size_bytes));
  }
  metainfo.piece_digests.resize(piece_count);
  const std::span<const uint8_t> digests = as_bytes_of(*pieces);
  for (size_t index = 0; index < piece_count; ++index) {
    metainfo.piece_digests[index] = *Sha1Digest::from_bytes(
        digests.subspan(index * Sha1Digest::size_bytes, Sha1Digest::size_bytes));
  }
  return {};
}

}  // namespace

Result<Metainfo> parse_metainfo(std::span<const uint8_t> torrent) {
  if (torrent.size() > limits::torrent_bytes_max) {
    return beyond_limit(fmt::format("larger than {} bytes", limits::torrent_bytes_max));
  }
  // Other clients read past what follows the dictionary (a newline, padding), so it may be there.
  const Result<BencodeValue> root = decode_bencode_prefix(torrent);
  if (!root) {
    return refuse_torrent(fmt::format("damaged, or not a torrent: {}", root.error().text));
  }
  const std::optional<BencodeValue> info = root->find("info");
  if (!info || !info->is_dictionary()) {
    return refuse_torrent("not a torrent: it has no info dictionary");
  }
  if (info->find_integer("meta version").value_or(1) > 1 && !info->find("pieces")) {
    return fail(ErrorCode::unsupported,
                "torrent: of version 2 only (BEP 52), which is not supported; make a hybrid or "
                "version 1 torrent");
  }
  Metainfo metainfo;
  if (Status status = read_content(metainfo, *info); !status) {
    return fail(std::move(status.error()));
  }
  if (Status status = read_pieces(metainfo, *info); !status) {
    return fail(std::move(status.error()));
  }
  metainfo.is_private = info->find_integer("private").value_or(0) == 1;
  metainfo.tracker_tiers = tracker_tiers_of(*root);
  metainfo.comment = root->find_text("comment").value_or("");
  metainfo.created_by = root->find_text("created by").value_or("");
  metainfo.created_at_s = root->find_integer("creation date");
  const int64_t hosts_expected = root->find_integer("hosts expected").value_or(0);
  if (hosts_expected > 0 && hosts_expected <= UINT32_MAX) {
    metainfo.hosts_expected = static_cast<uint32_t>(hosts_expected);
  }
  const int64_t unpacked_bytes = root->find_integer("unpacked bytes").value_or(-1);
  const int64_t unpacked_entries = root->find_integer("unpacked entries").value_or(-1);
  if (unpacked_bytes >= 0 && unpacked_entries >= 0) {
    metainfo.unpacked_size = {.bytes = static_cast<uint64_t>(unpacked_bytes),
                              .entries = static_cast<uint64_t>(unpacked_entries)};
  }
  metainfo.signed_statement = signed_statement_of(*root);
  metainfo.raw_info = as_text_of(info->raw());
  return metainfo;
}

namespace {

void write_trackers(BencodeWriter& writer, const std::vector<std::vector<std::string>>& tiers) {
  size_t count = 0;
  for (const std::vector<std::string>& tier : tiers) {
    if (count == 0 && !tier.empty()) {
      writer.key("announce");
      writer.string(tier.front());
    }
    count += tier.size();
  }
  if (count < 2) {
    return;
  }
  writer.key("announce-list");
  writer.begin_list();
  for (const std::vector<std::string>& tier : tiers) {
    writer.begin_list();
    for (const std::string& url : tier) {
      writer.string(url);
    }
    writer.end();
  }
  writer.end();
}

void write_info(BencodeWriter& writer, const MetainfoDraft& draft) {
  ENSURE(draft.geometry.piece_bytes > 0);
  ENSURE(draft.piece_digests.size() == draft.geometry.piece_count());
  writer.begin_dictionary();
  if (draft.is_executable) {
    writer.key("attr");
    writer.string("x");
  }
  writer.key("length");
  writer.integer(static_cast<int64_t>(draft.geometry.total_bytes));
  writer.key("name");
  writer.string(draft.name);
  writer.key("piece length");
  writer.integer(draft.geometry.piece_bytes);
  std::string pieces;
  pieces.reserve(draft.piece_digests.size() * Sha1Digest::size_bytes);
  for (const Sha1Digest& digest : draft.piece_digests) {
    pieces.append(as_text_of(digest.bytes));
  }
  writer.key("pieces");
  writer.string(pieces);
  if (draft.is_private) {
    writer.key("private");
    writer.integer(1);
  }
  writer.end();
}

}  // namespace

std::string encode_metainfo(const MetainfoDraft& draft) {
  BencodeWriter writer;
  writer.begin_dictionary();
  write_trackers(writer, draft.tracker_tiers);
  if (!draft.comment.empty()) {
    writer.key("comment");
    writer.string(draft.comment);
  }
  if (!draft.created_by.empty()) {
    writer.key("created by");
    writer.string(draft.created_by);
  }
  if (draft.created_at_s) {
    writer.key("creation date");
    writer.integer(*draft.created_at_s);
  }
  if (draft.hosts_expected) {
    writer.key("hosts expected");
    writer.integer(*draft.hosts_expected);
  }
  writer.key("info");
  write_info(writer, draft);
  if (draft.signed_statement) {
    writer.key(signed_statement_key);
    write_signed_statement(writer, *draft.signed_statement);
  }
  if (draft.unpacked_size) {
    writer.key("unpacked bytes");
    writer.integer(static_cast<int64_t>(draft.unpacked_size->bytes));
    writer.key("unpacked entries");
    writer.integer(static_cast<int64_t>(draft.unpacked_size->entries));
  }
  writer.end();
  return writer.take();
}

}  // namespace murder::codec
