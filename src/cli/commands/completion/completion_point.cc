#include "cli/commands/completion/completion_point.h"

#include <algorithm>
#include <set>

#include "cli/fleet/fleet_options.h"

namespace murder::cli {
namespace {

constexpr size_t description_bytes_max = 72;

std::string short_description(std::string_view help) {
  std::string text = purpose_of(help);
  if (text.size() > description_bytes_max) {
    text.resize(text.rfind(' ', description_bytes_max - 3));
    text += " ...";
  }
  return text;
}

// Follows the words before the last one.
class Walk {
 public:
  explicit Walk(const CommandDescription& program) : command_(&program) {}

  void take(const std::string& word) {
    if (pending_ != nullptr) {
      values_[pending_->long_name()] = word;
      pending_ = nullptr;
    } else if (are_options_over_ || !word.starts_with('-') || word == "-") {
      take_argument(word);
    } else if (word == "--") {
      are_options_over_ = true;
    } else {
      take_option(word);
    }
  }

  [[nodiscard]] CompletionPoint finish(const std::string& last, const std::string& original) {
    CompletionPoint point{.typed = last, .values = values_};
    if (is_lost_) {
      return point;
    }
    const size_t equals = last.find('=');
    if (pending_ != nullptr) {
      offer_value(*pending_, point);
    } else if (are_options_over_ || !last.starts_with('-')) {
      offer_arguments(point);
    } else if (equals == std::string::npos) {
      offer_options(point);
    } else if (const OptionDescription* option = command_->find_option(last.substr(0, equals));
               option != nullptr && option->takes_value()) {
      point.before = original.substr(0, original.find('=') + 1);
      point.typed = last.substr(equals + 1);
      offer_value(*option, point);
    }
    return point;
  }

 private:
  void take_option(const std::string& word) {
    const size_t equals = word.find('=');
    const OptionDescription* option = command_->find_option(word.substr(0, equals));
    if (option == nullptr) {
      return;
    }
    given_.insert(option->long_name());
    if (equals != std::string::npos) {
      values_[option->long_name()] = word.substr(equals + 1);
    } else if (option->takes_value()) {
      pending_ = option;
    }
  }

  void take_argument(const std::string& word) {
    if (command_->commands.empty()) {
      ++argument_count_;
      return;
    }
    const CommandDescription* next = command_->find_command(word);
    is_lost_ = is_lost_ || next == nullptr;
    command_ = next == nullptr ? command_ : next;
  }

  static void offer_value(const OptionDescription& option, CompletionPoint& point) {
    point.kind = option.kind;
    for (const std::string& word : option.words) {
      if (word.starts_with(point.typed)) {
        point.candidates.push_back({point.before + word, ""});
      }
    }
  }

  void offer_arguments(CompletionPoint& point) const {
    for (const CommandDescription& command : command_->commands) {
      if (command.name.starts_with(point.typed)) {
        point.candidates.push_back({command.name, short_description(command.text.description)});
      }
    }
    const std::vector<OptionDescription>& arguments = command_->arguments;
    if (argument_count_ < arguments.size()) {
      offer_value(arguments[argument_count_], point);
    } else if (!arguments.empty() && arguments.back().may_repeat) {
      offer_value(arguments.back(), point);
    } else if (point.typed.empty() && command_->commands.empty() && !are_options_over_) {
      offer_options(point);
    }
  }

  // Each by the first of its names that fits, but for those that were given already.
  void offer_options(CompletionPoint& point) const {
    for (const OptionDescription& option : command_->options) {
      if (given_.contains(option.long_name()) && !option.may_repeat) {
        continue;
      }
      // A long name says more.
      std::vector<std::string> names = option.names;
      std::stable_partition(names.begin(), names.end(),
                            [](const std::string& name) { return name.starts_with("--"); });
      const auto name = std::find_if(names.begin(), names.end(), [&](const std::string& each) {
        return each.starts_with(point.typed);
      });
      if (name != names.end()) {
        point.candidates.push_back({*name, short_description(option.help)});
      }
    }
  }

  const CommandDescription* command_;
  const OptionDescription* pending_ = nullptr;  // its value comes next
  std::set<std::string> given_;
  std::map<std::string, std::string> values_;
  size_t argument_count_ = 0;
  bool are_options_over_ = false;
  bool is_lost_ = false;  // behind a word that names no command
};

}  // namespace

std::string CompletionPoint::value_of(const std::string& option) const {
  const auto found = values.find(option);
  return found == values.end() ? "" : found->second;
}

CompletionPoint completion_point(const CommandDescription& program,
                                 const std::vector<std::string>& words) {
  if (words.empty()) {
    return {};
  }
  // Murder's way to write options, "tag=v42", is known to fleet commands.
  const std::vector<std::string> known = fleet::normalise_words(words);
  Walk walk(program);
  for (size_t index = 0; index + 1 < known.size(); ++index) {
    walk.take(known[index]);
  }
  return walk.finish(known.back(), words.back());
}

std::string unquoted_word(std::string_view word) {
  std::string out;
  char quote = 0;
  for (size_t at = 0; at < word.size(); ++at) {
    const char each = word[at];
    const bool is_escape = each == '\\' && quote != '\'' && at + 1 < word.size();
    if (is_escape &&
        (quote == 0 || std::string_view("\\\"$`").find(word[at + 1]) != std::string_view::npos)) {
      out += word[++at];
    } else if (quote != 0 ? each == quote : each == '\'' || each == '"') {
      quote = quote != 0 ? 0 : each;
    } else if (each != '\\' || at + 1 < word.size()) {
      out += each;
    }
  }
  return out;
}

void split_host_list(CompletionPoint& point) {
  int depth = 0;
  size_t begin = 0;
  for (size_t at = 0; at < point.typed.size(); ++at) {
    depth += point.typed[at] == '[' ? 1 : 0;
    depth -= point.typed[at] == ']' ? 1 : 0;
    if (depth == 0 && std::string_view(",!&^").find(point.typed[at]) != std::string_view::npos) {
      begin = at + 1;
    }
  }
  point.before += point.typed.substr(0, begin);
  point.typed.erase(0, begin);
}

}  // namespace murder::cli
