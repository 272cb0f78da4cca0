#include "cli/commands/doctor/trust_checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/commands/doctor/expiry_warning.h"
#include "engine/archive/file.h"
#include "engine/base/printable.h"
#include "engine/trust/order.h"
#include "engine/trust/pattern.h"
#include "engine/trust/time_text.h"

namespace murder::cli {
namespace {

constexpr size_t signers_shown_max = 8;

std::string end_text(int64_t end_s, int64_t now_s) {
  const std::string when = trust::time_text_of(static_cast<uint64_t>(std::max<int64_t>(end_s, 0)));
  return end_s < now_s
             ? fmt::format("ended at {}", when)
             : fmt::format("ends in {} days, at {}", (end_s - now_s) / expiry_day_s, when);
}

bool counts_at(const trust::AllowedSigner& signer, std::string_view name_space, int64_t when_s) {
  return (!signer.namespaces || trust::matches_pattern_list(name_space, *signer.namespaces)) &&
         (!signer.valid_after_s || *signer.valid_after_s <= when_s) &&
         (!signer.valid_before_s || when_s < *signer.valid_before_s);
}

// How many signers there are at that time. An authority stands for as many as it likes.
size_t signers_at(const trust::AllowedSigners& allowed, std::string_view name_space,
                  int64_t when_s) {
  size_t count = 0;
  for (const trust::AllowedSigner& signer : allowed.signers) {
    count += !counts_at(signer, name_space, when_s) ? 0
             : signer.is_authority                  ? allowed.required
                                                    : 1;
  }
  return count;
}

std::string name_of(const TrustFacts& facts, size_t index) {
  const trust::AllowedSigner& signer = (*facts.allowed)->signers[index];
  return fmt::format("{}{} ({})", signer.is_authority ? "whom an authority calls " : "",
                     printable_value(signer.principals),
                     index < facts.fingerprints.size() ? facts.fingerprints[index] : "?");
}

// Those whose line is for these signatures, whether they count now or not.
std::string names_of(const TrustFacts& facts, std::string_view name_space) {
  const std::vector<trust::AllowedSigner>& signers = (*facts.allowed)->signers;
  std::string names;
  size_t count = 0;
  for (size_t index = 0; index < signers.size(); ++index) {
    const trust::AllowedSigner& signer = signers[index];
    if (signer.namespaces && !trust::matches_pattern_list(name_space, *signer.namespaces)) {
      continue;
    }
    if (++count <= signers_shown_max) {
      names += (names.empty() ? "" : ", ") + name_of(facts, index);
    }
  }
  if (count > signers_shown_max) {
    names += fmt::format(" and {} more", count - signers_shown_max);
  }
  return names.empty() ? "nobody" : names;
}

Finding describe_signers(const TrustFacts& facts) {
  const trust::AllowedSigners& allowed = **facts.allowed;
  Finding finding{.name = "signatures"};
  finding.text =
      fmt::format("releases must be signed by {} of the keys in {}: {}", allowed.required,
                  facts.path, names_of(facts, trust::release_namespace));
  if (signers_at(allowed, trust::release_namespace, facts.unix_seconds) < allowed.required) {
    finding.grade = Grade::broken;
    finding.text += "; too few of them count now, so every release is refused";
  }
  if (!allowed.names_orders) {
    finding.text += "; an agent needs no signed orders, since no line names murder-order";
  }
  return finding;
}

Finding describe_orders(const TrustFacts& facts) {
  const trust::AllowedSigners& allowed = **facts.allowed;
  Finding finding{.name = "orders"};
  finding.text = fmt::format("an agent does only what is signed by {} of the keys in {}: {}",
                             allowed.required, facts.path, names_of(facts, trust::order_namespace));
  if (signers_at(allowed, trust::order_namespace, facts.unix_seconds) < allowed.required) {
    finding.grade = Grade::broken;
    finding.text += "; too few of them count now, so every order is refused";
  }
  return finding;
}

void add_ends(const TrustFacts& facts, std::vector<Finding>& findings) {
  const trust::AllowedSigners& allowed = **facts.allowed;
  for (size_t index = 0; index < allowed.signers.size(); ++index) {
    const trust::AllowedSigner& signer = allowed.signers[index];
    if (signer.valid_before_s &&
        *signer.valid_before_s < facts.unix_seconds + expiry_warned_before_s) {
      findings.push_back(
          {.name = "signer",
           .grade = Grade::could_be_better,
           .text = fmt::format("{}:{}: {} {}", facts.path, signer.line, name_of(facts, index),
                               end_text(*signer.valid_before_s, facts.unix_seconds))});
    }
  }
  for (const trust::FaultyLine& fault : allowed.faults) {
    findings.push_back({.name = "signer",
                        .grade = Grade::could_be_better,
                        .text = fmt::format("{}:{} allows nobody: {}", facts.path, fault.line,
                                            printable_value(fault.text))});
  }
}

void add_targets(const TrustFacts& facts, std::vector<Finding>& findings) {
  for (const std::string& trouble : facts.unread) {
    findings.push_back({.name = "signed release", .grade = Grade::broken, .text = trouble});
  }
  for (const SignedTarget& target : facts.targets) {
    const host::SerialMark& mark = target.mark;
    const std::string of_app = mark.app.empty() ? "" : " of " + printable_value(mark.app);
    Finding finding{
        .name = "signed release",
        .text = fmt::format("{}: serial {}{}", archive::join_path(target.directory, mark.name),
                            mark.serial, of_app)};
    if (mark.until_s && *mark.until_s < facts.unix_seconds + expiry_warned_before_s) {
      finding.grade = Grade::could_be_better;
      finding.text += fmt::format("; its signature {}: further hosts are refused it then",
                                  end_text(*mark.until_s, facts.unix_seconds));
      finding.mend = "murder sign --renew TORRENT   # then deploy it again";
    }
    findings.push_back(std::move(finding));
  }
}

}  // namespace

std::vector<Finding> check_trust(const TrustFacts& facts) {
  if (!facts.allowed) {
    return {{.name = "signatures",
             .grade = Grade::broken,
             .text = facts.allowed.error().text + ": every release is refused"}};
  }
  std::vector<Finding> findings;
  if (!*facts.allowed) {
    findings.push_back({.name = "signatures",
                        .text = fmt::format("none are demanded: there is no {}, so whoever can "
                                            "change a torrent decides what is put in place",
                                            facts.path)});
    return findings;
  }
  findings.push_back(describe_signers(facts));
  if ((*facts.allowed)->names_orders) {
    findings.push_back(describe_orders(facts));
  }
  add_ends(facts, findings);
  add_targets(facts, findings);
  return findings;
}

}  // namespace murder::cli
