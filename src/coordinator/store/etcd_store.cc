#include "coordinator/store/etcd_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "coordinator/store/audit_trim.h"
#include "coordinator/store/bounds.h"
#include "coordinator/store/etcd_log_reader.h"
#include "engine/base/ensure.h"

namespace murder::store {

EtcdStore::EtcdStore(std::vector<std::string> endpoints, EtcdKeys keys, Access access)
    : keys_(std::move(keys)),
      access_(access),
      client_(std::move(endpoints)),
      lead_(client_, keys_.leader()),
      blobs_(client_, lead_, keys_) {}

std::string EtcdStore::name() const {
  std::string list;
  for (const std::string& endpoint : client_.endpoints()) {
    list += (list.empty() ? "" : ", ") + endpoint;
  }
  return fmt::format("{} in etcd ({})", keys_.prefix, list);
}

Error EtcdStore::in_context(const Error& error) const {
  return {error.code, fmt::format("{}: {}", keys_.prefix, error.text)};
}

Status EtcdStore::settle(const Status& done) {
  if (done) {
    return {};
  }
  // What was sent may still take place.
  must_fence_ = true;
  if (is_leading() && !lead_.is_held()) {
    lose_lead();
  }
  return fail(in_context(done.error()));
}

// --- who leads ---

Result<bool> EtcdStore::take_lead(std::string_view own_address) {
  if (access_ == Access::look) {
    return fail(ErrorCode::unsupported, name() + ": was opened to be read only");
  }
  Result<bool> leads = lead_.take(own_address);
  if (!leads) {
    return fail(in_context(leads.error()));
  }
  // A new lead has a new revision: what another one or an earlier lead sent has no effect.
  must_fence_ = false;
  has_cleaned_ = false;
  return leads;
}

Result<bool> EtcdStore::renew_lead() {
  Result<bool> leads = lead_.renew();
  return leads ? leads : fail(in_context(leads.error()));
}

std::string EtcdStore::leader_address() {
  if (access_ == Access::look) {
    static_cast<void>(lead_.look());
  }
  return lead_.holder_address();
}

// --- reading ---

Status EtcdStore::read_head() {
  const Result<EtcdValues> found = client_.range({.from = keys_.head()});
  if (!found) {
    return fail(found.error());
  }
  head_ = {};
  head_revision_ = 0;
  if (found->values.empty()) {
    return {};
  }
  Result<EtcdHead> head = parse_head(found->values.front().value);
  if (!head) {
    return fail(head.error());
  }
  head_ = std::move(*head);
  head_revision_ = found->values.front().mod_revision;
  return {};
}

Result<RecordStore::Loaded> EtcdStore::read_all() {
  Status ready;
  if (is_leading() && must_fence_) {
    ready = lead_.fence_off_earlier();
    must_fence_ = !ready.has_value();
  }
  if (ready) {
    ready = read_head();
  }
  if (ready && is_leading() && !has_cleaned_) {
    ready = remove_leftovers();
    has_cleaned_ = ready.has_value();
  }
  if (!ready) {
    return fail(settle(ready).error());
  }
  Result<Loaded> loaded = read_whole();
  if (!loaded) {
    return fail(settle(fail(loaded.error())).error());
  }
  return loaded;
}

Result<RecordStore::Loaded> EtcdStore::read_whole() {
  // Whoever only looks may find that a new snapshot took the place of the one that the head named.
  constexpr int attempts_max = 5;
  for (int attempt = 1;; ++attempt) {
    Loaded loaded{.last_number = head_.last};
    Result<std::string> snapshot = blobs_.read(head_.snapshot);
    Status done = snapshot ? Status() : Status(fail(snapshot.error()));
    if (done) {
      loaded.lines = split_lines(*snapshot);
      loaded.snapshot_lines = loaded.lines.size();
      done = read_log(head_.covered + 1, head_.last, &loaded.lines);
    }
    if (done) {
      return loaded;
    }
    const uint64_t revision = head_revision_;
    const bool is_damage = done.error().code == ErrorCode::not_found;
    if (!is_damage || attempt == attempts_max) {
      return fail(done.error());
    }
    if (Status again = read_head(); !again) {
      return fail(again.error());
    }
    if (head_revision_ == revision) {
      return fail(ErrorCode::invalid_input,
                  done.error().text + ": restore a snapshot of etcd (docs/state.md)");
    }
  }
}

Status EtcdStore::read_log(uint64_t from, uint64_t last, std::vector<std::string>* lines) {
  uint64_t expected = from;
  const Status done = read_chunks(client_, keys_, from, last, [&](EtcdChunk chunk) {
    if (chunk.first != expected) {
      return false;
    }
    expected = chunk.last() + 1;
    std::move(chunk.lines.begin(), chunk.lines.end(), std::back_inserter(*lines));
    return true;
  });
  if (done && expected != last + 1) {
    return fail(ErrorCode::not_found, fmt::format("record {} is missing", expected));
  }
  return done;
}

// What a leader left that was killed between the parts of something large.
Status EtcdStore::remove_leftovers() {
  EtcdTransaction transaction;
  transaction.erase(keys_.log(head_.last + 1), keys_.log_end());
  Status done = lead_.write_while(std::move(transaction), keys_.head(), head_revision_);
  if (!done) {
    return done;
  }
  const Result<std::vector<EtcdValue>> torrents = read_torrent_keys();
  if (!torrents) {
    return fail(torrents.error());
  }
  std::vector<std::string> kept = {head_.snapshot.id};
  for (const EtcdValue& torrent : *torrents) {
    const Result<EtcdBlob> blob = parse_blob(torrent.value);
    if (!blob) {
      return fail(blob.error());
    }
    kept.push_back(blob->id);
  }
  std::sort(kept.begin(), kept.end());
  return blobs_.erase_others(kept);
}

// --- records ---

Status EtcdStore::commit_head(EtcdTransaction transaction, EtcdHead head) {
  Result<std::string> id = unused_id();
  if (!id) {
    return fail(id.error());
  }
  head.id = std::move(*id);
  const Result<uint64_t> revision =
      lead_.write_with(std::move(transaction), keys_.head(), head_revision_, text_of(head));
  if (!revision) {
    return fail(revision.error());
  }
  head_ = std::move(head);
  head_revision_ = *revision;
  return {};
}

Status EtcdStore::write_records(std::span<const std::string> lines) {
  return settle(append_chunks(lines));
}

Status EtcdStore::append_chunks(std::span<const std::string> lines) {
  ENSURE(head_.last == last_number());
  EtcdHead head = head_;
  EtcdTransaction transaction;
  size_t bytes = 0;
  for (const EtcdChunk& chunk : chunks_of(lines, head_.last + 1, head_.end_bytes)) {
    const std::string text = text_of(chunk);
    // One operation is left for the head.
    if (bytes > 0 && (bytes + text.size() > limits::etcd_request_bytes_max ||
                      transaction.operation_count() + 2 > limits::etcd_request_operations_max)) {
      Status done = lead_.write_while(std::exchange(transaction, {}), keys_.head(), head_revision_);
      if (!done) {
        return done;
      }
      bytes = 0;
    }
    transaction.put(keys_.log(chunk.first), text);
    bytes += text.size();
    head.last = chunk.last();
    head.end_bytes = chunk.end_bytes;
  }
  ENSURE(head.last == last_number() + lines.size());
  return commit_head(std::move(transaction), std::move(head));
}

Status EtcdStore::replace_snapshot(std::span<const std::string> lines) {
  return settle(put_snapshot(lines));
}

Status EtcdStore::put_snapshot(std::span<const std::string> lines) {
  Result<EtcdBlob> blob = blobs_.write(join_lines(lines));
  if (!blob) {
    return fail(blob.error());
  }
  EtcdHead head = head_;
  const EtcdBlob before = std::exchange(head.snapshot, std::move(*blob));
  head.covered = head.last;
  if (Status done = commit_head({}, std::move(head)); !done) {
    return done;
  }
  // The snapshot is there. What goes wrong from here on leaves leftovers, unless the lead is lost.
  Status done = blobs_.erase(before);
  if (done) {
    done = trim_audit();
  }
  has_cleaned_ = has_cleaned_ && done;
  return done || lead_.is_held() ? Status() : done;
}

Status EtcdStore::trim_audit() {
  const Result<EtcdValues> oldest =
      client_.range({.from = keys_.log(0), .end = keys_.log_end(), .limit = 1, .keys_only = false});
  if (!oldest || oldest->values.empty()) {
    return oldest ? Status() : Status(fail(oldest.error()));
  }
  const Result<EtcdChunk> first = chunk_of(keys_, oldest->values.front());
  if (!first) {
    return fail(first.error());
  }
  const Result<uint64_t> kept =
      first_kept({.first = first->first,
                  .last = head_.last,
                  .covered = head_.covered,
                  .records_max = limits::etcd_audit_records_max,
                  .bytes_max = limits::etcd_audit_bytes_max},
                 [this](uint64_t number) -> Result<uint64_t> {
                   // Of the first chunk from there on, which is close enough.
                   uint64_t end_bytes = head_.end_bytes;
                   const Status done =
                       read_chunks(client_, keys_, number, head_.last, [&](const EtcdChunk& chunk) {
                         end_bytes = chunk.end_bytes;
                         return false;
                       });
                   return done ? Result<uint64_t>(end_bytes) : fail(done.error());
                 });
  if (!kept) {
    return fail(kept.error());
  }
  if (*kept <= first->last()) {
    return {};
  }
  const Result<uint64_t> begin = first_chunk_for(*kept);
  if (!begin) {
    return fail(begin.error());
  }
  EtcdTransaction transaction;
  transaction.erase(keys_.log(0), keys_.log(*begin));
  return lead_.write(std::move(transaction));
}

// The number that the chunk with this record begins with.
Result<uint64_t> EtcdStore::first_chunk_for(uint64_t number) {
  const uint64_t least =
      number > limits::etcd_value_lines_max ? number - limits::etcd_value_lines_max + 1 : 1;
  const Result<EtcdValues> found =
      client_.range({.from = keys_.log(least), .end = keys_.log(number + 1), .keys_only = true});
  if (!found) {
    return fail(found.error());
  }
  if (found->values.empty()) {
    return number;
  }
  // The key alone is looked at: the text stands in for the value that was not asked for.
  EtcdValue last = found->values.back();
  last.value = "0\n.";
  const Result<EtcdChunk> chunk = chunk_of(keys_, last);
  return chunk ? Result<uint64_t>(chunk->first) : fail(chunk.error());
}

Result<std::vector<AuditLine>> EtcdStore::read_records(uint64_t from, size_t max) {
  // The head that the leader keeps is not to change in passing.
  const Result<EtcdValues> found = client_.range({.from = keys_.head()});
  if (!found) {
    return fail(in_context(found.error()));
  }
  const Result<EtcdHead> head =
      found->values.empty() ? EtcdHead{} : parse_head(found->values.front().value);
  if (!head) {
    return fail(in_context(head.error()));
  }
  std::vector<AuditLine> lines;
  if (from > head->last) {
    return lines;
  }
  const Result<uint64_t> begin = first_chunk_for(from);
  if (!begin) {
    return fail(in_context(begin.error()));
  }
  size_t bytes = 0;
  const Status done = read_chunks(client_, keys_, *begin, head->last, [&](const EtcdChunk& chunk) {
    for (size_t index = 0; index < chunk.lines.size(); ++index) {
      const uint64_t number = chunk.first + index;
      if (lines.size() == max || bytes >= limits::store_audit_read_bytes_max) {
        return false;
      }
      if (number >= from) {
        lines.push_back({.number = number, .line = chunk.lines[index]});
        bytes += chunk.lines[index].size();
      }
    }
    return lines.size() < max;
  });
  return done ? Result<std::vector<AuditLine>>(std::move(lines)) : fail(in_context(done.error()));
}

}  // namespace murder::store
