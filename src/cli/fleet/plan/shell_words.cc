#include "cli/fleet/plan/shell_words.h"

#include <algorithm>

namespace murder::fleet {
namespace {

constexpr std::string_view plain_marks = "_@%+:,./-";
constexpr std::string_view blanks = " \t\r\n";

bool is_plain(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') ||
         plain_marks.find(character) != std::string_view::npos;
}

// Inside double quotes a backslash escapes these and stays in front of others (POSIX, 2.2.3).
bool is_escaped_in_double(char character) {
  return std::string_view("$`\"\\").find(character) != std::string_view::npos;
}

// Reads up to the closing quote; `index` is behind the opening one and ends behind the closing one.
bool read_quoted(std::string_view text, char quote, size_t& index, std::string& word) {
  while (index < text.size() && text[index] != quote) {
    if (quote == '"' && text[index] == '\\' && index + 1 < text.size() &&
        is_escaped_in_double(text[index + 1])) {
      ++index;
    }
    word += text[index++];
  }
  return index++ < text.size();
}

}  // namespace

std::string quote_word(std::string_view word) {
  // "NAME=VALUE" as the first word would be an assignment; an option is none.
  const bool may_have_equals = word.starts_with('-');
  const bool is_all_plain = std::all_of(word.begin(), word.end(), [&](char character) {
    return is_plain(character) || (may_have_equals && character == '=');
  });
  if (!word.empty() && is_all_plain) {
    return std::string(word);
  }
  std::string quoted = "'";
  for (const char character : word) {
    // Outside of the quotes: csh reads '!' inside of them, fish a backslash.
    if (character == '\'' || character == '\\' || character == '!') {
      quoted += "'\\";
      quoted += character;
      quoted += '\'';
    } else {
      quoted += character;
    }
  }
  return quoted + "'";
}

std::string quote_words(std::span<const std::string> words) {
  std::string line;
  for (const std::string& word : words) {
    line += (line.empty() ? "" : " ") + quote_word(word);
  }
  return line;
}

Result<std::vector<std::string>> split_words(std::string_view text) {
  std::vector<std::string> words;
  size_t index = 0;
  while (true) {
    index = std::min(text.find_first_not_of(blanks, index), text.size());
    if (index == text.size()) {
      return words;
    }
    std::string word;
    while (index < text.size() && blanks.find(text[index]) == std::string_view::npos) {
      const char character = text[index++];
      if (character == '\'' || character == '"') {
        if (!read_quoted(text, character, index, word)) {
          return fail(ErrorCode::invalid_input,
                      "a quote without its end in: " + std::string(text.substr(0, 200)));
        }
      } else if (character == '\\' && index < text.size()) {
        word += text[index++];
      } else {
        word += character;
      }
    }
    words.push_back(std::move(word));
  }
}

bool needs_shell(std::string_view text) {
  // An assignment in front counts; one in an option's value does not.
  const size_t first = std::min(text.find_first_not_of(blanks), text.size());
  const std::string_view first_word = text.substr(first, text.find_first_of(blanks, first) - first);
  return text.find_first_of("$`~;&|<>()*?[]{}#!\n") != std::string_view::npos ||
         first_word.find('=') != std::string_view::npos;
}

}  // namespace murder::fleet
