// The frame of a command. A command is one file with one function that the list in commands.cc
// names:
//
//   struct InfoOptions { std::string torrent; };
//
//   Result<int> run_info(const InfoOptions& options, CommandContext& context) { ... }
//
//   void add_info_command(ArgumentParser app, CommandContext& context) {
//     auto [command, options] = add_command<InfoOptions>(
//         app, context,
//         {.name = "info", .description = "...", .example = "murder info web.torrent"},
//         run_info);
//     command.add_option("TORRENT", options.torrent, "...").required();
//   }
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/ui/argument_parser.h"
#include "cli/ui/command_text.h"
#include "engine/base/instant.h"
#include "engine/base/json.h"
#include "engine/base/result.h"

namespace murder::cli {

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

// Of work that is done, or the error that ended it.
[[nodiscard]] inline Result<int> exit_code_of(const Status& done) {
  return done ? Result<int>(exit_done) : fail(done.error());
}

// What every command shares: the global options, and how to speak to people and to machines.
class CommandContext {
 public:
  bool json = false;          // --json: one object on stdout, nothing for people there
  bool quiet = false;         // --quiet: only errors and results
  std::string run_directory;  // --run-dir; empty: the default (run_directory.h)

  // A process that goes on after its result does not wait for a reader of it without end.
  bool has_other_work = false;

  // A line of the result, on stdout; nothing with --json.
  void print(std::string_view line) const;
  // The whole result for machines, on stdout; nothing without --json.
  void print_json(const Json& value) const;
  // The same in parts, where one value would take too much memory: text of JSON, with the newline
  // at its end.
  void print_json_text(std::string_view part) const;
  // A line about what goes on, on stderr; nothing with --quiet.
  void note(std::string_view line) const;
  // "murder COMMAND: warning: LINE" on stderr.
  void warn(std::string_view line) const;

  // To be returned by a command whose options do not go together: exit code 2.
  [[nodiscard]] tl::unexpected<Error> wrong_usage(std::string text);

  [[nodiscard]] const std::string& command_name() const { return command_name_; }
  // Says it on stderr and, with --json, on stdout. Returns the exit code.
  int report(const Error& error) const;

  // --- The rest is for add_command and main ---
  class Command {
   public:
    virtual ~Command() = default;
    virtual Result<int> run(CommandContext& context) = 0;
  };
  void register_command(ArgumentParser line, std::unique_ptr<Command> command,
                        bool has_telling_exit_code);
  // Runs the command that was named. Returns the exit code.
  int run_chosen();

 private:
  void print_out(std::string_view bytes) const;
  [[nodiscard]] int code_after_output(int code) const;

  std::vector<std::unique_ptr<Command>> commands_;
  Command* chosen_ = nullptr;
  std::string command_name_;
  bool wrong_usage_ = false;
  bool has_telling_exit_code_ = false;
  mutable int output_error_ = 0;  // the first errno of writing to stdout
};

// Adds a sub-command with the global options. Not for use by commands themselves.
ArgumentParser add_bare_command(ArgumentParser app, CommandContext& context,
                                const CommandText& text);

template <typename Options>
struct AddedCommand {
  ArgumentParser command;
  Options& options;  // lives as long as the context
};

template <typename Options>
AddedCommand<Options> add_command(ArgumentParser app, CommandContext& context,
                                  const CommandText& text,
                                  Result<int> (*run)(const Options&, CommandContext&)) {
  class Held : public CommandContext::Command {
   public:
    explicit Held(Result<int> (*function)(const Options&, CommandContext&)) : function_(function) {}
    Result<int> run(CommandContext& shared) override { return function_(options, shared); }

    Options options;

   private:
    Result<int> (*function_)(const Options&, CommandContext&);
  };
  ArgumentParser command = add_bare_command(app, context, text);
  auto held = std::make_unique<Held>(run);
  Options& options = held->options;
  context.register_command(command, std::move(held), text.has_telling_exit_code);
  return {command, options};
}

}  // namespace murder::cli
