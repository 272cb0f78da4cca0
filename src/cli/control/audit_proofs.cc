#include "cli/control/audit_proofs.h"

#include <fmt/format.h>

#include <utility>

#include "engine/base/printable.h"
#include "engine/trust/agent_key.h"
#include "engine/trust/order.h"
#include "engine/trust/outcome.h"
#include "engine/trust/public_key.h"
#include "engine/trust/signature_file.h"
#include "engine/trust/ssh_signature.h"
#include "engine/trust/time_text.h"
#include "engine/trust/verify_release.h"

namespace murder::cli {
namespace {

tl::unexpected<Error> unproven(std::string_view why) {
  return fail(ErrorCode::untrusted, std::string(why));
}

std::string signer_text(const codec::SignedStatement& signed_text, std::string_view name_space) {
  const Result<trust::Signer> signer =
      signed_text.signatures.empty()
          ? fail(ErrorCode::untrusted, "it is not signed")
          : trust::inspect_signature(signed_text.text, signed_text.signatures.front(), name_space);
  return signer ? signer->fingerprint : "nobody";
}

}  // namespace

std::string signed_summary(const std::string& text) {
  const Result<codec::SignedStatement> file = trust::parse_signature_file(text);
  if (!file) {
    return printable_value(text.substr(0, text.find('\n')));
  }
  if (const Result<trust::OrderStatement> order = trust::parse_order(file->text)) {
    return fmt::format("{} {} until {} by {}", trust::name_of(order->kind),
                       printable_value(order->tag),
                       trust::time_text_of(static_cast<uint64_t>(order->expires_s)),
                       signer_text(*file, trust::order_namespace));
  }
  return fmt::format("by {}", signer_text(*file, trust::outcome_namespace));
}

std::optional<std::string> AuditProofs::verify(const Json& record) {
  const std::string kind = text_member(record, "record");
  const std::pair<std::string, std::string> about(text_member(record, "app"),
                                                  text_member(record, "host"));
  if (kind == "agent") {
    identities_[about.second] = text_member(record, "identity");
  } else if (kind == "told") {
    proven_.erase(about);
  } else if (kind == "outcome" && text_member(record, "stage") != "waiting" &&
             !proven_.contains(about)) {
    unproven_.insert(about);
  }
  if (kind != "proven") {
    return std::nullopt;
  }
  const Status right = check(record);
  if (!right) {
    ++false_count_;
    return right.error().text;
  }
  ++verified_count_;
  unproven_.erase(about);
  proven_.insert(about);
  return std::string();
}

// Signed by the key that has the host's name in the log.
Status AuditProofs::check(const Json& record) const {
  const std::string host = text_member(record, "host");
  const Result<codec::SignedStatement> file =
      trust::parse_signature_file(text_member(record, "signed"));
  if (!file) {
    return unproven(file.error().text);
  }
  const Result<trust::OutcomeStatement> outcome = trust::parse_outcome(file->text);
  if (!outcome) {
    return unproven(outcome.error().text);
  }
  if (outcome->host != host || outcome->application != text_member(record, "app") ||
      outcome->attempt != count_member(record, "attempt")) {
    return unproven("what is signed is about another host, app or attempt");
  }
  if (file->signatures.size() != 1) {
    return unproven("it has not one signature");
  }
  const Result<trust::Signer> signer =
      trust::inspect_signature(file->text, file->signatures.front(), trust::outcome_namespace);
  if (!signer) {
    return unproven(signer.error().text);
  }
  const auto known = identities_.find(host);
  if (known == identities_.end() || known->second != signer->fingerprint) {
    return unproven(fmt::format("the key {} is not that of {}", signer->fingerprint, host));
  }
  return {};
}

}  // namespace murder::cli
