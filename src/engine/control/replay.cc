#include <fmt/format.h>

#include "engine/control/apply.h"
#include "engine/control/bounds.h"

namespace murder::control {

Result<State> replay(std::span<const Record> records, Instant now) {
  State state;
  for (size_t index = 0; index < records.size(); ++index) {
    if (Status done = apply(state, records[index], now); !done) {
      return fail(done.error().code, fmt::format("record {} of the coordinator's log: {}",
                                                 index + 1, done.error().text));
    }
  }
  if (state.loading_left > 0) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("the coordinator's snapshot lacks its last {} records", state.loading_left));
  }
  if (state.term == limits::control_starts_max) {
    return fail(ErrorCode::limit, "the coordinator was started too often with this state");
  }
  return state;
}

}  // namespace murder::control
