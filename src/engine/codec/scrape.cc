#include <algorithm>

#include "engine/codec/announce.h"
#include "engine/codec/bencode.h"
#include "engine/codec/bounds.h"
#include "engine/codec/query.h"

namespace murder::codec {
namespace {

uint32_t count_of(const BencodeValue& entry, std::string_view key) {
  const int64_t value = entry.find_integer(key).value_or(0);
  return static_cast<uint32_t>(std::clamp<int64_t>(value, 0, UINT32_MAX));
}

}  // namespace

std::optional<std::string> scrape_target(const Url& tracker,
                                         std::span<const InfoHash> info_hashes) {
  constexpr std::string_view announce = "announce";
  const size_t segment = tracker.path.rfind('/') + 1;
  if (tracker.path.compare(segment, announce.size(), announce) != 0) {
    return std::nullopt;
  }
  std::string query = tracker.query;
  for (const InfoHash& info_hash : info_hashes) {
    append_query(query, "info_hash", as_text_of(info_hash.bytes));
  }
  const std::string path =
      tracker.path.substr(0, segment) + "scrape" + tracker.path.substr(segment + announce.size());
  return query.empty() ? path : path + "?" + query;
}

Result<std::vector<InfoHash>> decode_scrape_query(std::string_view query) {
  std::vector<InfoHash> info_hashes;
  QueryPairs pairs(query);
  while (const std::optional<QueryPair> pair = pairs.next()) {
    if (pair->key != "info_hash") {
      continue;
    }
    const Result<std::string> value = percent_decode(pair->value);
    const std::optional<InfoHash> info_hash =
        value ? InfoHash::from_bytes(as_bytes_of(*value)) : std::nullopt;
    if (!info_hash) {
      return fail(ErrorCode::invalid_input, "malformed info_hash");
    }
    if (info_hashes.size() == limits::scrape_hashes_max) {
      return fail(ErrorCode::limit, "too many info_hash in one scrape");
    }
    info_hashes.push_back(*info_hash);
  }
  return info_hashes;
}

std::string encode_scrape_reply(const ScrapeReply& reply) {
  BencodeWriter writer;
  writer.begin_dictionary();
  if (!reply.failure_reason.empty()) {
    writer.key("failure reason");
    writer.string(reply.failure_reason);
    writer.end();
    return writer.take();
  }
  std::vector<ScrapeEntry> entries = reply.entries;
  std::stable_sort(entries.begin(), entries.end(), [](const ScrapeEntry& a, const ScrapeEntry& b) {
    return a.info_hash < b.info_hash;
  });
  const auto twins = std::unique(
      entries.begin(), entries.end(),
      [](const ScrapeEntry& a, const ScrapeEntry& b) { return a.info_hash == b.info_hash; });
  entries.erase(twins, entries.end());
  writer.key("files");
  writer.begin_dictionary();
  for (const ScrapeEntry& entry : entries) {
    writer.key(as_text_of(entry.info_hash.bytes));
    writer.begin_dictionary();
    writer.key("complete");
    writer.integer(entry.complete);
    writer.key("downloaded");
    writer.integer(entry.downloaded);
    writer.key("incomplete");
    writer.integer(entry.incomplete);
    writer.end();
  }
  writer.end();
  writer.end();
  return writer.take();
}

Result<ScrapeReply> decode_scrape_reply(std::span<const uint8_t> body) {
  const Result<BencodeValue> root = decode_bencode_prefix(body);
  if (!root || !root->is_dictionary()) {
    return fail(ErrorCode::invalid_input, "the tracker's scrape is no bencoded dictionary");
  }
  ScrapeReply reply;
  if (const auto reason = root->find_text("failure reason")) {
    reply.failure_reason = reason->empty() ? "no reason given" : *reason;
    return reply;
  }
  const std::optional<BencodeValue> files = root->find("files");
  if (!files || !files->is_dictionary()) {
    return fail(ErrorCode::invalid_input, "the tracker's scrape has no files");
  }
  BencodeEntries entries = files->entries();
  while (const std::optional<BencodeEntry> entry = entries.next()) {
    if (const std::optional<InfoHash> info_hash = InfoHash::from_bytes(as_bytes_of(entry->key))) {
      reply.entries.push_back({.info_hash = *info_hash,
                               .complete = count_of(entry->value, "complete"),
                               .downloaded = count_of(entry->value, "downloaded"),
                               .incomplete = count_of(entry->value, "incomplete")});
    }
  }
  return reply;
}

}  // namespace murder::codec
