#include "cli/signing/signer_json.h"

#include "engine/trust/time_text.h"

namespace murder::cli {
namespace {

Json time_or_null(const std::optional<int64_t>& seconds) {
  return seconds ? Json(time_or_nothing(seconds)) : Json();
}

}  // namespace

std::string time_or_nothing(const std::optional<int64_t>& seconds) {
  return seconds && *seconds >= 0 ? trust::time_text_of(static_cast<uint64_t>(*seconds)) : "";
}

Json statement_json(const trust::ReleaseStatement& statement) {
  return {{"application", statement.application.empty() ? Json() : Json(statement.application)},
          {"tag", statement.tag},
          {"info_hash", statement.info_hash.hex()},
          {"sha256", statement.sha256.hex()},
          {"size_bytes", statement.size_bytes},
          {"serial", statement.serial},
          {"time", time_or_null(statement.time_s)},
          {"expires", time_or_null(statement.expires_s)}};
}

Json signers_json(const std::vector<trust::Signer>& signers) {
  Json list = Json::array();
  for (const trust::Signer& signer : signers) {
    list.push_back({{"name", signer.principal},
                    {"key_type", trust::name_of(signer.key_type)},
                    {"fingerprint", signer.fingerprint},
                    {"line", signer.line},
                    {"until", time_or_null(signer.until_s)},
                    {"key_id", signer.key_id ? Json(*signer.key_id) : Json()}});
  }
  return list;
}

std::vector<std::string> lines_of(const trust::ReleaseStatement& statement) {
  const std::string text = trust::encode_statement(statement);
  std::vector<std::string> lines;
  for (size_t begin = text.find('\n') + 1; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

}  // namespace murder::cli
