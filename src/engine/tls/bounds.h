// Bounds of encryption: RFC 8446, sections 5.1, 5.2 and 5.5, and what no peer of ours goes past.
#pragma once

#include <cstddef>
#include <cstdint>

namespace murder::limits {

inline constexpr size_t tls_record_head_bytes = 5;
inline constexpr size_t tls_tag_bytes = 16;
inline constexpr size_t tls_plain_bytes_max = 16 * 1024;  // of a record, without its type
inline constexpr size_t tls_overhead_bytes = tls_record_head_bytes + 1 + tls_tag_bytes;
inline constexpr size_t tls_sealed_bytes_max = tls_plain_bytes_max + tls_overhead_bytes;
// What others may pad a record to.
inline constexpr size_t tls_record_bytes_max = tls_record_head_bytes + tls_plain_bytes_max + 256;

// A key is used for that much, or that many records, then the next one is taken.
inline constexpr uint64_t tls_rekey_bytes = uint64_t{1} << 30U;
inline constexpr uint64_t tls_rekey_bytes_min = uint64_t{16} << 20U;  // each may cost a connection
inline constexpr uint64_t tls_rekey_records = uint64_t{1} << 20U;
// A key that the other side uses for more records than AES-GCM is safe for is an error.
inline constexpr uint64_t tls_records_per_key_max = uint64_t{1} << 24U;
// Records in a row that bring no data.
inline constexpr uint32_t tls_idle_records_max = 32;
// Of all that the other side sends before the first record of data. A handshake with a key that
// both have takes some 500 bytes.
inline constexpr size_t tls_handshake_bytes_max = 4096;

// --- https ---
inline constexpr long certificates_bytes_max = 64 * 1024;  // of a server, all that it shows
inline constexpr size_t pins_max = 8;
// Of all that a client sends before it is known to speak TLS: some 600 bytes, and 64 in the end.
inline constexpr size_t tls_client_hello_bytes_max = 16 * 1024;
inline constexpr size_t kept_sessions_max = 16;  // of servers, some KiB each
// For so long a client comes back without a whole handshake; a peer announces each 30 minutes.
inline constexpr long tls_ticket_lasts_s = 2L * 60 * 60;

}  // namespace murder::limits
