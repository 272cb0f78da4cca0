#include "engine/trust/statement.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/printable.h"
#include "engine/base/tag.h"
#include "engine/trust/bounds.h"
#include "engine/trust/statement_lines.h"
#include "engine/trust/time_text.h"

namespace murder::trust {
namespace {

constexpr std::string_view first_word = "murder-release";
constexpr std::string_view first_line = "murder-release 1";

tl::unexpected<Error> refuse_statement(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("a statement {}", what));
}

Result<std::optional<int64_t>> read_expiry(StatementLines& lines) {
  const std::optional<std::string_view> text = lines.value_of("expires");
  if (!text) {
    return std::nullopt;
  }
  const std::optional<int64_t> time = parse_time_text(*text);
  if (!time) {
    return refuse_statement("whose field expires is wrong");
  }
  return time;
}

}  // namespace

Status validate_application(std::string_view application) {
  std::string without_slashes(application);
  std::replace(without_slashes.begin(), without_slashes.end(), '/', '_');
  if (application.size() > limits::application_bytes_max || !validate_tag(without_slashes)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("'{}' cannot name an application: 1 to {} bytes of UTF-8 without "
                            "control characters can, not with a '-' in front",
                            printable_value(application), limits::application_bytes_max));
  }
  return {};
}

Status validate_statement(const ReleaseStatement& statement) {
  if (!statement.application.empty()) {
    if (Status valid = validate_application(statement.application); !valid) {
      return valid;
    }
  }
  if (Status valid = validate_tag(statement.tag); !valid) {
    return valid;
  }
  if (statement.size_bytes > serial_max || statement.serial > serial_max) {
    return refuse_statement("whose size or serial is too large");
  }
  if (!is_statement_time(statement.time_s) ||
      (statement.expires_s && !is_statement_time(*statement.expires_s))) {
    return refuse_statement("of a time that is not in the years 1970 to 9999");
  }
  if (statement.expires_s && *statement.expires_s <= statement.time_s) {
    return refuse_statement("that expires before it was made");
  }
  return {};
}

std::string encode_statement(const ReleaseStatement& statement) {
  std::string text = fmt::format("{}\n", first_line);
  if (!statement.application.empty()) {
    text += fmt::format("application {}\n", statement.application);
  }
  text +=
      fmt::format("tag {}\ninfo-hash {}\nsha256 {}\nsize {}\nserial {}\ntime {}\n", statement.tag,
                  statement.info_hash.hex(), statement.sha256.hex(), statement.size_bytes,
                  statement.serial, time_text_of(static_cast<uint64_t>(statement.time_s)));
  if (statement.expires_s) {
    text += fmt::format("expires {}\n", time_text_of(static_cast<uint64_t>(*statement.expires_s)));
  }
  return text;
}

Result<ReleaseStatement> parse_statement(std::string_view text) {
  if (text.size() > limits::statement_bytes_max) {
    return refuse_statement(fmt::format("of more than {} bytes", limits::statement_bytes_max));
  }
  StatementLines lines(text);
  const std::optional<std::string_view> first = lines.line();
  if (first != first_line) {
    return first && first->starts_with(fmt::format("{} ", first_word))
               ? refuse_statement("of another version than 1: a newer murder may know it")
               : refuse_statement("that is not one of a release");
  }
  ReleaseStatement statement;
  statement.application = lines.value_of("application").value_or("");
  statement.tag = lines.wanted("tag");
  const std::optional<InfoHash> info_hash = parse_statement_info_hash(lines.wanted("info-hash"));
  const std::optional<hash::Sha256Digest> sha256 =
      hash::Sha256Digest::from_hex(lines.wanted("sha256"));
  const std::optional<uint64_t> size_bytes = parse_statement_number(lines.wanted("size"));
  const std::optional<uint64_t> serial = parse_statement_number(lines.wanted("serial"));
  const std::optional<int64_t> time_s = parse_time_text(lines.wanted("time"));
  if (!lines.missing().empty()) {
    return refuse_statement(fmt::format("without the field {} in its place", lines.missing()));
  }
  const Result<std::optional<int64_t>> expires_s = read_expiry(lines);
  if (!expires_s) {
    return fail(expires_s.error());
  }
  if (!lines.is_empty()) {
    return refuse_statement("with more than its fields");
  }
  if (!info_hash || !sha256 || !size_bytes || !serial || !time_s) {
    return refuse_statement("with a field that is wrong");
  }
  statement.info_hash = *info_hash;
  statement.sha256 = *sha256;
  statement.size_bytes = *size_bytes;
  statement.serial = *serial;
  statement.time_s = *time_s;
  statement.expires_s = *expires_s;
  if (Status valid = validate_statement(statement); !valid) {
    return fail(valid.error());
  }
  // An application that is there and empty, say.
  if (encode_statement(statement) != text) {
    return refuse_statement("in another spelling than the one there is");
  }
  return statement;
}

}  // namespace murder::trust
