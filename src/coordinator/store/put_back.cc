#include "coordinator/store/put_back.h"

#include <utility>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/control/apply.h"
#include "engine/control/record.h"
#include "engine/control/snapshot.h"

namespace murder::store {

Status mark_as_put_back(RecordStore& store, uint64_t new_origin) {
  ENSURE(new_origin != 0);
  const Result<std::vector<std::string>> lines = store.load();
  if (!lines) {
    return fail(lines.error());
  }
  if (lines->empty()) {
    return fail(ErrorCode::not_found, store.name() + ": no coordinator has written to it");
  }
  std::vector<control::Record> records;
  for (const std::string& line : *lines) {
    Result<control::Record> record = control::parse_record(line);
    if (!record) {
      return fail(record.error());
    }
    records.push_back(std::move(*record));
  }
  Result<control::State> state = control::replay(records, Instant{});
  if (!state) {
    return fail(state.error());
  }
  state->origin = new_origin;
  std::vector<std::string> snapshot;
  for (const control::Record& record : control::snapshot_of(*state)) {
    snapshot.push_back(control::text_of(record));
  }
  return store.write_snapshot(snapshot);
}

}  // namespace murder::store
