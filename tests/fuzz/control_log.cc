// Fuzzes a coordinator's log, line by line: a record that is understood is written and understood
// again as the same, and a state that records make is whole, whatever they say. Where a log makes a
// state, its snapshot makes the same one, and a coordinator can go on with it.

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/control/apply.h"
#include "engine/control/coordinator.h"
#include "engine/control/snapshot.h"

using namespace murder;
using namespace murder::control;

namespace {

constexpr size_t records_max = 200;

void check_state(const State& state) {
  ensure_consistent(state);
  if (state.sequence == 0) {
    return;
  }
  const Result<State> again = replay(snapshot_of(state), Instant{});
  ENSURE(again.has_value());
  ENSURE(text_of(*again) == text_of(state));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest = as_text_of({data, size});
  State state;
  for (size_t count = 0; count < records_max && !rest.empty(); ++count) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const Result<Record> record = parse_record(line);
    if (!record) {
      ENSURE(!record.error().text.empty());
      continue;
    }
    const std::string text = text_of(*record);
    const Result<Record> again = parse_record(text);
    ENSURE(again && text_of(*again) == text);
    const Status done = apply(state, *record, Instant{});
    ENSURE(done || !done.error().text.empty());
  }
  if (state.loading_left > 0 || state.term == UINT64_MAX || state.sequence >= UINT64_MAX - 4096) {
    return 0;
  }
  check_state(state);
  Coordinator coordinator(state, 1, {.now = Instant(std::chrono::hours(1))});
  (void)coordinator.decide({.now = Instant(std::chrono::hours(2)), .wall_s = 1});
  check_state(coordinator.state());
  return 0;
}
