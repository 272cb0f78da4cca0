// Fuzzes the records of a coordinator's log, a line each, that `murder audit --verify` checks. The
// log is the coordinator's word: an outcome is right only if the text is what the agent signed.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/control/audit_proofs.h"
#include "engine/base/ensure.h"
#include "engine/base/json.h"
#include "engine/base/types.h"
#include "engine/trust/agent_key.h"
#include "engine/trust/outcome.h"
#include "engine/trust/signature_file.h"
#include "two_parsers.h"

using namespace murder;
using cli::AuditProofs;

namespace {

struct Agent {
  Agent() {
    key = trust::agent_key_of(trust::Secret{}).value();
    outcome = {.host = "w1",
               .application = "shop",
               .info_hash = {},
               .attempt = 7,
               .kind = trust::OutcomeStatement::Kind::healthy,
               .reason = {},
               .time_s = 5};
    const std::string text = trust::encode_outcome(outcome);
    const std::string blob = trust::sign_text(key, trust::outcome_namespace, text).value();
    file = trust::encode_signature_file({.text = text, .signatures = {blob}});
    before = {
        {{"record", "agent"}, {"host", "w1"}, {"identity", trust::fingerprint_of(key.public_key)}},
        {{"record", "release"},
         {"app", "shop"},
         {"release_number", 2},
         {"info_hash", outcome.info_hash.hex()}},
        {{"record", "rollout"}, {"app", "shop"}, {"release", 2}, {"rollout", 5}}};
    proven = {{"record", "proven"},
              {"app", "shop"},
              {"host", "w1"},
              {"attempt", uint64_t{7}},
              {"outcome", trust::name_of(outcome.kind)},
              {"signed", file}};
  }
  trust::AgentKey key;
  trust::OutcomeStatement outcome;
  std::string file;
  std::vector<Json> before;  // what the log says before that
  Json proven;
};

const Agent& known_agent() {
  static const Agent made;
  return made;
}

// What somebody put in the place of the signed text.
void check_text(std::string_view text) {
  AuditProofs proofs;
  for (const Json& record : known_agent().before) {
    ENSURE(!proofs.verify(record));
  }
  ENSURE(proofs.verify(known_agent().proven) == "");
  Json changed = known_agent().proven;
  changed["signed"] = std::string(text);
  const std::optional<std::string> said = proofs.verify(changed);
  ENSURE(said.has_value());
  if (said->empty()) {
    ENSURE(trust::parse_outcome(trust::parse_signature_file(text)->text) == known_agent().outcome);
  }
  ENSURE(cli::signed_summary(std::string(text)).size() <= 8 * text.size() + 200);
}

void check_log(std::string_view text) {
  AuditProofs proofs;
  uint64_t checked = 0;
  uint64_t right = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const Result<Json> record = parse_json(line);
    if (!record) {
      continue;
    }
    const std::optional<std::string> said = proofs.verify(*record);
    ENSURE(!said || text_member(*record, "record") == "proven");
    checked += said ? 1 : 0;
    right += said && said->empty() ? 1 : 0;
  }
  ENSURE(proofs.verified_count() == right && proofs.false_count() == checked - right);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  parse_by_first_byte(data, size, check_text, check_log);
  return 0;
}
