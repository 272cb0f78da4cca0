#include "cli/commands/manual/roff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

namespace murder::cli {
namespace {

constexpr size_t columns_max = 78;

bool is_name_character(char each) {
  return std::isalnum(static_cast<unsigned char>(each)) != 0 || each == '-';
}

// What a reader may want to copy: hyphens, quotes and the like as ASCII has them.
std::string literal_text(std::string_view text) {
  std::string out;
  for (const char each : text) {
    switch (each) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      default:
        out += each;
    }
  }
  return out;
}

std::string bold(std::string_view text) {
  return fmt::format("\\fB{}\\fP", literal_text(text));
}

// The length of an option's name that begins here, or 0.
size_t option_length(std::string_view text, size_t at) {
  const bool is_start = at == 0 || text[at - 1] == ' ' || text[at - 1] == '(';
  if (!is_start || text.substr(at, 2) != "--" || at + 2 >= text.size() ||
      !is_name_character(text[at + 2])) {
    return 0;
  }
  size_t end = at + 2;
  while (end < text.size() && is_name_character(text[end])) {
    ++end;
  }
  return end - at;
}

// A sentence, with what it encloses in backquotes; spaces that must not become line breaks are
// written as such.
std::string marked_text(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t close = text[at] == '`' ? text.find('`', at + 1) : std::string_view::npos;
    if (close != std::string_view::npos) {
      out += bold(text.substr(at + 1, close - at - 1));
      at = close + 1;
    } else if (const size_t length = option_length(text, at); length > 0) {
      out += "\\%" + bold(text.substr(at, length));  // not to be hyphenated
      at += length;
    } else {
      const char each = text[at++];
      // A hyphen and an apostrophe are what they look like.
      out += each == '-' || each == '\'' ? std::string(1, each) : literal_text({&each, 1});
    }
  }
  return out;
}

// Splits behind what ends a sentence, outside of backquotes.
std::vector<std::string> sentences_of(std::string_view text) {
  std::vector<std::string> sentences(1);
  bool is_literal = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char each = text[at];
    is_literal = is_literal != (each == '`');
    if (each == ' ' && !is_literal && !sentences.back().empty()) {
      std::string_view before = sentences.back();
      while (before.ends_with(')') || before.ends_with('"') || before.ends_with('`')) {
        before.remove_suffix(1);
      }
      if (before.ends_with('.') || before.ends_with('!') || before.ends_with('?')) {
        sentences.emplace_back();
        continue;
      }
    }
    if (each != ' ' || !sentences.back().empty()) {
      sentences.back() += each;
    }
  }
  return sentences;
}

// A line of text that begins like a request is none.
std::string guarded(const std::string& line) {
  return line.starts_with('.') || line.starts_with('\'') ? "\\&" + line : line;
}

std::string wrapped(const std::string& sentence) {
  std::string out;
  std::string line;
  for (size_t at = 0; at < sentence.size();) {
    const size_t end = std::min(sentence.find(' ', at), sentence.size());
    const std::string word = sentence.substr(at, end - at);
    at = end + 1;
    if (!line.empty() && line.size() + 1 + word.size() > columns_max) {
      out += guarded(line) + "\n";
      line.clear();
    }
    line += line.empty() || word.empty() ? word : " " + word;
  }
  return line.empty() ? out : out + guarded(line) + "\n";
}

bool is_indented(std::string_view paragraph) {
  return paragraph.starts_with("  ");
}

std::string without_indent(std::string_view paragraph) {
  std::string out;
  while (!paragraph.empty()) {
    const size_t end = std::min(paragraph.find('\n'), paragraph.size());
    std::string_view line = paragraph.substr(0, end);
    line.remove_prefix(std::min<size_t>(line.find_first_not_of(' '), 2));
    out += fmt::format("{}{}", out.empty() ? "" : "\n", line);
    paragraph.remove_prefix(std::min(end + 1, paragraph.size()));
  }
  return out;
}

std::string paragraph_text(std::string_view paragraph) {
  std::string flat(paragraph);
  std::replace(flat.begin(), flat.end(), '\n', ' ');
  std::string out;
  for (const std::string& sentence : sentences_of(flat)) {
    out += wrapped(marked_text(sentence));
  }
  return out;
}

}  // namespace

std::string roff_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find("\n\n"), text.size());
    const std::string_view paragraph = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    if (is_indented(paragraph)) {
      out += roff_literal(without_indent(paragraph));
    } else {
      out += (out.empty() ? "" : ".Pp\n") + paragraph_text(paragraph);
    }
  }
  return out;
}

std::string roff_line(std::string_view text) {
  std::string flat(text);
  std::replace(flat.begin(), flat.end(), '\n', ' ');
  return marked_text(flat);
}

std::string roff_literal(std::string_view lines) {
  std::string out = ".Bd -literal -offset indent\n";
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    out += guarded(literal_text(lines.substr(0, end))) + "\n";
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return out + ".Ed\n";
}

std::string roff_argument(std::string_view word) {
  std::string out = literal_text(word);
  for (size_t at = out.find('"'); at != std::string::npos; at = out.find('"', at + 4)) {
    out.replace(at, 1, "\\(dq");
  }
  if (out.empty() || out.find(' ') != std::string::npos) {
    return fmt::format("\"{}\"", out);
  }
  // A capital and one or two small letters may be the name of a macro.
  const bool may_be_macro = out.size() >= 2 && out.size() <= 3 &&
                            std::isupper(static_cast<unsigned char>(out[0])) != 0 &&
                            std::islower(static_cast<unsigned char>(out[1])) != 0;
  return may_be_macro ? "\\&" + out : out;
}

}  // namespace murder::cli
