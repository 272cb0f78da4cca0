#include "cli/commands/command_description.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <array>

#include "cli/commands/command_list.h"

namespace murder::cli {
namespace {

struct KindOfName {
  std::string_view value_name;
  ValueKind kind;
};
constexpr std::array kinds_of_names = {
    KindOfName{"DIR", ValueKind::directory},
    KindOfName{"FILE", ValueKind::path},
    KindOfName{"PATH", ValueKind::path},
    KindOfName{"TORRENT", ValueKind::torrent},
};

ValueKind kind_of(ValueKind noted, std::string_view value_name) {
  if (noted != ValueKind::automatic) {
    return noted;
  }
  const auto* const found =
      std::find_if(kinds_of_names.begin(), kinds_of_names.end(),
                   [&](const KindOfName& each) { return each.value_name == value_name; });
  return found == kinds_of_names.end() ? ValueKind::text : found->kind;
}

OptionDescription describe(const CLI::Option& option, const CommandNotes& notes) {
  OptionDescription description{.help = option.get_description(),
                                .group = option.get_group(),
                                .default_text = option.get_default_str(),
                                .is_required = option.get_required(),
                                .may_repeat = option.get_items_expected_max() > 1};
  for (const std::string& name : option.get_snames()) {
    description.names.push_back("-" + name);
  }
  for (const std::string& name : option.get_lnames()) {
    description.names.push_back("--" + name);
  }
  if (description.is_argument()) {
    description.value_name = option.get_name(true);
  } else if (option.get_items_expected_max() > 0) {
    description.value_name = option.get_type_name();
  }
  const OptionNotes known = notes.notes_of(&option);
  description.kind = kind_of(known.kind, description.value_name);
  description.words = known.words;
  return description;
}

// A task has what it does not say itself from its command.
void inherit(CommandText& task, const CommandText& command) {
  const auto take = [](auto& own, const auto& other) { own = own.empty() ? other : own; };
  take(task.exit_statuses, command.exit_statuses);
  take(task.environment, command.environment);
  take(task.files, command.files);
}

CommandDescription describe(const CLI::App& app, const CommandNotes& notes,
                            const std::string& parent_name) {
  CommandDescription command{
      .name = app.get_name(),
      .full_name = parent_name.empty() ? app.get_name() : parent_name + " " + app.get_name(),
      .text = notes.text_of(&app)};
  command.text.description = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    OptionDescription description = describe(*option, notes);
    if (option == app.get_help_ptr() && !parent_name.empty()) {
      description.group = common_group;
    }
    (description.is_argument() ? command.arguments : command.options)
        .push_back(std::move(description));
  }
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; })) {
    command.commands.push_back(describe(*each, notes, command.full_name));
    inherit(command.commands.back().text, command.text);
  }
  return command;
}

}  // namespace

CommandDescription describe_program(std::string_view command) {
  CLI::App app(program_purpose, "murder");
  app.set_version_flag("--version", "");
  CommandContext context;
  CommandNotes notes;
  add_commands(ArgumentParser(&app, &notes), context, command);
  return describe(app, notes, "");
}

const CommandDescription* CommandDescription::find_command(std::string_view command_name) const {
  const auto found =
      std::find_if(commands.begin(), commands.end(),
                   [&](const CommandDescription& each) { return each.name == command_name; });
  return found == commands.end() ? nullptr : &*found;
}

const OptionDescription* CommandDescription::find_option(std::string_view option_name) const {
  const auto found =
      std::find_if(options.begin(), options.end(), [&](const OptionDescription& each) {
        return std::find(each.names.begin(), each.names.end(), option_name) != each.names.end();
      });
  return found == options.end() ? nullptr : &*found;
}

std::string CommandDescription::page_name() const {
  std::string page = full_name;
  std::replace(page.begin(), page.end(), ' ', '-');
  return page;
}

std::string unwrapped(std::string_view text) {
  std::string out(text);
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

std::string first_sentence(std::string_view text) {
  std::string sentence = unwrapped(text);
  const size_t end = sentence.find(". ");
  sentence.resize(std::min(end, sentence.size()));
  while (sentence.ends_with('.') || sentence.ends_with(' ')) {
    sentence.pop_back();
  }
  return sentence;
}

std::string purpose_of(std::string_view text) {
  constexpr size_t purpose_bytes_min = 25;
  std::string purpose = first_sentence(text);
  for (const char* end : {": ", "; "}) {
    const size_t at = purpose.find(end);
    if (at != std::string::npos && at >= purpose_bytes_min) {
      purpose.resize(at);
    }
  }
  return purpose;
}

}  // namespace murder::cli
