// Which entries of a tree are left out, by patterns as in a .gitignore. Pure.
//
// A pattern without '/' is a name at any depth; one with a '/' is a path from the root of the tree.
// '*' and '?' stand for anything but '/', "[a-z]" and "[!a-z]" for one byte, a part "**" for any
// number of directories, and '\' takes the meaning off what follows. With a '/' at its end it
// matches directories alone. What lies in a directory that is left out is left out as well.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace murder::archive {

class ExcludePatterns {
 public:
  [[nodiscard]] static Result<ExcludePatterns> parse(const std::vector<std::string>& patterns);

  [[nodiscard]] bool is_empty() const { return patterns_.empty(); }
  // `path` is below the root: "a/b".
  [[nodiscard]] bool match(std::string_view path, bool is_directory) const;

 private:
  struct Pattern {
    std::vector<std::string> parts;
    bool directories_only = false;
  };

  [[nodiscard]] static bool match_parts(const std::vector<std::string>& pattern,
                                        const std::vector<std::string_view>& path);

  std::vector<Pattern> patterns_;
};

// One part of a pattern against one name.
[[nodiscard]] bool match_name(std::string_view pattern, std::string_view name);

}  // namespace murder::archive
