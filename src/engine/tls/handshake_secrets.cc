#include "engine/tls/handshake_secrets.h"

#include <string_view>

namespace murder::tls {
namespace {

int digit_of(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

// `text` is 64 hexadecimal digits.
bool read_secret(std::string_view text, TrafficSecret& secret) {
  if (text.size() != 2 * secret.size()) {
    return false;
  }
  for (size_t index = 0; index < secret.size(); ++index) {
    const int high = digit_of(text[2 * index]);
    const int low = digit_of(text[2 * index + 1]);
    if (high < 0 || low < 0) {
      return false;
    }
    secret[index] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

}  // namespace

void HandshakeSecrets::note(const char* line) {
  const std::string_view text = line;
  const size_t name_end = text.find(' ');
  const size_t secret_begin = text.rfind(' ');
  if (name_end == std::string_view::npos) {
    return;
  }
  const std::string_view name = text.substr(0, name_end);
  const std::string_view secret = text.substr(secret_begin + 1);
  if (name == "CLIENT_TRAFFIC_SECRET_0") {
    has_client = read_secret(secret, traffic.client);
  } else if (name == "SERVER_TRAFFIC_SECRET_0") {
    has_server = read_secret(secret, traffic.server);
  }
}

}  // namespace murder::tls
