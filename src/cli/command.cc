#include "cli/command.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>

#include "engine/base/ensure.h"
#include "engine/base/units.h"
#include "engine/base/utf8.h"

namespace murder::cli {
namespace {

// Names in torrents and the words of trackers must not steer a terminal: control characters (and
// what is not UTF-8) become question marks.
std::string printable(std::string_view text) {
  const bool is_text = is_utf8(text);
  std::string out;
  out.reserve(text.size());
  for (size_t index = 0; index < text.size(); ++index) {
    const auto byte = static_cast<unsigned char>(text[index]);
    const bool is_c0 = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F;
    const bool is_c1 =
        is_text && byte == 0xC2 && static_cast<unsigned char>(text[index + 1]) < 0xA0;
    out += is_c0 || is_c1 || (byte >= 0x80 && !is_text) ? '?' : text[index];
    index += is_c1 ? 1 : 0;
  }
  return out;
}

// Returns errno, or 0.
int write_line(FILE* stream, std::string_view line) {
  // One write for the whole line, so that lines of several processes on one terminal do not mix.
  const std::string whole = printable(line) + '\n';
  errno = 0;
  const bool is_written = std::fwrite(whole.data(), 1, whole.size(), stream) == whole.size() &&
                          std::fflush(stream) == 0;
  return is_written ? 0 : errno;
}

}  // namespace

void CommandContext::print(std::string_view line) const {
  if (!json) {
    const int error_number = write_line(stdout, line);
    output_error_ = output_error_ == 0 ? error_number : output_error_;
  }
}

void CommandContext::print_json(const Json& value) const {
  if (json) {
    const int error_number = write_line(stdout, json_text(value));
    output_error_ = output_error_ == 0 ? error_number : output_error_;
  }
}

void CommandContext::note(std::string_view line) const {
  if (!quiet) {
    write_line(stderr, line);
  }
}

void CommandContext::warn(std::string_view line) const {
  write_line(stderr, fmt::format("murder {}: warning: {}", command_name_, line));
}

tl::unexpected<Error> CommandContext::wrong_usage(std::string text) {
  wrong_usage_ = true;
  return fail(ErrorCode::invalid_input, std::move(text));
}

int CommandContext::report(const Error& error) const {
  const std::string name = command_name_.empty() ? "murder" : "murder " + command_name_;
  write_line(stderr, fmt::format("{}: {}", name, error.text));
  print_json(json_of_error(error));
  if (wrong_usage_) {
    write_line(stderr, fmt::format("`{} --help` lists the options and shows an example.", name));
    return exit_usage;
  }
  return exit_failed;
}

void CommandContext::own(ArgumentParser line, std::unique_ptr<Command> command,
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
  const Error lost = fail_errno(output_error_, "the result could not be written").value();
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
  command.group("Commands");
  const std::string group = "Common options";
  command.add_flag("--json", context.json, "Print the result as JSON").group(group);
  command.add_flag("-q,--quiet", context.quiet, "Print errors and results only").group(group);
  command
      .add_option("--run-dir", context.run_directory,
                  "Where running processes keep their control sockets\n"
                  "(default: $MURDER_RUN_DIR, else under /run or $XDG_RUNTIME_DIR)")
      .type_name("DIR")
      .group(group);
  return command;
}

}  // namespace murder::cli
