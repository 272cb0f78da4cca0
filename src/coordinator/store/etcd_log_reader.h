// Reads the log's keys page by page. For the sources of this layer.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "coordinator/store/bounds.h"
#include "coordinator/store/etcd_client.h"
#include "coordinator/store/etcd_log_text.h"

namespace murder::store {

[[nodiscard]] inline Result<EtcdChunk> chunk_of(const EtcdKeys& keys, const EtcdValue& value) {
  return parse_chunk(std::string_view(value.key).substr(keys.log(0).size() - 16), value.value);
}

// Calls take(EtcdChunk) for each chunk whose key is from `from` to `last`, ascending, until it
// returns false. Values differ in size by a factor of a thousand: how many are asked for at a time
// follows what came.
template <typename Take>
[[nodiscard]] Status read_chunks(EtcdClient& client, const EtcdKeys& keys, uint64_t from,
                                 uint64_t last, Take&& take) {
  constexpr size_t page_bytes_wanted = size_t{1} << 20U;
  const std::string end = keys.log(last + 1);
  std::string next = keys.log(from);
  uint64_t limit = 8;
  while (next < end) {
    const Result<EtcdValues> page = client.range({.from = next, .end = end, .limit = limit});
    if (!page && page.error().code == ErrorCode::limit && limit > 1) {
      limit /= 2;
      continue;
    }
    if (!page) {
      return fail(page.error());
    }
    size_t bytes = 0;
    for (const EtcdValue& value : page->values) {
      Result<EtcdChunk> chunk = chunk_of(keys, value);
      if (!chunk) {
        return fail(chunk.error());
      }
      bytes += value.value.size();
      if (!take(std::move(*chunk))) {
        return {};
      }
      next = value.key + '\0';
    }
    if (page->values.empty() || !page->has_more) {
      return {};
    }
    limit = bytes < page_bytes_wanted ? std::min(limit * 2, limits::etcd_page_keys_max)
                                      : std::max<uint64_t>(limit / 2, 1);
  }
  return {};
}

}  // namespace murder::store
