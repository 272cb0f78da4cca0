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
  follow(record);
  if (text_member(record, "record") != "proven") {
    return std::nullopt;
  }
  const Status right = check(record);
  if (!right) {
    ++false_count_;
    return right.error().text;
  }
  const AppHost about(text_member(record, "app"), text_member(record, "host"));
  ++verified_count_;
  unproven_.erase(about);
  proven_[about] = text_member(record, "outcome");
  return std::string();
}

void AuditProofs::follow(const Json& record) {
  const std::string kind = text_member(record, "record");
  const AppHost about(text_member(record, "app"), text_member(record, "host"));
  if (kind == "agent") {
    identities_[about.second] = text_member(record, "identity");
  } else if (kind == "release") {
    // A number is given once: what is said of it later does not count.
    releases_.emplace(std::pair(about.first, count_member(record, "release_number")),
                      text_member(record, "info_hash"));
  } else if (kind == "rollout") {
    forget_rollout(about.first);
    rollouts_[about.first] = {.release = count_member(record, "release"),
                              .number = count_member(record, "rollout")};
  } else if (kind == "state" && text_member(record, "state") == "undoing") {
    rollouts_[about.first].undoing = count_member(record, "number");
  } else if (kind == "told") {
    before_.emplace(about, count_member(record, "before"));
    proven_.erase(about);
  } else if (kind == "outcome") {
    follow_outcome(record, about);
  }
}

// The coordinator judges by itself, too: that a host failed which signed that it is well, since it
// was too late, say. Only what both say of an attempt is proven.
void AuditProofs::follow_outcome(const Json& record, const AppHost& about) {
  const std::string stage = text_member(record, "stage");
  if (stage == "waiting") {
    proven_.erase(about);  // it is asked again
    return;
  }
  const bool is_well = stage == "healthy" || stage == "back-done";
  const auto proven = proven_.find(about);
  if (proven == proven_.end() || (proven->second == "healthy") != is_well) {
    unproven_.insert(about);
  }
}

void AuditProofs::forget_rollout(const std::string& app) {
  const auto is_of_app = [&app](const auto& each) { return each.first.first == app; };
  std::erase_if(before_, is_of_app);
  std::erase_if(proven_, is_of_app);
}

std::string AuditProofs::asked_release(const AppHost& about, uint64_t attempt) const {
  const auto rollout = rollouts_.find(about.first);
  if (rollout == rollouts_.end() || attempt < rollout->second.number) {
    return {};
  }
  uint64_t number = rollout->second.release;
  if (rollout->second.undoing != 0 && attempt >= rollout->second.undoing) {
    const auto before = before_.find(about);
    number = before == before_.end() ? 0 : before->second;
  }
  const auto release = releases_.find({about.first, number});
  return release == releases_.end() ? std::string() : release->second;
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
  if (trust::name_of(outcome->kind) != text_member(record, "outcome")) {
    return unproven(fmt::format("what is signed is that it is {}", trust::name_of(outcome->kind)));
  }
  const std::string asked = asked_release({outcome->application, host}, outcome->attempt);
  if (outcome->info_hash.hex() != asked) {
    return unproven(fmt::format("what is signed is about the release {}, and the log {}",
                                outcome->info_hash.hex(),
                                asked.empty() ? "does not say which the host was asked for"
                                              : "asked the host for " + asked));
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
