#include "cli/ui/command.h"

#include <fmt/format.h>

#include <cerrno>
#include <optional>

#include "cli/ui/output.h"
#include "engine/base/ensure.h"
#include "engine/base/printable.h"

namespace murder::cli {
namespace {

// One write for the whole line, so that lines of several processes on one terminal do not mix.
std::string whole_line(std::string_view line) {
  return printable_lines(line) + '\n';
}

// An error or a warning. Of several lines the later ones are indented: no name in it can make a
// line that looks like another message.
std::string whole_message(const std::string& start, std::string_view text) {
  std::string whole = start;
  for (const char each : text) {
    whole += each;
    if (each == '\n') {
      whole += "  ";
    }
  }
  return whole_line(whole);
}

}  // namespace

void CommandContext::print(std::string_view line) const {
  if (!json) {
    print_out(whole_line(line));
  }
}

void CommandContext::print_json(const Json& value) const {
  if (json) {
    print_out(whole_line(json_text(value)));
  }
}

void CommandContext::print_json_text(std::string_view part) const {
  if (json) {
    print_out(printable_lines(part));
  }
}

void CommandContext::print_out(std::string_view bytes) const {
  const int error_number =
      print_result(bytes, has_other_work ? std::optional(result_wait_max) : std::nullopt);
  output_error_ = output_error_ == 0 ? error_number : output_error_;
}

void CommandContext::note(std::string_view line) const {
  if (!quiet) {
    print_message(whole_line(line));
  }
}

void CommandContext::warn(std::string_view line) const {
  print_message(whole_message(fmt::format("murder {}: warning: ", command_name_), line));
}

tl::unexpected<Error> CommandContext::wrong_usage(std::string text) {
  wrong_usage_ = true;
  return fail(ErrorCode::invalid_input, std::move(text));
}

int CommandContext::report(const Error& error) const {
  const std::string name = command_name_.empty() ? "murder" : "murder " + command_name_;
  print_message(whole_message(name + ": ", error.text));
  print_json(json_of_error(error));
  if (wrong_usage_) {
    print_message(
        whole_line(fmt::format("`{} --help` lists the options and shows an example.", name)));
    return exit_usage;
  }
  return exit_failed;
}

void CommandContext::register_command(ArgumentParser line, std::unique_ptr<Command> command,
                                      bool has_telling_exit_code) {
  Command* pointer = command.get();
  commands_.push_back(std::move(command));
  line.when_named([this, pointer, has_telling_exit_code, name = line.full_name()] {
    chosen_ = pointer;
    has_telling_exit_code_ = has_telling_exit_code;
    command_name_ = name;
  });
}

int CommandContext::run_chosen() {
  ENSURE(chosen_ != nullptr);
  const Result<int> outcome = chosen_->run(*this);
  return code_after_output(outcome ? *outcome : report(outcome.error()));
}

int CommandContext::code_after_output(int code) const {
  // A reader that went away (`murder status | head -1`) has what it wanted.
  if (output_error_ == 0 || output_error_ == EPIPE || code != exit_done) {
    return code;
  }
  const Error lost =
      output_error_ == EAGAIN
          ? Error{ErrorCode::timeout, "the result could not be written: nobody reads it"}
          : fail_errno(output_error_, "the result could not be written").value();
  if (has_telling_exit_code_) {
    warn(lost.text);
    return code;
  }
  return report(lost);
}

ArgumentParser add_bare_command(ArgumentParser app, CommandContext& context,
                                const CommandText& text) {
  ArgumentParser command = app.add_subcommand(text.name, text.description);
  std::string footer = "Example:";
  std::string_view rest = text.example;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    footer += fmt::format("\n  {}", rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  command.footer(footer);
  command.note(text);
  command.group("Commands");
  const std::string group = "Common options";
  command.add_flag("--json", context.json, "Print the result as JSON").group(group);
  command.add_flag("-q,--quiet", context.quiet, "Print errors and results only").group(group);
  command
      .add_option("--run-dir", context.run_directory,
                  "Where running processes keep their control sockets\n"
                  "(default: $MURDER_RUN_DIR, else /run/murder for root,\n"
                  "/var/tmp/murder-UID for others)")
      .type_name("DIR")
      .group(group);
  return command;
}

}  // namespace murder::cli
