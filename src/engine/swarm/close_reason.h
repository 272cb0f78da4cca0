// Why a connection to a peer ended: one list gives the enum, the text and the counter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace murder::swarm {

// clang-format off
#define MURDER_CLOSE_REASONS(entry)                                              \
  entry(stopping,            "we are stopping")                                  \
  entry(remote_closed,       "the peer closed the connection")                   \
  entry(dial_failed,         "could not connect")                                \
  entry(connection_lost,     "the connection broke")                             \
  entry(handshake_timeout,   "no handshake in time")                             \
  entry(not_bittorrent,      "not a BitTorrent handshake")                       \
  entry(unproven,            "did not prove the fleet key")                      \
  entry(transport_differs,   "speaks another --transport")                       \
  entry(changed_on_the_way,  "what it sent was changed on the way")              \
  entry(key_used_up,         "its key was used up")                              \
  entry(wrong_info_hash,     "another release (info hash)")                      \
  entry(self,                "connected to ourselves")                           \
  entry(duplicate,           "already connected to this peer")                   \
  entry(barred,              "sent wrong data before")                           \
  entry(both_complete,       "nothing to exchange: both have everything")        \
  entry(silent,              "silent for too long")                              \
  entry(requests_unanswered, "did not answer requests")                          \
  entry(protocol_error,      "broke the protocol")                               \
  entry(message_too_long,    "sent a message beyond the limit")                  \
  entry(unrequested_data,    "sent pieces nobody asked for")                     \
  entry(request_flood,       "asked for more than may be waiting")               \
  entry(message_flood,       "sent more messages than anybody needs")            \
  entry(grant_flood,         "granted more than anybody takes")                  \
  entry(too_slow,            "sent too little of what it granted")                \
  entry(wrong_data,          "sent data that does not match its hash")           \
  entry(not_reading,         "does not read what it is sent")                    \
  entry(too_many,            "no room for more connections")                     \
  entry(read_failed,         "could not read the archive")
// clang-format on

enum class CloseReason : uint8_t {
#define MURDER_CLOSE_REASON_NAME(name, text) name,
  MURDER_CLOSE_REASONS(MURDER_CLOSE_REASON_NAME)
#undef MURDER_CLOSE_REASON_NAME
};

inline constexpr size_t close_reason_count = 0
#define MURDER_CLOSE_REASON_ONE(name, text) +1
    MURDER_CLOSE_REASONS(MURDER_CLOSE_REASON_ONE)
#undef MURDER_CLOSE_REASON_ONE
    ;

// For people: "the peer closed the connection".
[[nodiscard]] std::string_view close_reason_text(CloseReason reason);
// For machines: "remote_closed".
[[nodiscard]] std::string_view close_reason_name(CloseReason reason);

}  // namespace murder::swarm
