// Fuzzes what a tracker reads and what it answers. The first byte chooses.

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/ensure.h"
#include "engine/codec/announce.h"
#include "engine/codec/bencode.h"

using namespace murder;
using namespace murder::codec;

namespace {

void check_announce_query(std::string_view query) {
  const Result<AnnounceRequest> request = decode_announce_query(query);
  if (request) {
    const Result<AnnounceRequest> again = decode_announce_query(encode_announce_query(*request));
    ENSURE(again && *again == *request);
  }
}

bool is_short_line(std::string_view text) {
  constexpr size_t escape_bytes_max = 4;  // \xFF for a byte
  constexpr size_t ellipsis_bytes = 4;
  return text.size() <= escape_bytes_max * limits::tracker_text_bytes_max + ellipsis_bytes &&
         std::all_of(text.begin(), text.end(), [](char each) {
           const auto byte = static_cast<uint8_t>(each);
           return byte >= 0x20 && byte != 0x7F;
         });
}

void check_announce_reply(std::span<const uint8_t> body) {
  const Result<AnnounceReply> reply = decode_announce_reply(body);
  if (!reply) {
    return;
  }
  AnnounceReply expected = *reply;
  if (!expected.failure_reason.empty() && expected.retry_never) {
    expected.retry_in_minutes.reset();
  }
  const auto reread = [&](PeerListForm form) {
    return decode_announce_reply(as_bytes_of(encode_announce_reply(*reply, form)));
  };
  const Result<AnnounceReply> listed = reread(PeerListForm::list);
  ENSURE(listed);
  // Texts are one line for people: reading them escapes what is not printable, their escapes too.
  for (const auto text : {&AnnounceReply::failure_reason, &AnnounceReply::warning_message}) {
    ENSURE(is_short_line(expected.*text) && is_short_line((*listed).*text));
    ENSURE((expected.*text).empty() == ((*listed).*text).empty());
    expected.*text = (*listed).*text;
  }
  ENSURE(*listed == expected);
  const Result<AnnounceReply> compact = reread(PeerListForm::compact);
  ENSURE(compact && compact->peers.size() == expected.peers.size());
}

void check_scrape(std::string_view text) {
  const Result<std::vector<InfoHash>> info_hashes = decode_scrape_query(text);
  if (!info_hashes) {
    return;
  }
  ScrapeReply reply;
  for (const InfoHash& info_hash : *info_hashes) {
    reply.entries.push_back({.info_hash = info_hash});
  }
  ENSURE(decode_bencode(as_bytes_of(encode_scrape_reply(reply))));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::span<const uint8_t> rest(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      check_announce_query(as_text_of(rest));
      break;
    case 1:
      check_announce_reply(rest);
      break;
    default:
      check_scrape(as_text_of(rest));
      break;
  }
  return 0;
}
