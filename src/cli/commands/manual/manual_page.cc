#include "cli/commands/manual/manual_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <set>

#include "cli/commands/manual/roff.h"

namespace murder::cli {
namespace {

constexpr size_t synopsis_options_max = 14;

constexpr std::array exit_statuses_usual = {
    ManualItem{"0", "It was done."},
    ManualItem{"1", "It failed; standard error says why."},
    ManualItem{"2", "The command line or a configuration file is wrong."},
};
constexpr ManualItem run_directory_variable = {"MURDER_RUN_DIR",
                                               "The run directory, where --run-dir is not given."};

// A help text as sentences, but for the exit status, which has a separate section.
std::string sentence(std::string_view text) {
  std::string out = unwrapped(text);
  out.resize(std::min(out.find(" Exit status:"), out.size()));
  if (!out.empty() && !out.ends_with('.') && !out.ends_with('?')) {
    out += '.';
  }
  return out;
}

// "Pack a directory" as the short text of a page has it: "pack a directory".
std::string short_text(std::string_view description) {
  std::string text = purpose_of(description);
  const bool is_word = text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0;
  if (is_word) {
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  }
  return text;
}

std::string default_sentence(const OptionDescription& option) {
  std::string text = option.default_text;
  if (text.empty()) {
    return {};
  }
  if (option.may_repeat && text.starts_with('[') && text.ends_with(']')) {
    text = text.substr(1, text.size() - 2);
  }
  return fmt::format(" Default: `{}`.", text);
}

std::string value_macro(const OptionDescription& option) {
  return option.takes_value() ? " Ar " + roff_argument(option.value_name) : "";
}

// "Fl \-to , Fl \-destination\-path Ar DIR"
std::string option_head(const OptionDescription& option) {
  if (option.is_argument()) {
    return "Ar " + roff_argument(option.value_name);
  }
  std::string head;
  for (const std::string& name : option.names) {
    head += (head.empty() ? "Fl " : " , Fl ") + roff_argument(name.substr(1));
  }
  return head + value_macro(option);
}

// In the synopsis: the name that is meant first.
std::string synopsis_option(const OptionDescription& option) {
  if (option.is_argument()) {
    return value_macro(option).substr(1);
  }
  const auto first = std::find_if(option.names.begin(), option.names.end(),
                                  [](const std::string& name) { return name.starts_with("--"); });
  const std::string& name = first == option.names.end() ? option.names.front() : *first;
  return fmt::format("Fl {}{}", roff_argument(name.substr(1)), value_macro(option));
}

std::string synopsis_line(const OptionDescription& option) {
  const std::string text = synopsis_option(option) + (option.may_repeat ? " Ar ..." : "");
  return option.is_required ? "." + text + "\n" : ".Op " + text + "\n";
}

bool is_common(const OptionDescription& option) {
  return option.group == common_group;
}

std::string synopsis(const CommandDescription& command) {
  const std::string arguments = command.full_name.substr(command.full_name.find(' ') + 1);
  std::string out = fmt::format(".Nm murder Cm {}\n", arguments);
  if (!command.commands.empty()) {
    return out + ".Ar TASK\n.Op Ar options\n";
  }
  const size_t own =
      std::count_if(command.options.begin(), command.options.end(),
                    [](const OptionDescription& each) { return each.group == options_group; });
  const bool is_short = own <= synopsis_options_max;
  for (const OptionDescription& option : command.options) {
    if (option.is_required || (is_short && option.group == options_group)) {
      out += synopsis_line(option);
    }
  }
  const bool has_more = command.options.size() > own || !is_short;
  out += has_more ? ".Op Ar options\n" : "";
  for (const OptionDescription& argument : command.arguments) {
    out += synopsis_line(argument);
  }
  return out;
}

// Titles of groups in the order of the options, the common ones last.
std::vector<std::string> groups_of(const std::vector<OptionDescription>& options) {
  std::vector<std::string> groups;
  for (const OptionDescription& option : options) {
    if (!is_common(option) &&
        std::find(groups.begin(), groups.end(), option.group) == groups.end()) {
      groups.push_back(option.group);
    }
  }
  groups.emplace_back(common_group);
  return groups;
}

std::vector<OptionDescription> options_of_group(const std::vector<OptionDescription>& options,
                                                std::string_view group) {
  std::vector<OptionDescription> found;
  std::copy_if(options.begin(), options.end(), std::back_inserter(found),
               [&](const OptionDescription& option) { return option.group == group; });
  return found;
}

// With a title each, but for the first.
std::string grouped_options(const std::vector<OptionDescription>& options) {
  std::string out;
  for (const std::string& group : groups_of(options)) {
    const std::string list = options_list(options_of_group(options, group));
    if (!list.empty()) {
      out += (group == options_group ? "" : fmt::format(".Ss {}\n", group)) + list;
    }
  }
  return out;
}

// What all tasks have.
std::vector<OptionDescription> shared_options(const CommandDescription& command) {
  std::vector<OptionDescription> shared = command.commands.front().options;
  for (const CommandDescription& task : command.commands) {
    std::erase_if(shared, [&](const OptionDescription& option) {
      return std::find(task.options.begin(), task.options.end(), option) == task.options.end();
    });
  }
  return shared;
}

std::string tasks_section(const CommandDescription& command,
                          const std::vector<OptionDescription>& shared) {
  std::string out = ".Sh TASKS\n";
  for (const CommandDescription& task : command.commands) {
    out += fmt::format(".Ss {}\n", task.name);
    std::vector<OptionDescription> own = task.arguments;
    std::copy_if(task.options.begin(), task.options.end(), std::back_inserter(own),
                 [&](const OptionDescription& option) {
                   return std::find(shared.begin(), shared.end(), option) == shared.end();
                 });
    out += roff_text(sentence(task.text.description)) + options_list(own);
  }
  return out;
}

template <typename Items>
std::string items_list(const Items& items, std::string_view macro) {
  std::string out = ".Bl -tag -width Ds\n";
  for (const ManualItem& item : items) {
    out += fmt::format(".It {} {}\n{}", macro, roff_argument(item.name), roff_text(item.text));
  }
  return out + ".El\n";
}

// Each once, by section and name.
std::string see_also(const CommandDescription& command) {
  std::set<std::pair<std::string, std::string>> pages = {{"1", "murder"}, {"7", "murder"}};
  for (const std::string_view page : command.text.see_also) {
    const size_t open = page.find('(');
    pages.emplace(page.substr(open + 1, 1), page.substr(0, open));
  }
  for (const CommandDescription& task : command.commands) {
    pages.emplace("1", task.page_name());
  }
  const bool is_task = std::count(command.full_name.begin(), command.full_name.end(), ' ') > 1;
  if (is_task) {
    pages.emplace("1", "murder-fleet");
  }
  if (is_task || !command.commands.empty() || command.find_option("--host") != nullptr) {
    pages.emplace("5", "murder.toml");
  }
  pages.erase({"1", command.page_name()});
  std::string out;
  for (const auto& [section, name] : pages) {
    out += fmt::format("{}.Xr {} {}", out.empty() ? "" : " ,\n", name, section);
  }
  return out + "\n";
}

std::string page_head(const CommandDescription& command, const ManualEdition& edition) {
  std::string title = command.page_name();
  std::transform(title.begin(), title.end(), title.begin(),
                 [](unsigned char each) { return static_cast<char>(std::toupper(each)); });
  return fmt::format(
      ".\\\" Made from the description of the command line by murder {}.\n"
      ".Dd {}\n.Dt {} 1\n.Os\n.Sh NAME\n.Nm {}\n.Nd {}\n",
      edition.version, edition.date, title, command.page_name(),
      roff_line(short_text(command.text.description)));
}

}  // namespace

Result<std::string> manual_date(std::string_view iso_date) {
  static constexpr std::array<std::string_view, 12> months = {
      "January", "February", "March",     "April",   "May",      "June",
      "July",    "August",   "September", "October", "November", "December"};
  unsigned month = 0;
  unsigned day = 0;
  const bool has_form = iso_date.size() == 10 && iso_date[4] == '-' && iso_date[7] == '-';
  if (has_form) {
    std::from_chars(iso_date.data() + 5, iso_date.data() + 7, month);
    std::from_chars(iso_date.data() + 8, iso_date.data() + 10, day);
  }
  if (month < 1 || month > months.size() || day < 1 || day > 31) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{}: not a date; write it like 2026-11-29", iso_date));
  }
  return fmt::format("{} {}, {}", months[month - 1], day, iso_date.substr(0, 4));
}

