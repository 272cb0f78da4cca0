// murder key list.
#include <fmt/format.h>

#include <ctime>

#include "cli/commands/key/key.h"
#include "cli/commands/key/signer_options.h"
#include "cli/signing/signature_check.h"
#include "cli/signing/signer_json.h"
#include "cli/ui/table.h"
#include "engine/base/printable.h"

namespace murder::cli {
namespace {

struct ListSignersOptions {
  std::string allowed_signers;
};

std::string_view validity_of(const trust::AllowedSigner& signer, int64_t now_s) {
  if (signer.valid_before_s && now_s > *signer.valid_before_s) {
    return "expired";
  }
  return signer.valid_after_s && now_s < *signer.valid_after_s ? "not yet" : "valid";
}

std::string validity_text(const trust::AllowedSigner& signer, int64_t now_s) {
  std::string text(validity_of(signer, now_s));
  if (signer.valid_after_s) {
    text += " from " + time_or_nothing(signer.valid_after_s);
  }
  if (signer.valid_before_s) {
    text += " until " + time_or_nothing(signer.valid_before_s);
  }
  return text;
}

Json json_of(const trust::AllowedSigner& signer, int64_t now_s) {
  return {{"line", signer.line},
          {"names", signer.principals},
          {"key_type", trust::name_of(signer.key.type)},
          {"fingerprint", trust::fingerprint_of(signer.key)},
          {"authority", signer.is_authority},
          {"namespaces", signer.namespaces ? Json(*signer.namespaces) : Json()},
          {"from", signer.valid_after_s ? Json(time_or_nothing(signer.valid_after_s)) : Json()},
          {"until", signer.valid_before_s ? Json(time_or_nothing(signer.valid_before_s)) : Json()},
          {"state", validity_of(signer, now_s)},
          {"comment", signer.comment}};
}

Result<int> run_list_signers(const ListSignersOptions& options, CommandContext& context) {
  const std::string& path = options.allowed_signers;
  const Result<std::optional<trust::AllowedSigners>> loaded = host::load_allowed_signers(path);
  if (!loaded) {
    return fail(loaded.error());
  }
  if (!*loaded) {
    context.print(fmt::format("there is no {}: this host takes releases that nobody signed", path));
    context.print_json({{"path", path}, {"present", false}});
    return exit_done;
  }
  const trust::AllowedSigners& allowed = **loaded;
  const int64_t now_s = std::time(nullptr);
  std::vector<std::vector<std::string>> rows = {
      {"LINE", "NAMES", "KEY", "FINGERPRINT", "SIGNS", "STATE"}};
  Json signers = Json::array();
  for (const trust::AllowedSigner& signer : allowed.signers) {
    rows.push_back({fmt::format("{}", signer.line), printable_value(signer.principals),
                    std::string(trust::name_of(signer.key.type)), trust::fingerprint_of(signer.key),
                    fmt::format("{}{}", signer.is_authority ? "certificates for " : "",
                                signer.namespaces ? printable_value(*signer.namespaces) : "all"),
                    validity_text(signer, now_s)});
    signers.push_back(json_of(signer, now_s));
  }
  if (rows.size() > 1) {
    context.print(format_table(rows));
  }
  context.print(fmt::format("{} of these {} must sign a release", allowed.required,
                            allowed.required == 1 ? "keys" : "keys, each another one,"));
  if (const std::string faults = faults_text(allowed, path); !faults.empty()) {
    context.warn("these lines are not understood, and allow nobody:\n" + faults);
  }
  Json faults = Json::array();
  for (const trust::FaultyLine& fault : allowed.faults) {
    faults.push_back({{"line", fault.line}, {"error", fault.text}});
  }
  context.print_json({{"path", path},
                      {"present", true},
                      {"required", allowed.required},
                      {"signers", signers},
                      {"faults", faults}});
  return exit_done;
}

}  // namespace

void add_list_signers_task(ArgumentParser key, CommandContext& context) {
  auto [command, options] = add_command<ListSignersOptions>(
      key, context,
      {.name = "list",
       .description = "Show whose signatures this host trusts",
       .details = "Each line of the list with the fingerprint of its key, as `ssh-keygen -l` "
                  "shows it. Lines that are not understood are named: they allow nobody.",
       .example = "murder key list",
       .files = {allowed_signers_file},
       .see_also = {"murder-key-add(1)", "murder-key-test(1)", "ssh-keygen(1)"}},
      run_list_signers);
  add_allowed_signers_option(command, options.allowed_signers);
}

}  // namespace murder::cli
