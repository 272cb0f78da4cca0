#include <algorithm>

#include "engine/codec/announce.h"
#include "engine/codec/bencode.h"
#include "engine/codec/bounds.h"
#include "engine/codec/query.h"

namespace murder::codec {

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

}  // namespace murder::codec
