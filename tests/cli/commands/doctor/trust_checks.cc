#include "cli/commands/doctor/trust_checks.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace murder::cli {
namespace {

constexpr int64_t now_s = 1'800'000'000;
constexpr int64_t day_s = 86'400;

trust::AllowedSigner signer(const std::string& name, uint32_t line) {
  trust::AllowedSigner one;
  one.principals = name;
  one.line = line;
  return one;
}

TrustFacts host_of(const std::vector<trust::AllowedSigner>& signers, uint32_t required = 1) {
  trust::AllowedSigners allowed;
  allowed.signers = signers;
  allowed.required = required;
  TrustFacts facts;
  facts.path = "/etc/murder/allowed_signers";
  facts.unix_seconds = now_s;
  facts.fingerprints.assign(signers.size(), "SHA256:abc");
  facts.allowed = std::optional(std::move(allowed));
  return facts;
}

bool says(const std::vector<Finding>& findings, Grade grade, const std::string& words) {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) {
    return finding.grade == grade && finding.text.find(words) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("a host that demands no signatures says so once, and it is not broken") {
  TrustFacts facts;
  facts.path = "/etc/murder/allowed_signers";
  const std::vector<Finding> findings = check_trust(facts);
  REQUIRE(findings.size() == 1);
  CHECK(says(findings, Grade::ok, "there is no /etc/murder/allowed_signers"));
}

TEST_CASE("a file of signers that cannot be used is broken: every release is refused") {
  TrustFacts facts;
  facts.allowed = fail(ErrorCode::conflict, "others may write it");
  CHECK(says(check_trust(facts), Grade::broken, "others may write it: every release is refused"));
  CHECK(says(check_trust(host_of({})), Grade::broken, "too few of them count now"));
  CHECK(
      says(check_trust(host_of({signer("ann", 1)}, 2)), Grade::broken, "signed by 2 of the keys"));
}

TEST_CASE("whether agents demand signed orders is told, and of whom") {
  std::vector<trust::AllowedSigner> signers{signer("ann", 1), signer("ben", 2)};
  signers[0].namespaces = "murder-release";
  CHECK(says(check_trust(host_of(signers)), Grade::ok, "no line names murder-order"));
  signers[1].namespaces = "murder-o*,file";
  TrustFacts facts = host_of(signers);
  (*facts.allowed)->names_orders = true;
  std::vector<Finding> findings = check_trust(facts);
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].text.ends_with(": ann (SHA256:abc)"));
  CHECK(findings[1].name == "orders");
  CHECK(findings[1].grade == Grade::ok);
  CHECK(findings[1].text.ends_with(": ben (SHA256:abc)"));
  (*facts.allowed)->required = 2;
  CHECK(says(check_trust(facts), Grade::broken, "so every order is refused"));
  (*facts.allowed)->required = 1;
  (*facts.allowed)->signers[1].valid_before_s = now_s - 1;
  CHECK(says(check_trust(facts), Grade::broken, "so every order is refused"));
}

TEST_CASE("whoever may sign is named, and what ends within 30 days or has ended") {
  std::vector<trust::AllowedSigner> signers{signer("ann", 1), signer("ben", 2), signer("eve", 3)};
  CHECK(check_trust(host_of(signers)).size() == 1);
  CHECK(says(check_trust(host_of(signers)), Grade::ok, "ann (SHA256:abc), ben (SHA256:abc)"));
  signers[0].valid_before_s = now_s + 31 * day_s;
  signers[1].valid_before_s = now_s + 29 * day_s;
  signers[2].valid_before_s = now_s - 1;
  const std::vector<Finding> findings = check_trust(host_of(signers));
  CHECK(findings.size() == 3);
  CHECK(says(findings, Grade::could_be_better,
             "allowed_signers:2: ben (SHA256:abc) ends in 29 days"));
  CHECK(says(findings, Grade::could_be_better, "allowed_signers:3: eve (SHA256:abc) ended at"));
  CHECK(says(check_trust(host_of(signers, 2)), Grade::ok, "signed by 2 of the keys"));
  CHECK(says(check_trust(host_of(signers, 3)), Grade::broken, "too few of them count now"));
  signers[0].is_authority = true;  // of whom there may be many
  CHECK(says(check_trust(host_of(signers, 3)), Grade::ok, "signed by 3 of the keys"));
}

TEST_CASE("a line that allows nobody is told") {
  TrustFacts facts = host_of({signer("ann", 1)});
  (*facts.allowed)->faults.push_back({.line = 4, .text = "it has no key"});
  CHECK(says(check_trust(facts), Grade::could_be_better, ":4 allows nobody: it has no key"));
}

TEST_CASE("a signature of what is in place that ends soon is told, with what to do") {
  TrustFacts facts = host_of({signer("ann", 1)});
  facts.targets.push_back({.directory = "/srv/app", .mark = {.app = "shop", .serial = 7}});
  CHECK(says(check_trust(facts), Grade::ok, "/srv/app: serial 7 of shop"));
  facts.targets.front().mark.until_s = now_s + 3 * day_s;
  CHECK(says(check_trust(facts), Grade::could_be_better, "its signature ends in 3 days"));
  facts.unread.emplace_back("the record is damaged");
  CHECK(says(check_trust(facts), Grade::broken, "the record is damaged"));
}

}  // namespace murder::cli
