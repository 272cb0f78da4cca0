// Bounds of what a coordinator keeps for good.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/instant.h"

namespace murder::limits {

// Records that a snapshot stands for stay for the audit, the latest so many; the oldest go first.
inline constexpr uint64_t store_audit_records_max = 1'000'000;
inline constexpr uint64_t store_audit_bytes_max = 256ULL * 1024 * 1024;
// Of one read_audit().
inline constexpr size_t store_audit_read_lines_max = 10'000;
inline constexpr size_t store_audit_read_bytes_max = size_t{8} * 1024 * 1024;

inline constexpr uint64_t store_torrent_bytes_max = 256ULL * 1024 * 1024;
inline constexpr uint32_t store_torrents_max = 10'000;
// Of the address that a coordinator tells others about.
inline constexpr size_t store_address_bytes_max = 300;

// A snapshot is due after so many records, and not before there are more than it has lines.
inline constexpr uint64_t store_snapshot_records_min = 1000;

// --- etcd ---------------------------------------------------------------------------------------

// etcd takes requests of up to 1.5 MiB and 128 operations; a database has 2 GiB unless told so.
inline constexpr size_t etcd_value_bytes_max = size_t{256} * 1024;
inline constexpr size_t etcd_request_bytes_max = size_t{1024} * 1024;  // of values
inline constexpr size_t etcd_request_operations_max = 64;
inline constexpr uint64_t etcd_value_lines_max = 1024;
static_assert(etcd_value_bytes_max >= 64 * 1024 && etcd_value_bytes_max <= etcd_request_bytes_max);
inline constexpr uint64_t etcd_reply_bytes_max = 24ULL * 1024 * 1024;
inline constexpr uint64_t etcd_page_keys_max = 512;
inline constexpr size_t etcd_endpoints_max = 16;
inline constexpr size_t etcd_name_bytes_max = 64;  // of a state among others
inline constexpr uint64_t etcd_audit_records_max = 200'000;
inline constexpr uint64_t etcd_audit_bytes_max = 64ULL * 1024 * 1024;
inline constexpr uint64_t etcd_blob_bytes_max = 64ULL * 1024 * 1024;  // a torrent, or a snapshot

// Whoever leads and is not heard of for so long loses the lead. With an election of etcd's own
// (2 s) and the second in which others ask, another one leads within 10 s.
inline constexpr Duration etcd_lease = std::chrono::seconds(4);
// One attempt at one server, for what the lead depends on and for all else.
inline constexpr Duration etcd_lead_attempt = std::chrono::milliseconds(1200);
inline constexpr Duration etcd_attempt = std::chrono::seconds(2);
// All attempts together.
inline constexpr Duration etcd_lead_call = std::chrono::milliseconds(2500);
inline constexpr Duration etcd_call = std::chrono::seconds(8);
// A server that stands still does not cost the lead: it is renewed between two attempts.
static_assert(etcd_attempt + etcd_lease / 4 < etcd_lease);

}  // namespace murder::limits
