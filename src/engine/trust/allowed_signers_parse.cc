// The reading of allowed_signers. It follows what OpenSSH's parser does, to the last quote.
#include <fmt/format.h>

#include <algorithm>

#include "engine/base/printable.h"
#include "engine/trust/allowed_signers.h"
#include "engine/trust/bounds.h"
#include "engine/trust/key_line.h"
#include "engine/trust/order.h"
#include "engine/trust/pattern.h"

namespace murder::trust {
namespace {

constexpr std::string_view blanks = " \t";
constexpr std::string_view line_blanks = " \t\r\n";

tl::unexpected<Error> refuse_line(std::string text) {
  return fail(ErrorCode::invalid_input, std::move(text));
}

void skip_blanks(std::string_view& rest, std::string_view which = blanks) {
  rest.remove_prefix(std::min(rest.find_first_not_of(which), rest.size()));
}

std::string_view take_word(std::string_view& rest) {
  const std::string_view word = rest.substr(0, rest.find_first_of(blanks));
  rest.remove_prefix(word.size());
  skip_blanks(rest);
  return word;
}

// The first word, which may hold blanks in quotes: `"ann lee"` and `ann" "lee` are the same.
Result<std::string> take_principals(std::string_view& rest) {
  const size_t end = rest.find_first_of(" \t\r\n\"");
  if (end == std::string_view::npos) {
    return refuse_line("no key follows");
  }
  std::string principals(rest.substr(0, end));
  if (rest[end] == '"') {
    const size_t quote_end = rest.find('"', end + 1);
    if (quote_end == std::string_view::npos) {
      return refuse_line("a quote is not closed");
    }
    principals += rest.substr(end + 1, quote_end - end - 1);
    rest.remove_prefix(quote_end + 1);
  } else {
    rest.remove_prefix(end + 1);
  }
  skip_blanks(rest, line_blanks);
  return principals;
}

// A name of a type, blanks, base64. What follows is the comment. An Error leaves `rest`.
Result<PublicKey> take_key(std::string_view& rest) {
  std::string_view ahead = rest;
  const std::string_view name = take_word(ahead);
  const Result<KeyType> type = key_type_of(name);
  if (!type) {
    if (key_type_of(name, true)) {
      return refuse_line("a certificate is listed: list its authority, with cert-authority");
    }
    return fail(type.error());
  }
  Result<PublicKey> key = parse_key_words(name, take_word(ahead));
  if (key) {
    rest = ahead;
  }
  return key;
}

// From behind the principals to the blank that ends the options; quotes hide blanks.
Result<std::string_view> take_options(std::string_view& rest) {
  bool is_quoted = false;
  size_t end = 0;
  for (; end < rest.size() && (is_quoted || blanks.find(rest[end]) == std::string_view::npos);
       ++end) {
    if (rest[end] == '\\' && end + 1 < rest.size() && rest[end + 1] == '"') {
      ++end;
    } else if (rest[end] == '"') {
      is_quoted = !is_quoted;
    }
  }
  end = std::min(end, rest.size());
  if (is_quoted) {
    return refuse_line("a quote is not closed");
  }
  const std::string_view options = rest.substr(0, end);
  rest.remove_prefix(end);
  skip_blanks(rest);
  return options;
}

bool take_ignoring_case(std::string_view& rest, std::string_view lower_word) {
  if (rest.size() < lower_word.size()) {
    return false;
  }
  for (size_t index = 0; index < lower_word.size(); ++index) {
    const char each = rest[index];
    if ((each >= 'A' && each <= 'Z' ? static_cast<char>(each - 'A' + 'a') : each) !=
        lower_word[index]) {
      return false;
    }
  }
  rest.remove_prefix(lower_word.size());
  return true;
}

Result<std::string> take_quoted(std::string_view& rest) {
  if (!rest.starts_with('"')) {
    return refuse_line("the value of an option is not in quotes");
  }
  rest.remove_prefix(1);
  std::string value;
  while (!rest.empty() && rest.front() != '"') {
    if (rest.starts_with("\\\"")) {
      rest.remove_prefix(1);
    }
    value.push_back(rest.front());
    rest.remove_prefix(1);
  }
  if (rest.empty()) {
    return refuse_line("a quote is not closed");
  }
  rest.remove_prefix(1);
  return value;
}

Status take_time(std::string_view& rest, std::string_view name, std::optional<int64_t>& time,
                 LocalTime local) {
  if (time) {
    return refuse_line(fmt::format("{} is there twice", name));
  }
  const Result<std::string> value = take_quoted(rest);
  if (!value) {
    return fail(value.error());
  }
  time = parse_compact_time(*value, local);
  if (!time) {
    return refuse_line(
        fmt::format("{}=\"{}\": not a time of the form YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS",
                    name, printable_value(*value)));
  }
  return {};
}

// One option, if one that is known stands there.
Status take_option(std::string_view& rest, AllowedSigner& signer, LocalTime local) {
  if (take_ignoring_case(rest, "cert-authority")) {
    signer.is_authority = true;
    return {};
  }
  if (take_ignoring_case(rest, "namespaces=")) {
    if (signer.namespaces) {
      return refuse_line("namespaces is there twice");
    }
    Result<std::string> value = take_quoted(rest);
    if (!value) {
      return fail(value.error());
    }
    signer.namespaces = std::move(*value);
    return {};
  }
  if (take_ignoring_case(rest, "valid-after=")) {
    return take_time(rest, "valid-after", signer.valid_after_s, local);
  }
  if (take_ignoring_case(rest, "valid-before=")) {
    return take_time(rest, "valid-before", signer.valid_before_s, local);
  }
  return {};
}

Status read_options(std::string_view options, AllowedSigner& signer, LocalTime local) {
  while (!options.empty()) {
    if (Status taken = take_option(options, signer, local); !taken) {
      return taken;
    }
    if (options.empty()) {
      break;
    }
    if (options.front() != ',') {
      return refuse_line(fmt::format("there is no option '{}'",
                                     printable_value(options.substr(0, options.find(',')))));
    }
    options.remove_prefix(1);
    if (options.empty()) {
      return refuse_line("an option is missing behind a comma");
    }
  }
  if (signer.valid_after_s && signer.valid_before_s &&
      *signer.valid_before_s <= *signer.valid_after_s) {
    return refuse_line("valid-before is not after valid-after");
  }
  return {};
}

Result<AllowedSigner> read_signer(std::string_view rest, LocalTime local) {
  if (rest.find('\0') != std::string_view::npos) {
    return refuse_line("it holds a NUL");
  }
  AllowedSigner signer;
  Result<std::string> principals = take_principals(rest);
  if (!principals) {
    return fail(principals.error());
  }
  signer.principals = std::move(*principals);
  Result<PublicKey> key = take_key(rest);
  if (!key) {
    const std::string_view word = rest.substr(0, rest.find_first_of(blanks));
    if (key_type_of(word) || key_type_of(word, true)) {
      return fail(key.error());  // no option has such a name
    }
    const Result<std::string_view> options = take_options(rest);
    if (!options) {
      return fail(options.error());
    }
    if (rest.empty()) {
      return fail(key.error());
    }
    key = take_key(rest);
    if (!key) {
      return fail(key.error());
    }
    if (Status read = read_options(*options, signer, local); !read) {
      return fail(read.error());
    }
  }
  signer.key = std::move(*key);
  signer.comment = rest;
  return signer;
}

// "# murder: require = 2", with any blanks. false: a comment like any other.
Result<bool> read_directive(std::string_view comment, AllowedSigners& allowed) {
  comment.remove_prefix(1);
  skip_blanks(comment);
  if (!take_ignoring_case(comment, "murder:")) {
    return false;
  }
  skip_blanks(comment);
  std::string_view rest = comment;
  const std::string_view name = rest.substr(0, rest.find_first_of(" \t="));
  rest.remove_prefix(name.size());
  skip_blanks(rest);
  const bool has_value = rest.starts_with('=');
  rest.remove_prefix(has_value ? 1 : 0);
  skip_blanks(rest);
  if (name != "require" || !has_value || rest.size() != 1 || rest.front() < '1' ||
      rest.front() > '9') {
    return refuse_line(fmt::format(
        "'# murder: {}' is not understood: `# murder: require = N`, with N from 1 to 9, is "
        "what there is",
        printable_value(comment)));
  }
  const auto required = static_cast<uint32_t>(rest.front() - '0');
  allowed.required = std::max(allowed.required, required);
  return true;
}

// Such a comment behind something else on its line: a byte order mark, some other blank, a key.
// Whoever wrote it meant it to count.
bool hides_directive(std::string_view line) {
  AllowedSigners unused;
  for (size_t at = line.find('#'); at != std::string_view::npos; at = line.find('#', at + 1)) {
    if (const Result<bool> read = read_directive(line.substr(at), unused); !read || *read) {
      return true;
    }
  }
  return false;
}

}  // namespace

Result<AllowedSigners> parse_allowed_signers(std::string_view text, LocalTime local) {
  if (text.size() > limits::allowed_signers_bytes_max) {
    return fail(ErrorCode::limit,
                fmt::format("it is larger than {} bytes", limits::allowed_signers_bytes_max));
  }
  AllowedSigners allowed;
  for (uint32_t number = 1; !text.empty(); ++number) {
    const size_t size = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    line = line.substr(0, line.find_last_not_of(line_blanks) + 1);
    skip_blanks(line);  // no carriage return: OpenSSH does not pass over one here either
    if (line.empty()) {
      continue;
    }
    if (line.front() == '#') {
      if (const Result<bool> read = read_directive(line, allowed); !read) {
        return fail(read.error().code, fmt::format("line {}: {}", number, read.error().text));
      }
      continue;
    }
    if (hides_directive(line)) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("line {}: '# murder: ...' has to be a line of its own", number));
    }
    if (allowed.signers.size() + allowed.faults.size() == limits::allowed_signers_max) {
      return fail(ErrorCode::limit,
                  fmt::format("it has more than {} signers", limits::allowed_signers_max));
    }
    Result<AllowedSigner> signer = read_signer(line, local);
    const bool names_orders =
        signer ? signer->namespaces && matches_pattern_list(order_namespace, *signer->namespaces)
               : line.find(order_namespace) != std::string_view::npos;
    allowed.names_orders = allowed.names_orders || names_orders;
    if (signer) {
      signer->line = number;
      allowed.signers.push_back(std::move(*signer));
    } else {
      allowed.faults.push_back({.line = number, .text = std::move(signer.error().text)});
    }
  }
  return allowed;
}

}  // namespace murder::trust
