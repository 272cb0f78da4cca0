#include "engine/trust/outcome.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/trust/bounds.h"
#include "engine/trust/statement.h"
#include "engine/trust/statement_lines.h"
#include "engine/trust/time_text.h"

namespace murder::trust {
namespace {

using Kind = OutcomeStatement::Kind;

constexpr std::string_view outcome_line = "murder-outcome 1";
constexpr std::array<std::string_view, 3> outcome_names = {"healthy", "failed", "returned"};

tl::unexpected<Error> refuse_outcome(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("an outcome {}", what));
}

}  // namespace

std::string_view name_of(OutcomeStatement::Kind kind) {
  return outcome_names[static_cast<size_t>(kind)];
}

Status validate_outcome(const OutcomeStatement& outcome) {
  if (Status valid = validate_application(outcome.application); !valid) {
    return valid;
  }
  const bool has_reason = is_statement_name(outcome.reason, limits::outcome_reason_bytes_max);
  if (!is_statement_name(outcome.host, limits::proof_name_bytes_max) ||
      !is_statement_time(outcome.time_s) || outcome.attempt > statement_number_max ||
      (outcome.kind == Kind::healthy ? !outcome.reason.empty() : !has_reason)) {
    return refuse_outcome("with a host, attempt, reason or time that is wrong");
  }
  return {};
}

std::string encode_outcome(const OutcomeStatement& outcome) {
  std::string text =
      fmt::format("{}\nhost {}\napplication {}\ninfo-hash {}\nattempt {}\noutcome {}\n",
                  outcome_line, outcome.host, outcome.application, outcome.info_hash.hex(),
                  outcome.attempt, name_of(outcome.kind));
  if (!outcome.reason.empty()) {
    text += fmt::format("reason {}\n", outcome.reason);
  }
  return text + fmt::format("time {}\n", time_text_of(static_cast<uint64_t>(outcome.time_s)));
}

Result<OutcomeStatement> parse_outcome(std::string_view text) {
  if (text.size() > limits::statement_bytes_max) {
    return refuse_outcome(fmt::format("of more than {} bytes", limits::statement_bytes_max));
  }
  StatementLines lines(text);
  const std::optional<std::string_view> first = lines.line();
  if (first != outcome_line) {
    return first && first->starts_with("murder-outcome ")
               ? refuse_outcome("of another version than 1: a newer murder may know it")
               : refuse_outcome("that does not begin as one");
  }
  OutcomeStatement outcome;
  outcome.host = lines.wanted("host");
  outcome.application = lines.wanted("application");
  const std::optional<InfoHash> info_hash = parse_statement_info_hash(lines.wanted("info-hash"));
  const std::optional<uint64_t> attempt = parse_statement_number(lines.wanted("attempt"));
  const auto* const kind = std::ranges::find(outcome_names, lines.wanted("outcome"));
  outcome.reason = lines.value_of("reason").value_or("");
  const std::optional<int64_t> time_s = parse_time_text(lines.wanted("time"));
  if (!lines.missing().empty()) {
    return refuse_outcome(fmt::format("without the field {} in its place", lines.missing()));
  }
  if (!lines.is_empty()) {
    return refuse_outcome("with more than its fields");
  }
  if (!info_hash || !attempt || kind == outcome_names.end() || !time_s) {
    return refuse_outcome("with a field that is wrong");
  }
  outcome.info_hash = *info_hash;
  outcome.attempt = *attempt;
  outcome.kind = static_cast<Kind>(kind - outcome_names.begin());
  outcome.time_s = *time_s;
  if (Status valid = validate_outcome(outcome); !valid) {
    return fail(valid.error());
  }
  if (encode_outcome(outcome) != text) {
    return refuse_outcome("in another spelling than the one there is");
  }
  return outcome;
}

}  // namespace murder::trust
