// The murder program: parses the command line and runs the command it names.
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "cli/commands/command_list.h"
#include "cli/fleet/fleet_options.h"
#include "cli/hidden_commands.h"
#include "cli/ui/command.h"
#include "cli/ui/output.h"
#include "cli/ui/suggestion.h"
#include "cli/ui/word_faults.h"
#include "engine/archive/out_of_memory.h"
#include "engine/base/printable.h"
#include "engine/base/stack_limit.h"
#include "engine/hash/sha1.h"

namespace murder::cli {
namespace {

// The first of the words from `begin` on that is not an option: what the user took for a command.
std::string first_word(const std::vector<std::string>& words, size_t begin) {
  for (size_t index = begin; index < words.size(); ++index) {
    if (!words[index].empty() && words[index][0] != '-') {
      return words[index];
    }
  }
  return {};
}

// What is wrong with a word that neither an option nor an argument takes.
std::string unexpected_word(const CLI::App& app, const CLI::App& command) {
  const std::vector<std::string> words = app.remaining(true);
  const auto option = std::find_if(words.begin(), words.end(),
                                   [](const std::string& each) { return each.starts_with("-"); });
  if (option == words.end()) {
    return words.empty() ? "" : fmt::format("unexpected argument '{}'", words.front());
  }
  std::vector<std::string> known;
  for (const CLI::Option* each : command.get_options()) {
    for (const std::string& name : each->get_lnames()) {
      known.push_back("--" + name);
    }
  }
  const std::string word = option->substr(0, option->find('='));
  const std::string near = nearest_word(word, known);
  return fmt::format("there is no option '{}'{}", word,
                     near.empty() ? "" : fmt::format(": did you mean '{}'?", near));
}

// "murder fleet": the command or task that was named, as far as there is one.
struct Named {
  const CLI::App* app;
  std::string name = "murder";
  size_t word_count = 0;  // up to its name
};

Named named_in(const CLI::App& app, const std::vector<std::string>& words) {
  Named named{.app = &app};
  while (!named.app->get_subcommands().empty()) {
    named.app = named.app->get_subcommands().front();
    named.name += " " + named.app->get_name();
    while (named.word_count < words.size() && words[named.word_count++] != named.app->get_name()) {
    }
  }
  return named;
}

int report_usage(const WordFault& fault, const CommandContext& context) {
  print_message(printable_lines(fmt::format("{}: {}\n`{} --help` lists what there is.\n",
                                            fault.command, fault.text, fault.command)));
  context.print_json(json_of_error({ErrorCode::invalid_input, fault.text}));
  return exit_usage;
}

// `murder nosuch --help`: what is left is neither a command nor what one takes.
bool has_unknown_word(const CLI::App& app) {
  return !app.remaining(true).empty();
}

// Exit code 2, except for --help and --version, which arrive here as well.
int report_parse_error(const CLI::App& app, const CLI::ParseError& error,
                       const std::vector<std::string>& words, CommandContext& context) {
  const bool is_help = dynamic_cast<const CLI::CallForHelp*>(&error) != nullptr;
  if (error.get_exit_code() == 0 && !(is_help && has_unknown_word(app))) {
    std::ostringstream out;
    app.exit(error, out, out);
    static_cast<void>(print_result(out.str()));
    return exit_done;
  }
  const Named named = named_in(app, words);
  std::vector<std::string> known;
  for (const CLI::App* each : named.app->get_subcommands([](const CLI::App*) { return true; })) {
    known.push_back(each->get_name());
  }
  std::string text = error.what();
  if (!known.empty()) {
    const char* kind = named.app == &app ? "command" : "task";
    const std::string word = first_word(words, named.word_count);
    const std::string near = nearest_word(word, known);
    text = word.empty()
               ? fmt::format("missing {}", kind)
               : fmt::format("there is no {} '{}'{}", kind, word,
                             near.empty() ? "" : fmt::format(": did you mean '{}'?", near));
  } else if (is_help || dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    text = unexpected_word(app, *named.app);
  }
  return report_usage({.command = named.name, .text = text}, context);
}

// Whether MURDER_SHA1 names something. A wish that this processor cannot meet is told, and passed
// over: the same environment may go to many hosts.
bool check_sha1_wish(const CommandContext& context) {
  const char* wanted = std::getenv("MURDER_SHA1");
  if (wanted == nullptr || *wanted == '\0') {
    return true;
  }
  const hash::Sha1Choice& choice = hash::sha1_choice();
  if (choice.wish == shalanes::Wish::unknown) {
    const Error error{ErrorCode::invalid_input,
                      fmt::format("MURDER_SHA1={}: unknown; it may be one of {}, or empty", wanted,
                                  shalanes::known_families<shalanes::Sha1>())};
    static_cast<void>(context.report(error));
    return false;
  }
  if (choice.wish == shalanes::Wish::unavailable) {
    context.note(fmt::format("MURDER_SHA1={}: this processor cannot do that; using {}", wanted,
                             choice.family));
  }
  return true;
}

int run(int argument_count, char** arguments) {
  if (const std::optional<int> code =
          run_hidden_command({arguments + 1, arguments + argument_count}, MURDER_VERSION)) {
    return *code;
  }
  CLI::App app(program_purpose, "murder");
  app.set_version_flag("--version", "murder " MURDER_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  CommandContext context;
  CommandNotes notes;
  add_commands(ArgumentParser(&app, &notes), context, argument_count > 1 ? arguments[1] : "");
  const std::vector<std::string> words =
      fleet::normalise_words({arguments + 1, arguments + argument_count});
  // It may stand behind the word that cannot be parsed.
  const bool wants_json = std::find(words.begin(), words.end(), "--json") != words.end();
  if (const std::optional<WordFault> fault = find_word_fault(app, words)) {
    context.json = wants_json;
    return report_usage(*fault, context);
  }
  try {
    // CLI11 takes them from the end.
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& error) {
    context.json = wants_json;
    return report_parse_error(app, error, words, context);
  }
  if (!check_sha1_wish(context)) {
    return exit_usage;
  }
  return context.run_chosen();
}

}  // namespace
}  // namespace murder::cli

// Static objects allocate before main begins.
[[gnu::constructor(101)]] static void watch_memory() {
  murder::archive::end_when_memory_is_out();
}

int main(int argument_count, char** arguments) {
  murder::cli::hold_closed_descriptors();
  // A reader that went away (`murder status | head -1`) must not kill a process half-way.
  std::signal(SIGPIPE, SIG_IGN);
  // A limit of the file size is an error like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  if (const murder::Status room = murder::make_room_on_stack(); !room) {
    murder::cli::print_message("murder: " + room.error().text + "\n");
    return murder::cli::exit_failed;
  }
  try {
    return murder::cli::run(argument_count, arguments);
  } catch (const std::system_error& error) {
    // Of the surroundings: the current directory is gone, no thread can be started.
    murder::cli::print_message("murder: ");
    murder::cli::print_message(error.what());
    murder::cli::print_message("\n");
    return murder::cli::exit_failed;
  } catch (const std::exception& error) {
    murder::cli::print_message("murder: internal error: ");
    murder::cli::print_message(error.what());
    murder::cli::print_message("\n");
    return murder::cli::exit_failed;
  }
}
