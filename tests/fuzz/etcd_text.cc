// Fuzzes what comes from etcd, and the text that names its servers. The first byte says what the
// rest is. What was understood is written and understood again as the same.

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "coordinator/store/etcd_log_text.h"
#include "coordinator/store/etcd_text.h"
#include "coordinator/store/open_store.h"
#include "engine/base/ensure.h"
#include "engine/base/json.h"
#include "engine/base/types.h"

using namespace murder;
using namespace murder::store;

namespace {

void read_reply(std::string_view text) {
  ENSURE(read_error_text(text).size() <= 300);
  const Result<Json> json = parse_json(text);
  if (!json) {
    return;
  }
  const Result<EtcdValues> values = read_range(*json);
  ENSURE(values || !values.error().text.empty());
  const Result<EtcdOutcome> outcome = read_outcome(*json);
  ENSURE(outcome || !outcome.error().text.empty());
  ENSURE(!outcome || !outcome->succeeded || outcome->instead.empty());
  (void)read_lease_id(*json);
  (void)read_lease_is_kept(*json);
}

void read_chunk(std::string_view text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const Result<EtcdChunk> chunk =
      parse_chunk(text.substr(0, end), text.substr(std::min(end + 1, text.size())));
  if (!chunk) {
    ENSURE(!chunk.error().text.empty());
    return;
  }
  ENSURE(chunk->first > 0 && !chunk->lines.empty());
  const std::string key = EtcdKeys{}.log(chunk->first).substr(4);
  const Result<EtcdChunk> again = parse_chunk(key, text_of(*chunk));
  ENSURE(again && again->first == chunk->first && again->end_bytes == chunk->end_bytes &&
         again->lines == chunk->lines);
}

void read_head(std::string_view text) {
  const Result<EtcdHead> head = parse_head(text);
  ENSURE(head || !head.error().text.empty());
  if (head) {
    const Result<EtcdHead> again = parse_head(text_of(*head));
    ENSURE(again && text_of(*again) == text_of(*head) && again->covered <= again->last);
  }
  if (const Result<EtcdBlob> blob = parse_blob(text); blob) {
    const Result<EtcdBlob> again = parse_blob(text_of(*blob));
    ENSURE(again && again->id == blob->id && again->bytes == blob->bytes);
  }
}

void read_name(std::string_view text) {
  const auto store = open_store("etcd:" + std::string(text), Access::look);
  ENSURE(store ? !(*store)->name().empty() : !store.error().text.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text = as_text_of({data + 1, size - 1});
  switch (data[0] % 4) {
    case 0:
      read_reply(text);
      break;
    case 1:
      read_chunk(text);
      break;
    case 2:
      read_head(text);
      break;
    default:
      read_name(text);
      break;
  }
  return 0;
}
