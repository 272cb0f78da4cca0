// A state that was put back from a copy: agents have heard of later records of it than it has, and
// pass over whatever is older than those.
#pragma once

#include "coordinator/store/record_store.h"

namespace murder::store {

// Gives the state another origin, so that agents take it for what it is: another one, which counts
// anew. The store leads. Errors: a state that is empty or cannot be read; it is as it was.
[[nodiscard]] Status mark_as_put_back(RecordStore& store, uint64_t new_origin);

}  // namespace murder::store
