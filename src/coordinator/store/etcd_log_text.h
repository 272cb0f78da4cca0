// What a state consists of in etcd, as keys and values. Pure. docs/state.md tells them to people.
//
//   PREFIX leader            who leads, bound to a lease
//   PREFIX head              how far the log goes, and which snapshot it begins with: EtcdHead
//   PREFIX log/FIRST         records from that number on (16 hexadecimal digits): EtcdChunk
//   PREFIX blob/ID/PART      the parts of a snapshot or a torrent
//   PREFIX torrent/HASH      which blob is the torrent: EtcdBlob
//
// What is in the log behind `last` of the head, and blobs that nothing names, were left by a leader
// that was killed: nobody reads them, and the next leader removes them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace murder::store {

struct EtcdBlob {
  std::string id;  // empty: none
  uint64_t part_count = 0;
  uint64_t bytes = 0;
};

struct EtcdHead {
  std::string id;  // of the change that wrote it: nobody else has it
  uint64_t last = 0;
  uint64_t end_bytes = 0;  // of all records, in the life of the state
  uint64_t covered = 0;    // the last record that the snapshot stands for
  EtcdBlob snapshot;
};

struct EtcdChunk {
  uint64_t first = 0;
  uint64_t end_bytes = 0;  // of all records up to the last of these
  std::vector<std::string> lines;

  [[nodiscard]] uint64_t last() const { return first + lines.size() - 1; }
};

// Keys begin with it: "murder/" or "murder/NAME/".
struct EtcdKeys {
  std::string prefix;

  [[nodiscard]] std::string leader() const { return prefix + "leader"; }
  [[nodiscard]] std::string head() const { return prefix + "head"; }
  [[nodiscard]] std::string log(uint64_t first) const;
  [[nodiscard]] std::string log_end() const { return prefix + "log0"; }  // '0' follows '/'
  [[nodiscard]] std::string blobs() const { return prefix + "blob/"; }
  [[nodiscard]] std::string blob(std::string_view id) const;
  [[nodiscard]] std::string blob_part(std::string_view id, uint64_t part) const;
  [[nodiscard]] std::string torrents() const { return prefix + "torrent/"; }
};

[[nodiscard]] std::string text_of(const EtcdBlob& blob);
[[nodiscard]] Result<EtcdBlob> parse_blob(std::string_view text);

// Error unsupported: a newer version wrote it.
[[nodiscard]] std::string text_of(const EtcdHead& head);
[[nodiscard]] Result<EtcdHead> parse_head(std::string_view text);

// Lines as values of bounded size; `end_bytes` is of all records before.
[[nodiscard]] std::vector<EtcdChunk> chunks_of(std::span<const std::string> lines, uint64_t first,
                                               uint64_t end_bytes);
[[nodiscard]] std::string text_of(const EtcdChunk& chunk);
// `key` is what follows PREFIX log/.
[[nodiscard]] Result<EtcdChunk> parse_chunk(std::string_view key, std::string_view text);

// Lines as one text, and back.
[[nodiscard]] std::string join_lines(std::span<const std::string> lines);
[[nodiscard]] std::vector<std::string> split_lines(std::string_view text);

}  // namespace murder::store
