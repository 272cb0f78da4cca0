// What the readers of configuration files have in common: each error names the file and the line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/ui/toml_library.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace murder::cli {

class TomlReader {
 protected:
  explicit TomlReader(std::string path) : path_(std::move(path)) {}
  ~TomlReader() = default;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] tl::unexpected<Error> wrong(const toml::source_region& source,
                                            std::string_view why) const;
  [[nodiscard]] tl::unexpected<Error> wrong(const toml::node& node, std::string_view why) const {
    return wrong(node.source(), why);
  }
  // Of something that the file does not have.
  [[nodiscard]] tl::unexpected<Error> missing(std::string_view why) const;

  // Error: a key that is none of these, with the one that is meant.
  [[nodiscard]] Status check_keys(const toml::table& table,
                                  const std::vector<std::string>& known) const;

 private:
  std::string path_;
};

// Text in quotes, not empty and without NUL; nullptr: it is something else.
[[nodiscard]] const std::string* text_in(const toml::node& node);
// "10m", or a number of seconds. Error: it is something else.
[[nodiscard]] Result<Duration> duration_in(const toml::node& node);

}  // namespace murder::cli
