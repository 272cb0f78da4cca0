// A path as somebody wrote it, relative to where the command was started.
#pragma once

#include <filesystem>
#include <string>

namespace murder::cli {

// Absolute, without "." and ".." parts.
[[nodiscard]] std::filesystem::path whole_path(const std::string& text);

// The same without a slash at the end.
[[nodiscard]] std::string clean_path(const std::string& text);

}  // namespace murder::cli
