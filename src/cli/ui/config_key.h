// A key of a configuration file: its reader takes what is in a list of these, and the manual page
// of the file says what stands there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace murder::cli {

struct ConfigKey {
  std::string_view table;
  std::string_view name;
  std::string_view value;
  std::string_view text;  // empty: the help of the option of that name
};

template <typename Keys>
[[nodiscard]] std::vector<std::string> keys_of(const Keys& keys, std::string_view table) {
  std::vector<std::string> names;
  for (const ConfigKey& key : keys) {
    if (key.table == table) {
      names.emplace_back(key.name);
    }
  }
  return names;
}

}  // namespace murder::cli
