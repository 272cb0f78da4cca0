// What `murder doctor` says of one thing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace murder::cli {

enum class Grade : uint8_t { ok, could_be_better, broken };

struct Finding {
  std::string name;
  Grade grade = Grade::ok;
  std::string text;
  std::string mend;  // a line to run, or empty
};

[[nodiscard]] std::string_view text_of(Grade grade);  // "ok", "could be better", "broken"

}  // namespace murder::cli
