#include "coordinator/store/open_store.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "coordinator/store/etcd_store.h"
#include "coordinator/store/memory_store.h"
#include "coordinator/store/sqlite_store.h"
#include "coordinator/store/state_file.h"
#include "engine/base/printable.h"

namespace murder::store {
namespace {

// "NAME:..." of a kind of store; a directory with such a name is written ./NAME:...
std::string_view kind_of(std::string_view spec) {
  const size_t end = spec.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+");
  return end != std::string_view::npos && end > 0 && spec[end] == ':' ? spec.substr(0, end)
                                                                      : std::string_view();
}

Result<std::unique_ptr<RecordStore>> open_file(const std::string& file, Access access) {
  if (file.empty() || file.back() == '/') {
    return fail(ErrorCode::invalid_input, "sqlite: is followed by the name of a file");
  }
  if (Status place = check_directory_of(file); !place) {
    return fail(place.error());
  }
  return std::make_unique<SqliteStore>(file, access);
}

Result<std::unique_ptr<RecordStore>> open_directory(const std::string& directory, Access access) {
  if (access == Access::look) {
    return std::make_unique<SqliteStore>(directory + "/" + std::string(state_file_name), access);
  }
  Result<std::string> file = prepare_state_directory(directory);
  if (!file) {
    return fail(file.error());
  }
  return std::make_unique<SqliteStore>(std::move(*file), access);
}

}  // namespace

Result<std::unique_ptr<RecordStore>> open_store(std::string_view spec, Access access) {
  if (spec.find('\0') != std::string_view::npos) {
    return fail(ErrorCode::invalid_input, "a name of a state with a zero byte");
  }
  const std::string_view kind = kind_of(spec);
  const std::string_view rest = kind.empty() ? spec : spec.substr(kind.size() + 1);
  if (spec.empty() || (kind == "memory" && rest.empty())) {
    return std::make_unique<MemoryStore>();
  }
  if (kind == "sqlite") {
    return open_file(std::string(rest), access);
  }
  if (kind == "etcd") {
    return EtcdStore::open(rest, access);
  }
  if (!kind.empty()) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("'{}' names no state: expected a directory, sqlite:FILE, etcd:URL,... or "
                    "memory: (a directory with a colon in its name is written ./NAME)",
                    printable_value(spec)));
  }
  return open_directory(std::string(spec), access);
}

}  // namespace murder::store
