// A store by the name that a user gives it.
#pragma once

#include <memory>
#include <string_view>

#include "coordinator/store/record_store.h"

namespace murder::store {

inline constexpr std::string_view memory_spec = "memory:";

// "" and "memory:", a directory, "sqlite:FILE", "etcd:http://HOST:PORT,..." (docs/state.md). Asks
// no server and takes no lock: try_lead() and load() do. Errors: a text that names no store, a
// directory that cannot be made or may be written by others.
[[nodiscard]] Result<std::unique_ptr<RecordStore>> open_store(std::string_view spec,
                                                              Access access = Access::lead);

}  // namespace murder::store
