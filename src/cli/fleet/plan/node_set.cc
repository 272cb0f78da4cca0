#include "cli/fleet/plan/node_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_map>

#include "cli/fleet/plan/fleet_bounds.h"
#include "engine/base/endpoint.h"

namespace murder::fleet {
namespace {

constexpr std::string_view spaces = " \t\r\n";

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

bool is_operator(char character) {
  return character == ',' || character == '!' || character == '&' || character == '^' ||
         spaces.find(character) != std::string_view::npos;
}

tl::unexpected<Error> wrong(std::string_view pattern, std::string_view why) {
  return fail(ErrorCode::invalid_input,
              fmt::format("node set '{}': {}", pattern.substr(0, 80), why));
}

tl::unexpected<Error> too_many() {
  return fail(ErrorCode::limit,
              fmt::format("a node set of more than {} hosts: name fewer", limits::hosts_max));
}

// A set that remembers the order in which names came. Adding and removing take the same time
// however many there are.
class NameSet {
 public:
  void add(std::string name) {
    if (places_.emplace(name, names_.size()).second) {
      names_.push_back(std::move(name));
    }
  }
  // False: it was not there.
  bool remove(const std::string& name) {
    const auto found = places_.find(name);
    if (found == places_.end()) {
      return false;
    }
    names_[found->second].clear();
    places_.erase(found);
    return true;
  }
  void keep_only(const NameSet& others) {
    for (std::string& name : names_) {
      if (!name.empty() && !others.places_.contains(name)) {
        places_.erase(name);
        name.clear();
      }
    }
  }
  [[nodiscard]] size_t count() const { return places_.size(); }
  // Those that were removed included.
  [[nodiscard]] size_t place_count() const { return names_.size(); }
  [[nodiscard]] std::vector<std::string> take() {
    std::erase_if(names_, [](const std::string& name) { return name.empty(); });
    return std::move(names_);
  }

