#include "coordinator/store/etcd_blobs.h"

#include <fmt/format.h>

#include <algorithm>

#include "coordinator/store/bounds.h"
#include "engine/base/random_word.h"

namespace murder::store {

Result<std::string> unused_id() {
  const Result<uint64_t> word = random_word();
  if (!word) {
    return fail(word.error());
  }
  return fmt::format("{:016x}", *word);
}

Result<EtcdBlob> EtcdBlobs::write(std::string_view content) {
  if (content.size() > limits::etcd_blob_bytes_max) {
    return fail(ErrorCode::limit,
                fmt::format("{} bytes are more than are kept in etcd ({}): use a state in a "
                            "directory for such a fleet",
                            content.size(), limits::etcd_blob_bytes_max));
  }
  Result<std::string> id = unused_id();
  if (!id) {
    return fail(id.error());
  }
  EtcdBlob blob{.id = std::move(*id), .bytes = content.size()};
  while (!content.empty()) {
    EtcdTransaction transaction;
    for (size_t bytes = 0; !content.empty() && bytes < limits::etcd_request_bytes_max;
         bytes += limits::etcd_value_bytes_max) {
      const std::string_view part = content.substr(0, limits::etcd_value_bytes_max);
      transaction.put(keys_.blob_part(blob.id, blob.part_count++), part);
      content.remove_prefix(part.size());
    }
    if (Status written = lead_.write(std::move(transaction)); !written) {
      return fail(written.error());
    }
  }
  return blob;
}

Result<std::string> EtcdBlobs::read(const EtcdBlob& blob) {
  constexpr uint64_t parts_at_once = 16;
  std::string content;
  const std::string end = end_of_prefix(keys_.blob(blob.id));
  for (uint64_t part = 0; part < blob.part_count;) {
    const std::string from = keys_.blob_part(blob.id, part);
    const Result<EtcdValues> found =
        client_.range({.from = from, .end = end, .limit = parts_at_once});
    if (!found) {
      return fail(found.error());
    }
    for (const EtcdValue& value : found->values) {
      if (value.key == keys_.blob_part(blob.id, part)) {
        content += value.value;
        ++part;
      }
    }
    if (found->values.empty() || content.size() > blob.bytes) {
      break;
    }
  }
  if (content.size() != blob.bytes) {
    return fail(ErrorCode::not_found, fmt::format("parts of {} are missing", keys_.blob(blob.id)));
  }
  return content;
}

Status EtcdBlobs::erase(const EtcdBlob& blob) {
  if (blob.id.empty()) {
    return {};
  }
  const std::string from = keys_.blob(blob.id);
  EtcdTransaction transaction;
  transaction.erase(from, end_of_prefix(from));
  return lead_.write(std::move(transaction));
}

Status EtcdBlobs::erase_others(std::span<const std::string> kept) {
  std::string from = keys_.blobs();
  const std::string end = end_of_prefix(from);
  while (true) {
    const Result<EtcdValues> found =
        client_.range({.from = from, .end = end, .limit = 1, .keys_only = true});
    if (!found) {
      return fail(found.error());
    }
    if (found->values.empty()) {
      return {};
    }
    std::string id = found->values.front().key.substr(keys_.blobs().size());
    id.resize(std::min(id.find('/'), id.size()));
    if (!std::binary_search(kept.begin(), kept.end(), id)) {
      if (Status erased = erase({.id = id}); !erased) {
        return erased;
      }
    }
    from = end_of_prefix(keys_.blob(id));
  }
}

}  // namespace murder::store
