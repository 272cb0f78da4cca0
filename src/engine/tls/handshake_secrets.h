// The secrets of one handshake: the key that both sides have, and those that OpenSSL makes of it.
// OpenSSL hands this to our functions that it calls.
#pragma once

#include "engine/tls/traffic_keys.h"
#include "engine/trust/hmac.h"

namespace murder::tls {

struct HandshakeSecrets {
  trust::Secret key{};
  Traffic traffic;  // without its suite
  bool has_client = false;
  bool has_server = false;

  // A line of the format that NSS has for logs of keys: what it is, the client's random number, the
  // secret. It is the way in which OpenSSL gives secrets away.
  void note(const char* line);
};

}  // namespace murder::tls
