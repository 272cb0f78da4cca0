// Fuzzes key files: what is taken is written and read again as the same, errors name the file and
// repeat no key.

#include <string>
#include <string_view>

#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/trust/fleet_key.h"

using namespace murder;
using namespace murder::trust;

namespace {

std::string lines_of(const KeyPair& pair, KeyKind kind) {
  std::string lines;
  for (const Secret& secret : pair.all()) {
    lines += key_text(kind, secret) + "\n";
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = as_text_of({data, size});
  if (const Result<TypedKey> key = parse_key(text)) {
    ENSURE(key_text(key->kind, key->secret) == text);
  }
  const Result<FleetKeys> keys = parse_fleet_keys(text, "FILE");
  if (!keys) {
    ENSURE(keys.error().text.starts_with("FILE"));
    ENSURE(keys.error().text.size() < 200);
    return 0;
  }
  ENSURE(keys->fleet.count >= 1 && keys->fleet.count <= limits::fleet_keys_max);
  const Result<FleetKeys> again = parse_fleet_keys(
      lines_of(keys->opener, KeyKind::opener) + lines_of(keys->fleet, KeyKind::fleet), "FILE");
  ENSURE(again && again->fleet.secrets == keys->fleet.secrets &&
         again->opener.secrets == keys->opener.secrets);
  return 0;
}
