// Fuzzes statements about releases: what is accepted has one spelling, and times too.

#include <cstdint>
#include <string>

#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/trust/statement.h"
#include "engine/trust/time_text.h"

using namespace murder;
using namespace murder::trust;

namespace {

int64_t utc(const CivilTime& time) {
  return seconds_of_utc(time);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = as_text_of({data, size});
  if (const Result<ReleaseStatement> statement = parse_statement(text)) {
    ENSURE(validate_statement(*statement).has_value());
    ENSURE(encode_statement(*statement) == text);
  }
  if (const std::optional<int64_t> time = parse_time_text(text)) {
    ENSURE(time_text_of(static_cast<uint64_t>(*time)) == text);
  }
  static_cast<void>(parse_compact_time(text, utc));
  return 0;
}
