#include "agent/outcome_signer.h"

#include <optional>
#include <utility>

#include "engine/trust/signature_file.h"

namespace murder::agent {

using control::KeptApp;

void OutcomeSigner::see_wanted(const control::Wanted& wanted) {
  for (const control::WantedApp& app : wanted.apps) {
    Asked& asked = asked_[app.app];
    if (app.release && app.attempt != asked.attempt) {
      asked.attempt = app.attempt;
      asked.release = *app.release;
      asked.is_returning = false;
    }
  }
}

// None yet: it is under way, or nothing was asked.
std::optional<OutcomeSigner::Kind> OutcomeSigner::outcome_of(const KeptApp& app, Asked& asked) {
  const bool has_failed =
      app.failure != control::Reason::none && app.failed_attempt == asked.attempt;
  asked.is_returning = asked.is_returning || (has_failed && app.phase >= control::Phase::returning);
  if (asked.attempt == 0 || app.phase != control::Phase::idle) {
    return std::nullopt;
  }
  if (has_failed) {
    return asked.is_returning ? Kind::returned : Kind::failed;
  }
  const bool is_healthy = app.attempt == asked.attempt && app.is_healthy && app.active &&
                          app.active->info_hash == asked.release;
  return is_healthy ? std::optional(Kind::healthy) : std::nullopt;
}

std::string OutcomeSigner::sign(const KeptApp& app, const Asked& asked, Kind kind,
                                int64_t now_s) const {
  const trust::OutcomeStatement outcome{
      .host = host_,
      .application = app.app,
      .info_hash = asked.release,
      .attempt = asked.attempt,
      .kind = kind,
      .reason = kind == Kind::healthy ? "" : std::string(control::name_of(app.failure)),
      .time_s = now_s};
  if (!trust::validate_outcome(outcome)) {
    return {};  // a name, or a clock, that cannot be signed
  }
  const std::string text = trust::encode_outcome(outcome);
  Result<std::string> blob = trust::sign_text(key_, trust::outcome_namespace, text);
  return blob ? trust::encode_signature_file({.text = text, .signatures = {std::move(*blob)}})
              : std::string();
}

std::vector<std::string> OutcomeSigner::take_due(const control::KeptAgent& kept, int64_t now_s) {
  std::vector<std::string> due;
  for (const KeptApp& app : kept.apps) {
    const auto found = asked_.find(app.app);
    if (found == asked_.end()) {
      continue;
    }
    Asked& asked = found->second;
    const std::optional<Kind> kind = outcome_of(app, asked);
    if (!kind || (asked.signed_attempt == asked.attempt && asked.signed_kind == *kind)) {
      continue;
    }
    asked.signed_attempt = asked.attempt;
    asked.signed_kind = *kind;
    asked.text = sign(app, asked, *kind, now_s);
    if (!asked.text.empty()) {
      due.push_back(asked.text);
    }
  }
  return due;
}

std::vector<std::string> OutcomeSigner::latest() const {
  std::vector<std::string> texts;
  for (const auto& [app, asked] : asked_) {
    if (!asked.text.empty()) {
      texts.push_back(asked.text);
    }
  }
  return texts;
}

}  // namespace murder::agent
