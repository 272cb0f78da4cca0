// A program that is run to its end, in the foreground: it may ask on the terminal (a passphrase),
// so it stays in the process group of this command, and ^C ends both.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/archive/observer.h"
#include "engine/base/result.h"

namespace murder::cli {

struct ProgramOptions {
  std::vector<std::string> arguments;  // [0] is looked up in PATH
  std::string_view input;              // its standard input
  // Readable by it as inherited_file_path; empty: there is none.
  std::string_view inherited_file;
  // A line of its standard error, while it runs.
  std::function<void(std::string_view)> on_line;
  const archive::CancelFlag* cancel = nullptr;
};

inline constexpr const char* inherited_file_path = "/dev/fd/3";

struct ProgramEnd {
  int exit_code = -1;  // -1: ended by a signal
  std::string output;
  std::string log;  // its standard error
};

// Errors: not_found: there is no such program; interrupted; limit: it wrote too much.
[[nodiscard]] Result<ProgramEnd> run_program(const ProgramOptions& options);

}  // namespace murder::cli
