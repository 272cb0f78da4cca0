#include "engine/trust/key_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "engine/trust/base64.h"
#include "engine/trust/bounds.h"

namespace murder::trust {
namespace {

std::string_view next_key_word(std::string_view& rest) {
  constexpr std::string_view blanks = " \t";
  rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
  const std::string_view word = rest.substr(0, rest.find_first_of(blanks));
  rest.remove_prefix(word.size());
  return word;
}

}  // namespace

Result<PublicKey> parse_key_words(std::string_view type_name, std::string_view base64) {
  const Result<KeyType> type = key_type_of(type_name);
  if (!type) {
    return fail(type.error());
  }
  const std::optional<std::string> blob = decode_base64(base64);
  if (!blob) {
    return fail(ErrorCode::invalid_input, "the key is not base64");
  }
  Result<PublicKey> key = parse_public_key(*blob);
  if (key && key->type != *type) {
    return fail(ErrorCode::invalid_input, "the key is of another type than it says");
  }
  return key;
}

Result<PublicKey> parse_key_line(std::string_view line) {
  if (line.size() > limits::key_line_bytes_max || line.find('\n') != std::string_view::npos) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("a key that is not one line of at most {} bytes", limits::key_line_bytes_max));
  }
  const std::string_view type_name = next_key_word(line);
  return parse_key_words(type_name, next_key_word(line));
}

std::string key_line_of(const PublicKey& key) {
  return fmt::format("{} {}", name_of(key.type), encode_base64(key.blob));
}

}  // namespace murder::trust
