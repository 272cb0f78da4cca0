// What a command may be told: its options and arguments. A narrow face to the library that parses
// them, whose headers cost every file that includes them ten seconds to compile.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/ui/command_text.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace murder::cli {

// An option that was added; each function returns it again. Lives as long as its command line.
class OptionHandle {
 public:
  OptionHandle(CLI::Option* option, CommandNotes* notes) : option_(option), notes_(notes) {}

  OptionHandle required();
  OptionHandle type_name(const std::string& name);  // what --help calls its value
  OptionHandle group(const std::string& title);     // where --help lists it
  OptionHandle show_default();                      // in --help
  OptionHandle one_value_each_time();               // of a list: --name A --name B
  OptionHandle in_range(uint64_t least, uint64_t most);
  OptionHandle one_of(const std::vector<std::string>& words);  // any other is wrong usage
  OptionHandle completes(ValueKind kind);                      // what a shell offers
  OptionHandle completes(const std::vector<std::string>& words);

 private:
  CLI::Option* option_;
  CommandNotes* notes_;
};

// A command of the program, or a task of a command. Copies stand for the same one.
class ArgumentParser {
 public:
  ArgumentParser(CLI::App* app, CommandNotes* notes) : app_(app), notes_(notes) {}

  // Named "--name" or "-n,--name"; any other name is an argument without one. The target keeps its
  // value when the option is not given.
  OptionHandle add_option(const std::string& name, std::string& target, const std::string& help);
  OptionHandle add_option(const std::string& name, std::optional<std::string>& target,
                          const std::string& help);
  OptionHandle add_option(const std::string& name, std::vector<std::string>& target,
                          const std::string& help);
  OptionHandle add_option(const std::string& name, int& target, const std::string& help);
  OptionHandle add_option(const std::string& name, uint16_t& target, const std::string& help);
  OptionHandle add_option(const std::string& name, uint32_t& target, const std::string& help);
  OptionHandle add_option(const std::string& name, std::optional<int>& target,
                          const std::string& help);
  OptionHandle add_option(const std::string& name, std::optional<uint16_t>& target,
                          const std::string& help);
  OptionHandle add_option(const std::string& name, std::optional<uint32_t>& target,
                          const std::string& help);
  OptionHandle add_flag(const std::string& name, bool& target, const std::string& help);

  // Of a special form: an error of `take` is wrong usage.
  OptionHandle add_parsed(const std::string& name, std::function<Status(const std::string&)> take,
                          const std::string& help);
  // The same, and its value may be left out: then the text is empty. A word behind it that is no
  // option is taken for its value.
  OptionHandle add_optional_value(const std::string& name,
                                  std::function<Status(const std::string&)> take,
                                  const std::string& help);
  // As people write them (engine/base/units.h): "64KiB", "400MB" a second, "30s".
  OptionHandle add_size(const std::string& name, uint64_t& bytes, const std::string& help);
  OptionHandle add_rate(const std::string& name, uint64_t& bytes_per_second,
                        const std::string& help);
  OptionHandle add_duration(const std::string& name, Duration& duration, const std::string& help);
  OptionHandle add_duration(const std::string& name, std::optional<Duration>& duration,
                            const std::string& help);

  ArgumentParser add_subcommand(const std::string& name, const std::string& help);
  void require_subcommand();  // one of them must be named
  void footer(const std::string& text);
  void note(const CommandText& text);  // for its manual page
  void group(const std::string& title);
  void when_named(std::function<void()> action);
  // "fleet hosts" for a task; the program's own name is not part of it.
  [[nodiscard]] std::string full_name() const;

 private:
  CLI::App* app_;
  CommandNotes* notes_;
};

}  // namespace murder::cli
