// murder key test.
#include <fmt/format.h>

#include <ctime>

#include "cli/commands/key/key.h"
#include "cli/commands/key/signer_options.h"
#include "cli/signing/signature_check.h"
#include "cli/signing/signer_json.h"
#include "cli/ui/torrent_word.h"
#include "engine/base/small_file.h"
#include "engine/trust/bounds.h"
#include "engine/trust/signature_file.h"

namespace murder::cli {
namespace {

struct TestSignatureOptions {
  std::string file;
  std::string allowed_signers;
  std::string name;
  std::optional<int64_t> at_s;
};

Status take_moment(const std::string& text, std::optional<int64_t>& seconds) {
  seconds = trust::parse_time_text(text);
  if (!seconds) {
    seconds = trust::parse_compact_time(text, host::seconds_of_local);
  }
  return seconds
             ? Status()
             : fail(ErrorCode::invalid_input,
                    text + ": write a time like 2026-12-31T00:00:00Z, 20261231 or 202612312359Z");
}

// A torrent that carries it, or a file of signatures.
Result<codec::SignedStatement> read_signed(const std::string& path) {
  if (path.ends_with(trust::signature_file_suffix)) {
    const Result<std::string> text = read_small_file(path, limits::signature_file_bytes_max);
    if (!text) {
      return fail(text.error());
    }
    Result<codec::SignedStatement> found = trust::parse_signature_file(*text);
    return found ? found : fail(found.error().code, path + ": " + found.error().text);
  }
  const Result<host::TorrentInput> torrent = load_torrent(path);
  if (!torrent) {
    return fail(torrent.error());
  }
  Result<std::optional<codec::SignedStatement>> found =
      find_signed_statement(torrent->metainfo, path);
  if (!found) {
    return fail(found.error());
  }
  return std::move(*found).value_or(codec::SignedStatement{});
}

Result<int> run_test_signature(const TestSignatureOptions& options, CommandContext& context) {
  const Result<trust::AllowedSigners> allowed = require_allowed_signers(options.allowed_signers);
  if (!allowed) {
    return fail(allowed.error());
  }
  const Result<codec::SignedStatement> signed_statement = read_signed(options.file);
  if (!signed_statement) {
    return fail(signed_statement.error());
  }
  const Result<trust::VerifiedRelease> verified = trust::verify_release(
      *signed_statement, *allowed, options.at_s.value_or(std::time(nullptr)),
      options.name.empty() ? std::nullopt : std::optional<std::string_view>(options.name));
  if (!verified) {
    return fail(verified.error().code, fmt::format("{}: {}", options.file, verified.error().text));
  }
  for (const trust::Signer& signer : verified->signers) {
    const std::string until = time_or_nothing(signer.until_s);
    context.print(fmt::format("signed by {}, line {}{}", trust::text_of(signer), signer.line,
                              until.empty() ? "" : ", until " + until));
  }
  for (const std::string& line : lines_of(verified->statement)) {
    context.print("  " + line);
  }
  for (const std::string& ignored : verified->ignored) {
    context.note("does not count: " + ignored);
  }
  context.print_json({{"file", options.file},
                      {"statement", statement_json(verified->statement)},
                      {"signers", signers_json(verified->signers)},
                      {"ignored", verified->ignored}});
  return exit_done;
}

}  // namespace

void add_test_signature_task(ArgumentParser key, CommandContext& context) {
  auto [command, options] = add_command<TestSignatureOptions>(
      key, context,
      {.name = "test",
       .description = "Say whether this host would trust the signatures of a torrent: exit code 0\n"
                      "if it would",
       .details = "Nothing but the signatures is tested: that the content is what was signed is "
                  "tested by `murder verify --signed`, and by every host before a release gets "
                  "its name. --at tells whether they will still count at another time, such as "
                  "behind the end of a key.",
       .example = "murder key test /tmp/v42.tar.zst.torrent --at 2027-01-01T00:00:00Z",
       .exit_statuses = {{"0", "It is signed by whom this host trusts."},
                         {"1", "It is not, or could not be read."},
                         {"2", "The command line is wrong."}},
       .files = {allowed_signers_file},
       .see_also = {"murder-verify(1)", "murder-key-list(1)", "murder-sign(1)"},
       .has_telling_exit_code = true},
      run_test_signature);
  command.add_option("FILE", options.file, "A torrent, or the file of signatures beside it (.sig)")
      .required();
  add_allowed_signers_option(command, options.allowed_signers);
  command
      .add_option("--signer", options.name,
                  "It must be signed by somebody of this name (default: by anybody)")
      .type_name("NAME");
  command
      .add_parsed(
          // Clang 14 captures no structured binding by its own name.
          "--at",
          [&at_s = options.at_s](const std::string& text) { return take_moment(text, at_s); },
          "As of this time, such as 2026-12-31T00:00:00Z (default: now)")
      .type_name("TIME");
}

}  // namespace murder::cli
