// What a connection of the server has more when it is encrypted, once its client said something.
// For the sources of this layer.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/base/instant.h"
#include "engine/tls/server_stream.h"

namespace murder::http {

struct SecureSide {
  tls::ServerStream stream;
  Instant until;            // the handshake is over by then
  std::string sealed = {};  // of what stream has for the socket, the part that is being sent
  size_t sent_bytes = 0;    // of it

  [[nodiscard]] size_t unsent_bytes() const {
    return sealed.size() - sent_bytes + stream.output_bytes();
  }
  [[nodiscard]] bool can_write() const {
    return stream.state() == tls::ServerStream::State::open ||
           stream.state() == tls::ServerStream::State::ended;
  }
};

}  // namespace murder::http
