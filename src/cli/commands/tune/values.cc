#include "cli/commands/tune/values.h"

#include <charconv>

namespace murder::cli::tune {
namespace {

constexpr size_t cpus_max = 4096;
constexpr std::string_view blanks = " \t\r\n";

std::vector<std::string_view> words_in(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> words;
  size_t at = text.find_first_not_of(separators);
  while (at != std::string_view::npos) {
    const size_t end = std::min(text.find_first_of(separators, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(separators, end);
  }
  return words;
}

template <typename Number>
bool number_in(std::string_view word, Number* ret_number) {
  const auto [next, error] = std::from_chars(word.data(), word.data() + word.size(), *ret_number);
  return error == std::errc{} && next == word.data() + word.size() && !word.empty();
}

int digit_of(char hex) {
  if (hex >= '0' && hex <= '9') {
    return hex - '0';
  }
  return hex >= 'a' && hex <= 'f' ? hex - 'a' + 10 : -1;
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(blanks);
  return begin == std::string_view::npos
             ? std::string_view()
             : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

}  // namespace

std::string one_space_between(std::string_view text) {
  std::string line;
  for (const std::string_view word : words_in(text, blanks)) {
    line += line.empty() ? "" : " ";
    line += word;
  }
  return line;
}

std::vector<uint64_t> numbers_in(std::string_view text) {
  std::vector<uint64_t> numbers;
  for (const std::string_view word : words_in(text, blanks)) {
    uint64_t number = 0;
    if (!number_in(word, &number)) {
      return {};
    }
    numbers.push_back(number);
  }
  return numbers;
}

std::vector<uint32_t> cpus_in(std::string_view list) {
  std::vector<uint32_t> cpus;
  for (const std::string_view part : words_in(trimmed(list), ",")) {
    const size_t dash = part.find('-');
    uint32_t first = 0;
    uint32_t last = 0;
    const bool is_valid =
        number_in(part.substr(0, dash), &first) &&
        number_in(dash == std::string_view::npos ? part : part.substr(dash + 1), &last) &&
        first <= last;
    if (!is_valid || last - first >= cpus_max || cpus.size() + (last - first) >= cpus_max) {
      return {};
    }
    for (uint32_t cpu = first; cpu <= last; ++cpu) {
      cpus.push_back(cpu);
    }
  }
  return cpus;
}

std::string marked_word(std::string_view text) {
  const std::vector<std::string_view> words = words_in(text, blanks);
  for (const std::string_view word : words) {
    if (word.size() > 2 && word.front() == '[' && word.back() == ']') {
      return std::string(word.substr(1, word.size() - 2));
    }
  }
  return words.size() == 1 ? std::string(words.front()) : std::string();
}

std::vector<std::pair<std::string, std::string>> settings_in(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const std::string_view raw : words_in(text, "\n")) {
    const std::string_view line = trimmed(raw);
    const size_t equals = line.find('=');
    if (line.empty() || line.front() == '#' || line.front() == ';' || line.front() == '[' ||
        equals == std::string_view::npos) {
      continue;
    }
    settings.emplace_back(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
  }
  return settings;
}

std::string hex_of(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char each : bytes) {
    const auto byte = static_cast<unsigned char>(each);
    hex += digits[byte >> 4U];
    hex += digits[byte & 15U];
  }
  return hex;
}

bool bytes_of_hex(std::string_view hex, std::string* ret_bytes) {
  if (hex.size() % 2 != 0) {
    return false;
  }
  std::string bytes;
  for (size_t at = 0; at < hex.size(); at += 2) {
    const int high = digit_of(hex[at]);
    const int low = digit_of(hex[at + 1]);
    if (high < 0 || low < 0) {
      return false;
    }
    bytes += static_cast<char>(high * 16 + low);
  }
  *ret_bytes = std::move(bytes);
  return true;
}

}  // namespace murder::cli::tune
