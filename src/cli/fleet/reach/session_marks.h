// A shell on a host that runs one command after the other: each of its commands after the first
// comes as a line on its standard input, and it tells the end of each on both of its streams. One
// login, and one start of a shell there, serve all commands of a deploy. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace murder::fleet {

// The command line that starts such a shell, with its first command. `mark`: letters and digits
// that no output of theirs contains by chance.
[[nodiscard]] std::string session_command(std::string_view first, std::string_view mark);
// What comes in front of all further commands: start-up files of a login shell that ask something
// read an empty answer, and do not wait for ever.
inline constexpr std::string_view session_answers = "\n\n\n\n";
// The line of a further command. `input`: its standard input.
[[nodiscard]] std::string session_line(std::string_view command, std::string_view input);
// Whether it fits into a line, with that standard input.
[[nodiscard]] bool fits_session(std::string_view command, std::string_view input);

// Finds the end of a command in what the shell writes.
class SessionMarks {
 public:
  explicit SessionMarks(std::string mark);

  // Parts of standard output and standard error, as they come.
  void take_output(std::string_view part) { take(output_, part); }
  void take_log(std::string_view part) { take(log_, part); }
  // Once both streams are at the end of the command.
  [[nodiscard]] std::optional<int> exit_code() const;
  // For the next command.
  void begin();

 private:
  struct Stream {
    std::string line;  // the last one, as far as it has come; its beginning
    std::optional<int> exit_code;
  };
  void take(Stream& stream, std::string_view part) const;

  std::string mark_;
  Stream output_;
  Stream log_;
};

}  // namespace murder::fleet
