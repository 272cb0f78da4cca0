#include "coordinator/store/etcd_log_text.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "coordinator/store/bounds.h"
#include "engine/base/json.h"

namespace murder::store {
namespace {

constexpr uint64_t etcd_format = 1;

tl::unexpected<Error> is_damaged(std::string_view what) {
  return fail(ErrorCode::invalid_input,
              fmt::format("{} is damaged: restore a snapshot of etcd", what));
}

Json json_of(const EtcdBlob& blob) {
  return {{"blob", blob.id}, {"parts", blob.part_count}, {"bytes", blob.bytes}};
}

bool read_blob(const Json& json, EtcdBlob* ret_blob) {
  if (!json["blob"].is_text() || !json["parts"].is_count() || !json["bytes"].is_count()) {
    return false;
  }
  *ret_blob = {.id = json["blob"].text(),
               .part_count = json["parts"].count(),
               .bytes = json["bytes"].count()};
  return ret_blob->bytes <= limits::etcd_blob_bytes_max &&
         ret_blob->part_count <= ret_blob->bytes &&
         ret_blob->id.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool read_number(std::string_view text, int base, uint64_t* ret_number) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *ret_number, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::string EtcdKeys::log(uint64_t first) const {
  return fmt::format("{}log/{:016x}", prefix, first);
}

std::string EtcdKeys::blob(std::string_view id) const {
  return fmt::format("{}blob/{}/", prefix, id);
}

std::string EtcdKeys::blob_part(std::string_view id, uint64_t part) const {
  return fmt::format("{}blob/{}/{:06x}", prefix, id, part);
}

std::string text_of(const EtcdBlob& blob) {
  return json_text(json_of(blob));
}

Result<EtcdBlob> parse_blob(std::string_view text) {
  const Result<Json> json = parse_json(text);
  EtcdBlob blob;
  if (!json || !read_blob(*json, &blob) || blob.id.empty()) {
    return is_damaged("what names a torrent's parts");
  }
  return blob;
}

std::string text_of(const EtcdHead& head) {
  return json_text({{"format", etcd_format},
                    {"id", head.id},
                    {"last", head.last},
                    {"end_bytes", head.end_bytes},
                    {"covered", head.covered},
                    {"snapshot", json_of(head.snapshot)}});
}

Result<EtcdHead> parse_head(std::string_view text) {
  const Result<Json> parsed = parse_json(text);
  if (!parsed) {
    return is_damaged("the head of the log");
  }
  const Json& json = *parsed;
  if (const uint64_t format = count_member(json, "format"); format > etcd_format) {
    return fail(ErrorCode::unsupported,
                fmt::format("written by a newer version of murder (format {}; this one knows "
                            "format {}): upgrade murder on this host",
                            format, etcd_format));
  }
  EtcdHead head{.id = json["id"].text(),
                .last = json["last"].count(),
                .end_bytes = json["end_bytes"].count(),
                .covered = json["covered"].count()};
  if (json["format"] != Json(etcd_format) || head.id.empty() || !json["last"].is_count() ||
      !json["end_bytes"].is_count() || !json["covered"].is_count() || head.covered > head.last ||
      head.last == UINT64_MAX || !read_blob(json["snapshot"], &head.snapshot)) {
    return is_damaged("the head of the log");
  }
  return head;
}

std::vector<EtcdChunk> chunks_of(std::span<const std::string> lines, uint64_t first,
                                 uint64_t end_bytes) {
  std::vector<EtcdChunk> chunks;
  size_t bytes = 0;
  for (const std::string& line : lines) {
    if (chunks.empty() || chunks.back().lines.size() >= limits::etcd_value_lines_max ||
        bytes + line.size() > limits::etcd_value_bytes_max) {
      chunks.push_back({.first = first});
      bytes = 0;
    }
    chunks.back().lines.push_back(line);
    bytes += line.size();
    end_bytes += line.size();
    chunks.back().end_bytes = end_bytes;
    ++first;
  }
  return chunks;
}

std::string text_of(const EtcdChunk& chunk) {
  return fmt::format("{}\n{}", chunk.end_bytes, join_lines(chunk.lines));
}

Result<EtcdChunk> parse_chunk(std::string_view key, std::string_view text) {
  EtcdChunk chunk;
  const size_t end = text.find('\n');
  if (end == std::string_view::npos || !read_number(key, 16, &chunk.first) ||
      !read_number(text.substr(0, end), 10, &chunk.end_bytes) || chunk.first == 0) {
    return is_damaged(fmt::format("a part of the log ({})", key));
  }
  chunk.lines = split_lines(text.substr(end + 1));
  if (chunk.lines.empty() || chunk.lines.size() > limits::etcd_value_lines_max) {
    return is_damaged(fmt::format("a part of the log ({})", key));
  }
  return chunk;
}

std::string join_lines(std::span<const std::string> lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += line;
    text += '\n';
  }
  return text;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace murder::store
