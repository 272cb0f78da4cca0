// murder sign: a release that is made gets a signature, or another one.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <optional>

#include "cli/commands/command_list.h"
#include "cli/fleet/signing_defaults.h"
#include "cli/signing/signature_check.h"
#include "cli/signing/signer_json.h"
#include "cli/signing/signing.h"
#include "cli/ui/command.h"
#include "cli/ui/stop_signals.h"
#include "engine/archive/content_digest.h"
#include "engine/archive/file.h"
#include "engine/archive/release_name.h"
#include "engine/base/fd.h"
#include "engine/base/own_file.h"
#include "engine/base/printable.h"
#include "engine/codec/bounds.h"
#include "engine/hash/info_hash.h"

namespace murder::cli {
namespace {

struct SignCommandOptions {
  std::string torrent;
  std::string content;
  std::string temp_path = "/tmp";
  SigningOptions signing;
  bool renew = false;
  bool no_sync = false;
};

// The path that a word stands for: of a torrent, or the tag of one in TEMP.
Result<std::string> torrent_path_of(const SignCommandOptions& options) {
  const std::string& word = options.torrent;
  if (word.find('/') != std::string::npos || word.ends_with(".torrent")) {
    return word;
  }
  constexpr std::array<std::string_view, 4> endings = {".tar.zst", ".tar.gz", ".tar", ""};
  std::string found;
  for (const std::string_view ending : endings) {
    const std::string path = fmt::format("{}/{}{}.torrent", options.temp_path, word, ending);
    if (::access(path.c_str(), F_OK) != 0) {
      continue;
    }
    if (!found.empty()) {
      return fail(ErrorCode::conflict,
                  fmt::format("there are {} and {}: name the one that is meant", found, path));
    }
    found = path;
  }
  if (found.empty()) {
    return fail(ErrorCode::not_found,
                fmt::format("no torrent of {} is in {}: name its path, or the directory with "
                            "--temp-path",
                            printable_value(word), options.temp_path));
  }
  return found;
}

struct OpenedTorrent {
  std::string path;
  std::string bytes;
  codec::Metainfo metainfo;
  InfoHash info_hash;
};

Result<OpenedTorrent> open_torrent(const SignCommandOptions& options) {
  const Result<std::string> path = torrent_path_of(options);
  if (!path) {
    return fail(path.error());
  }
  const Result<int> fd = open_own_file(*path, O_RDONLY);
  if (!fd) {
    return fail(fd.error().code, "the torrent: " + fd.error().text);
  }
  const Fd file(*fd);
  Result<std::string> bytes = archive::read_whole_file(fmt::format("/proc/self/fd/{}", file.get()),
                                                       limits::torrent_bytes_max);
  if (!bytes) {
    return fail(bytes.error());
  }
  OpenedTorrent torrent{.path = *path, .bytes = std::move(*bytes)};
  Result<codec::Metainfo> metainfo = codec::parse_metainfo(as_bytes_of(torrent.bytes));
  if (!metainfo) {
    return fail(metainfo.error().code,
                fmt::format("{} is not a usable torrent: {}", *path, metainfo.error().text));
  }
  torrent.metainfo = std::move(*metainfo);
  torrent.info_hash = hash::info_hash_of(as_bytes_of(torrent.metainfo.raw_info));
  torrent.metainfo.raw_info = {};
  return torrent;
}

// Where the content is: as told, else beside the torrent. Empty: it is not here.
std::string content_path_of(const SignCommandOptions& options, const std::string& torrent_path) {
  if (!options.content.empty() || !torrent_path.ends_with(".torrent")) {
    return options.content;
  }
  const std::string beside =
      torrent_path.substr(0, torrent_path.size() - std::string_view(".torrent").size());
  return ::access(beside.c_str(), F_OK) == 0 ? beside : "";
}

// Digests the content; its pieces are not looked at, since the digest is what counts.
Result<std::optional<archive::ContentDigest>> digest_content(const OpenedTorrent& torrent,
                                                             const std::string& content,
                                                             const archive::CancelFlag& cancel) {
  if (content.empty()) {
    return std::nullopt;
  }
  Result<archive::ContentDigest> digest =
      archive::digest_of_content(torrent.metainfo, content, &cancel);
  if (!digest) {
    return fail(digest.error());
  }
  return *digest;
}

// The statement that was signed before, if it is about this torrent and this content.
Status check_earlier(const trust::ReleaseStatement& statement, const OpenedTorrent& torrent,
                     const std::optional<archive::ContentDigest>& digest) {
  if (Status right = trust::check_subject(
          statement,
          {.info_hash = torrent.info_hash, .size_bytes = torrent.metainfo.geometry.total_bytes});
      !right) {
    return right;
  }
  if (digest &&
      (digest->sha256 != statement.sha256 || digest->size_bytes != statement.size_bytes)) {
    return fail(ErrorCode::untrusted,
                fmt::format("the content here is not what was signed: its SHA-256 is {}, not {}",
                            digest->sha256.hex(), statement.sha256.hex()));
  }
  return {};
}

// What is to be signed: the statement that is there, or a new one.
Result<codec::SignedStatement> statement_for(const SignCommandOptions& options,
                                             const OpenedTorrent& torrent,
                                             const std::optional<archive::ContentDigest>& digest,
                                             CommandContext& context) {
  Result<std::optional<codec::SignedStatement>> earlier =
      find_signed_statement(torrent.metainfo, torrent.path);
  if (!earlier && !options.renew) {
    return fail(earlier.error());
  }
  if (earlier && *earlier && !options.renew) {
    if (options.signing.describes_statement()) {
      return context.wrong_usage(
          "it is signed already, as it stands: --app, --serial and --expires go with --renew, "
          "which makes a new statement without the signatures of the old one");
    }
    const Result<trust::ReleaseStatement> statement = trust::parse_statement((*earlier)->text);
    if (!statement) {
      return fail(statement.error().code, "what is signed is " + statement.error().text);
    }
    if (Status right = check_earlier(*statement, torrent, digest); !right) {
      return fail(right.error());
    }
    if (!digest) {
      context.note("the content is not here: that it is what was signed is not checked");
    }
    return std::move(**earlier);
  }
  if (!digest) {
    return fail(ErrorCode::not_found,
                fmt::format("{} is signed with the SHA-256 of its content, which does not lie "
                            "beside it: name its path",
                            torrent.path));
  }
  const Result<std::string> tag = archive::valid_tag_of_name(torrent.metainfo.name);
  if (!tag) {
    return fail(tag.error());
  }
  SigningOptions signing = options.signing;
  if (Status taken = fleet::take_application_default(signing); !taken) {
    return fail(taken.error());
  }
  const Result<trust::ReleaseStatement> statement =
      make_statement(signing,
                     {.tag = *tag,
                      .info_hash = torrent.info_hash,
                      .sha256 = digest->sha256,
                      .size_bytes = digest->size_bytes},
                     std::time(nullptr));
  if (!statement) {
    return fail(statement.error());
  }
  return codec::SignedStatement{.text = trust::encode_statement(*statement), .signatures = {}};
}

Result<int> run_sign(const SignCommandOptions& options, CommandContext& context) {
  const StopSignals stop;
  const Result<OpenedTorrent> torrent = open_torrent(options);
  if (!torrent) {
    return fail(torrent.error());
  }
  const Result<SigningKey> key = fleet::choose_signing_key(options.signing);
  if (!key) {
    return fail(key.error());
  }
  const Result<std::optional<archive::ContentDigest>> digest =
      digest_content(*torrent, content_path_of(options, torrent->path), stop.flag());
  if (!digest) {
    return fail(digest.error());
  }
  Result<codec::SignedStatement> signed_statement =
      statement_for(options, *torrent, *digest, context);
  if (!signed_statement) {
    return fail(signed_statement.error());
  }
  const trust::ReleaseStatement statement = *trust::parse_statement(signed_statement->text);
  // Whoever signs sees what, before a token wants to be touched.
  for (const std::string& line : lines_of(statement)) {
    context.note("  " + line);
  }
  const Result<trust::Signer> signer = add_signature_of(
      *key, *signed_statement,
      {.note = [&context](std::string_view line) { context.note(line); }, .cancel = &stop.flag()});
  if (!signer) {
    return fail(signer.error());
  }
  if (Status written =
          write_signed(torrent->path, torrent->bytes, *signed_statement, !options.no_sync);
      !written) {
    return fail(written.error());
  }
  const size_t count = signed_statement->signatures.size();
  context.print(fmt::format("{}  {}{}", torrent->path, signed_text(*signer, statement),
                            count > 1 ? fmt::format(", {} signatures", count) : ""));
  context.print_json({{"torrent", torrent->path},
                      {"signature_file", torrent->path + ".sig"},
                      {"statement", statement_json(statement)},
                      {"signer", signers_json({*signer}).items().front()},
                      {"signatures", count}});
  return exit_done;
}

}  // namespace

void add_sign_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<SignCommandOptions>(
      app, context,
      {.name = "sign",
       .description = "Sign a release, or add a signature to one that is signed",
       .details =
           "What is signed is a text that names the application, the tag, the info hash, the "
           "SHA-256 and the size of the content, a serial, the time and, with --expires, an end. "
           "It goes with its signatures into the torrent, whose info hash stays, and into a file "
           "beside it, TORRENT.sig. A torrent that is signed already gets another signature of "
           "the same text; of the same key the new one takes the place of the old one.\n\n"
           "`ssh-keygen` makes the signature, so a key may have a passphrase, be kept by "
           "`ssh-agent`, on a FIDO token, or be certified. Hosts trust whom their "
           "`/etc/murder/allowed_signers` names (`murder key`).",
       .example = "murder sign v42 --key ~/.ssh/id_ed25519\n"
                  "murder sign /tmp/v42.tar.zst.torrent --renew --expires 30d",
       .files = {temp_files, config_file},
       .see_also = {"murder-create(1)", "murder-verify(1)", "murder-key(1)", "ssh-keygen(1)"},
       .has_telling_exit_code = true},
      run_sign);
  command.add_option("TORRENT", options.torrent, "The path of a torrent, or a tag").required();
  command.add_option("PATH", options.content,
                     "Its content (default: what lies beside it, without .torrent)");
  command
      .add_option("--key", options.signing.key,
                  "A private key, or the public one of a key that the agent has (default:\n"
                  "sign_key of murder.toml, else the first key of the agent)")
      .type_name("KEY")
      .completes(ValueKind::path);
  add_statement_options(command, options.signing);
  command.add_flag("--renew", options.renew,
                   "Make a new text, without the signatures that are there");
  command.add_option("--temp-path", options.temp_path, "Where the torrent of a tag is")
      .type_name("DIR")
      .show_default();
  command.add_flag("--no-sync", options.no_sync, "Do not wait for the disk");
}

}  // namespace murder::cli