 private:
  std::vector<std::string> names_;  // "": it was removed
  std::unordered_map<std::string, size_t> places_;
};

// "007" is padded, "7" and "0" are not.
bool is_padded(std::string_view digits) {
  return digits.size() > 1 && digits[0] == '0';
}

std::optional<uint32_t> number_of(std::string_view digits) {
  uint32_t number = 0;
  if (digits.empty() || digits.size() > limits::node_digits_max ||
      !std::all_of(digits.begin(), digits.end(), is_digit)) {
    return std::nullopt;
  }
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

// "7", "1-9", "001-120", "0-10/2": appends the numbers as they are written in names.
Status expand_range(std::string_view pattern, std::string_view range,
                    std::vector<std::string>& into) {
  std::string_view first = range;
  std::string_view last = range;
  std::string_view step_text = "1";
  if (const size_t slash = range.find('/'); slash != std::string_view::npos) {
    step_text = range.substr(slash + 1);
    first = last = range.substr(0, slash);
  }
  if (const size_t dash = first.find('-'); dash != std::string_view::npos) {
    last = first.substr(dash + 1);
    first = first.substr(0, dash);
  }
  const std::optional<uint32_t> from = number_of(first);
  const std::optional<uint32_t> to = number_of(last);
  const std::optional<uint32_t> step = number_of(step_text);
  if (!from || !to || !step) {
    return wrong(pattern, fmt::format("'{}' is not a range like 1-9, 001-120 or 0-10/2",
                                      range.substr(0, 40)));
  }
  if (*step == 0 || *to < *from) {
    return wrong(pattern, fmt::format("the range '{}' is empty", range));
  }
  // ClusterShell refuses these too: which of the two lengths is meant cannot be known.
  if ((is_padded(first) || is_padded(last)) && first.size() != last.size()) {
    return wrong(pattern,
                 fmt::format("the numbers of '{}' are padded to different lengths", range));
  }
  const size_t width = is_padded(first) ? first.size() : 1;
  if ((*to - *from) / *step + 1 > limits::hosts_max - into.size()) {
    return too_many();
  }
  for (uint64_t number = *from; number <= *to; number += *step) {
    into.push_back(fmt::format("{:0{}}", number, width));
  }
  return {};
}

// The inside of a bracket.
Result<std::vector<std::string>> expand_bracket(std::string_view pattern, std::string_view inside) {
  std::vector<std::string> numbers;
  while (true) {
    const size_t comma = std::min(inside.find(','), inside.size());
    if (Status expanded = expand_range(pattern, inside.substr(0, comma), numbers); !expanded) {
      return fail(expanded.error());
    }
    if (comma == inside.size()) {
      return numbers;
    }
    inside.remove_prefix(comma + 1);
  }
}

// Appends each ending to each beginning.
Status append_each(std::vector<std::string>& beginnings, const std::vector<std::string>& endings) {
  if (endings.size() > limits::hosts_max / beginnings.size()) {
    return too_many();
  }
  std::vector<std::string> whole;
  whole.reserve(beginnings.size() * endings.size());
  for (const std::string& beginning : beginnings) {
    for (const std::string& ending : endings) {
      whole.push_back(beginning + ending);
    }
  }
  beginnings = std::move(whole);
  return {};
}

// "[fd00::7]", as URLs and scp have an address of IPv6, also behind "user@" and with a zone: what
// ssh is given. Nothing: it is not one.
std::optional<std::string> bracketed_address(std::string_view pattern) {
  const size_t open = pattern.find('[');
  if (open == std::string_view::npos || !pattern.ends_with(']') ||
      (open > 0 && pattern[open - 1] != '@')) {
    return std::nullopt;
  }
  const std::string_view inside = pattern.substr(open + 1, pattern.size() - open - 2);
  const std::string_view address = inside.substr(0, inside.find('%'));
  return address.find(':') != std::string_view::npos && IpAddress::parse(address)
             ? std::optional(fmt::format("{}{}", pattern.substr(0, open), inside))
             : std::nullopt;
}

// One name with brackets.
Result<std::vector<std::string>> expand_pattern(std::string_view text) {
  const std::optional<std::string> address = bracketed_address(text);
  const std::string_view pattern = address ? *address : text;
  if (pattern.find('@') == 0) {
    return wrong(pattern,
                 "groups belong to ClusterShell's configuration: `nodeset -e` lists the "
                 "hosts of one");
  }
  std::vector<std::string> names = {""};
  std::string_view rest = pattern;
  for (uint32_t brackets = 0; !rest.empty(); ++brackets) {
    const size_t open = std::min(rest.find('['), rest.size());
    if (Status appended = append_each(names, {std::string(rest.substr(0, open))}); !appended) {
      return fail(appended.error());
    }
    if (open == rest.size()) {
      break;
    }
    const size_t close = rest.find(']', open);
    if (close == std::string_view::npos) {
      return wrong(pattern, "a '[' without its ']'");
    }
    if (brackets == limits::node_brackets_max) {
      return wrong(pattern, fmt::format("more than {} brackets", limits::node_brackets_max));
    }
    const auto numbers = expand_bracket(pattern, rest.substr(open + 1, close - open - 1));
    if (!numbers) {
      return fail(numbers.error());
    }
    if (Status appended = append_each(names, *numbers); !appended) {
      return fail(appended.error());
    }
    rest.remove_prefix(close + 1);
  }
  for (const std::string& name : names) {
    if (Status valid = validate_host_name(name); !valid) {
      return fail(valid.error());
    }
  }
  return names;
}

void apply(char operation, std::vector<std::string> names, NameSet& set) {
  if (operation == ',') {
    for (std::string& name : names) {
      set.add(std::move(name));
    }
    return;
  }
  NameSet other;
  for (std::string& name : names) {
    other.add(std::move(name));
  }
  if (operation == '&') {
    set.keep_only(other);
    return;
  }
  for (std::string& name : other.take()) {
    if (!set.remove(name) && operation == '^') {
      set.add(std::move(name));
    }
  }
}

// The end of the pattern that begins at `begin`: the next operator outside brackets.
size_t pattern_end(std::string_view text, size_t begin) {
  bool is_inside = false;
  size_t index = begin;
  while (index < text.size() && (is_inside || !is_operator(text[index]))) {
    is_inside = text[index] == '[' || (is_inside && text[index] != ']');
    ++index;
  }
  return index;
}

}  // namespace

Status validate_host_name(std::string_view name) {
  const auto is_allowed = [](char character) {
    return is_digit(character) || (character >= 'a' && character <= 'z') ||
           (character >= 'A' && character <= 'Z') ||
           std::string_view("._-:%@").find(character) != std::string_view::npos;
  };
  if (name.empty() || name.size() > limits::host_name_bytes_max) {
    return fail(ErrorCode::invalid_input,
                fmt::format("a host name of {} bytes: it must have 1 to {}", name.size(),
                            limits::host_name_bytes_max));
  }
  const size_t at = name.find('@');
  const std::string_view behind = at == std::string_view::npos ? name : name.substr(at + 1);
  if (!std::all_of(name.begin(), name.end(), is_allowed) || name[0] == '-' || at == 0 ||
      behind.empty() || behind[0] == '-' || behind.find('@') != std::string_view::npos) {
    return fail(ErrorCode::invalid_input, fmt::format("'{}' is not a host name", name));
  }
  return {};
}

Result<std::vector<std::string>> expand_node_set(std::string_view text) {
  if (text.size() > limits::node_set_bytes_max) {
    return fail(ErrorCode::limit,
                fmt::format("a node set of more than {} bytes", limits::node_set_bytes_max));
  }
  NameSet set;
  uint64_t work = 0;  // names that were looked at
  char operation = ',';
  bool is_first = true;
  size_t index = 0;
  while (true) {
    // Between two patterns: white space, and at most one operator that is not a comma.
    for (; index < text.size() && is_operator(text[index]); ++index) {
      const char character = text[index];
      if (character == ',' || spaces.find(character) != std::string_view::npos) {
        continue;
      }
      if (is_first || operation != ',') {
        return wrong(text, fmt::format("'{}' needs hosts on both sides", character));
      }
      operation = character;
    }
    if (index == text.size()) {
      break;
    }
    const size_t end = pattern_end(text, index);
    auto names = expand_pattern(text.substr(index, end - index));
    if (!names) {
      return fail(names.error());
    }
    work += names->size() + (operation == '&' ? set.place_count() : 0);
    if (work > limits::node_set_names_max) {
      return fail(ErrorCode::limit,
                  fmt::format("the parts of a node set name more than {} hosts in all: name fewer",
                              limits::node_set_names_max));
    }
    apply(operation, std::move(*names), set);
    if (set.count() > limits::hosts_max) {
      return too_many();
    }
    operation = ',';
    is_first = false;
    index = end;
  }
  if (operation != ',') {
    return wrong(text, fmt::format("'{}' needs hosts on both sides", operation));
  }
  return set.take();
}

}  // namespace murder::fleet