std::string options_list(const std::vector<OptionDescription>& options) {
  std::string out;
  for (const OptionDescription& option : options) {
    out += fmt::format(".It {}\n{}", option_head(option),
                       roff_text(sentence(option.help) + default_sentence(option)));
  }
  return out.empty() ? "" : ".Bl -tag -width Ds\n" + out + ".El\n";
}

std::string command_page(const CommandDescription& command, const ManualEdition& edition) {
  const CommandText& text = command.text;
  std::string page = page_head(command, edition) + ".Sh SYNOPSIS\n" + synopsis(command) +
                     ".Sh DESCRIPTION\n" + roff_text(sentence(text.description));
  if (!text.details.empty()) {
    page += ".Pp\n" + roff_text(text.details);
  }
  if (command.commands.empty()) {
    page += ".Sh OPTIONS\n" + options_list(command.arguments) + grouped_options(command.options);
  } else {
    const std::vector<OptionDescription> shared = shared_options(command);
    page += tasks_section(command, shared);
    page += ".Sh OPTIONS\nEvery task takes these options as well.\n" + grouped_options(shared);
  }
  std::vector<ManualItem> environment = text.environment;
  environment.push_back(run_directory_variable);
  page += ".Sh ENVIRONMENT\n" + items_list(environment, "Ev");
  if (!text.files.empty()) {
    page += ".Sh FILES\n" + items_list(text.files, "Pa");
  }
  page += ".Sh EXIT STATUS\n" + (text.exit_statuses.empty() ? items_list(exit_statuses_usual, "Li")
                                                            : items_list(text.exit_statuses, "Li"));
  if (!text.example.empty()) {
    page += ".Sh EXAMPLES\n" + roff_literal(text.example);
  }
  return page + ".Sh SEE ALSO\n" + see_also(command);
}

}  // namespace murder::cli
