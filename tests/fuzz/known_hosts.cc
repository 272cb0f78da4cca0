// Fuzzes known_hosts: whatever is in the file, a key that it does not hold is of no host, and
// looking for one that it holds ends.

#include <cstdint>
#include <string>

#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/trust/key_line.h"
#include "engine/trust/known_hosts.h"

using namespace murder;
using namespace murder::trust;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const PublicKey key = *parse_key_line(
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHpb0Xo4fOb/2G5KqPi8Hs95YA0yOqWTdLgC7+0UfQVu");
  const std::string_view text = as_text_of({data, size});
  const Result<KnownHosts> known = KnownHosts::parse(text);
  if (!known) {
    return 0;
  }
  // As base64 is read.
  std::string plain(text);
  std::erase(plain, '\r');
  const bool is_there = plain.find(
                            "AAAAC3NzaC1lZDI1NTE5AAAAIHpb0Xo4fOb/2G5KqPi8Hs95YA0yOqWTdL"
                            "gC7+0UfQVu") != std::string::npos;
  for (const std::string_view host : {"web7", "192.0.2.7", "", "WEB7,!web7"}) {
    for (const uint16_t port : {uint16_t{22}, uint16_t{2222}}) {
      ENSURE(!known->check(host, port, key) || is_there);
    }
  }
  return 0;
}
