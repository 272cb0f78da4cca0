#include "cli/commands/create_signing.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "cli/fleet/signing_defaults.h"
#include "cli/signing/signer_json.h"
#include "engine/archive/file.h"
#include "engine/codec/bounds.h"
#include "engine/trust/signature_file.h"

namespace murder::cli {
namespace {

Result<Json> sign_torrent_of(const SigningKey& key, const SigningOptions& options,
                             const archive::CreateOptions& release,
                             const archive::CreatedRelease& created,
                             const CommandContext& context) {
  const Result<trust::ReleaseStatement> statement =
      make_statement(options,
                     {.tag = release.tag,
                      .info_hash = created.info_hash,
                      .sha256 = *created.content_sha256,
                      .size_bytes = created.archive_bytes},
                     std::time(nullptr));
  if (!statement) {
    return fail(statement.error());
  }
  codec::SignedStatement signed_statement{.text = trust::encode_statement(*statement),
                                          .signatures = {}};
  const Result<trust::Signer> signer =
      add_signature_of(key, signed_statement,
                       {.note = [&context](std::string_view line) { context.note(line); },
                        .cancel = release.cancel});
  if (!signer) {
    return fail(signer.error());
  }
  const Result<std::string> torrent =
      archive::read_whole_file(created.torrent_path, limits::torrent_bytes_max);
  if (!torrent) {
    return fail(torrent.error());
  }
  if (Status written =
          write_signed(created.torrent_path, *torrent, signed_statement, release.sync_to_disk);
      !written) {
    return fail(written.error());
  }
  context.print(signed_text(*signer, *statement));
  return Json{{"statement", statement_json(*statement)},
              {"signer", signers_json({*signer}).items().front()}};
}

}  // namespace

void add_create_signing_options(ArgumentParser command, SigningOptions& options) {
  add_sign_option(
      command, options,
      "Sign it, with the private key of this file or the public one of a key that the\n"
      "ssh-agent has (default: sign_key of murder.toml, else the first key of the agent).\n"
      "Without KEY it does not stand right before SOURCE");
  add_statement_options(command, options);
}

Result<std::optional<SigningKey>> prepare_signing(SigningOptions& options,
                                                  CommandContext& context) {
  if (!options.is_asked) {
    if (options.describes_statement()) {
      return context.wrong_usage("--app, --serial and --expires are signed: they go with --sign");
    }
    return std::nullopt;
  }
  if (Status taken = fleet::take_application_default(options); !taken) {
    return fail(taken.error());
  }
  Result<SigningKey> key = fleet::choose_signing_key(options);
  if (!key) {
    return fail(key.error());
  }
  return std::optional(std::move(*key));
}

Result<Json> sign_created(const SigningKey& key, const SigningOptions& options,
                          const archive::CreateOptions& release,
                          const archive::CreatedRelease& created, const CommandContext& context) {
  Result<Json> told = sign_torrent_of(key, options, release, created, context);
  if (!told) {
    return fail(told.error().code,
                fmt::format("{} is made, and not signed: {} (`murder sign {}` signs it)",
                            release.tag, told.error().text, created.torrent_path));
  }
  return told;
}

void remove_old_signatures(const archive::CreatedRelease& created, const CommandContext& context) {
  const std::string path = created.torrent_path + std::string(trust::signature_file_suffix);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    context.warn(fmt::format("{} is of an older torrent, and cannot be removed: {}", path,
                             std::strerror(errno)));
  }
}

}  // namespace murder::cli
