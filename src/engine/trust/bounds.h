// Bounds of what is signed, of what says who may sign, and of the fleet's keys.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "engine/base/instant.h"
#include "engine/codec/bounds.h"

namespace murder::limits {

// --- Statements and signatures -------------------------------------------------------------------

// Of one statement and its signatures in a torrent: engine/codec/bounds.h.
inline constexpr size_t application_bytes_max = 200;
// In base64 with line breaks, with what stands around it.
inline constexpr size_t armour_bytes_max = 2 * signature_bytes_max;
inline constexpr size_t signature_file_bytes_max =
    statement_bytes_max + signatures_max * armour_bytes_max;
inline constexpr size_t namespace_bytes_max = 256;

// --- Keys ----------------------------------------------------------------------------------------

inline constexpr uint32_t rsa_bits_min = 2048;
inline constexpr uint32_t rsa_bits_max = 16384;  // what OpenSSL verifies
inline constexpr size_t rsa_exponent_bytes_max = 8;
inline constexpr size_t key_application_bytes_max = 1024;  // of a token's key: "ssh:"

// Of one line with a key and its comment: an RSA key of 16384 bits in base64, and room.
inline constexpr size_t key_line_bytes_max = 8 * 1024;
inline constexpr size_t private_key_file_bytes_max = 16 * 1024;

inline constexpr size_t certificate_principals_max = 256;
inline constexpr size_t certificate_name_bytes_max = 1024;  // a principal, or its key id
inline constexpr size_t certificate_options_max = 64;

// --- allowed_signers -----------------------------------------------------------------------------

inline constexpr size_t allowed_signers_bytes_max = 1024 * 1024;
inline constexpr size_t allowed_signers_max = 4096;
inline constexpr size_t pattern_bytes_max = 1022;  // as OpenSSH: a longer one matches nothing

// --- Agents --------------------------------------------------------------------------------------

inline constexpr size_t proof_name_bytes_max = 253;  // of hosts and coordinators: a DNS name
inline constexpr size_t agent_nonce_digits = 64;
// Agents that wait for an operator, at a coordinator.
inline constexpr size_t enrolments_waiting_max = 4096;
inline constexpr size_t order_group_bytes_max = 64;
inline constexpr size_t outcome_reason_bytes_max = 32;
// Of one application, remembered by a host; the oldest are forgotten first.
inline constexpr size_t orders_revoked_max = 256;
inline constexpr size_t order_applications_max = 1024;
inline constexpr size_t order_marks_bytes_max = 16 * 1024 * 1024;

inline constexpr size_t known_hosts_bytes_max = 64 * 1024 * 1024;
inline constexpr size_t known_hosts_max = 262'144;              // lines with a key
inline constexpr size_t known_host_names_bytes_max = 8 * 1024;  // of one line

// --- The fleet's keys ----------------------------------------------------------------------------

// Valid at a time, so that one can take the place of another while hosts run.
inline constexpr uint32_t fleet_keys_max = 2;
inline constexpr size_t fleet_key_file_bytes_max = 4096;
// How far the clocks of a tracker and of who asks it may differ.
inline constexpr uint64_t token_skew_s_max = 300;
// A peer that does not prove the fleet key by then is closed.
inline constexpr Duration peer_proof_timeout = std::chrono::seconds(3);

}  // namespace murder::limits
