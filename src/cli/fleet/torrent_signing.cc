#include "cli/fleet/torrent_signing.h"

#include <fmt/format.h>

#include <ctime>

#include "engine/base/ensure.h"
#include "engine/codec/metainfo.h"
#include "engine/trust/signature_file.h"

namespace murder::fleet {

Result<std::optional<ReleaseSigning>> signing_of(const cli::SigningOptions& options,
                                                 const Variables& variables) {
  if (!options.is_asked && variables.sign_key.empty()) {
    if (options.serial || options.expires_after) {
      return fail(ErrorCode::invalid_input,
                  "--serial and --expires are signed: they go with --sign, or with sign_key in "
                  "murder.toml");
    }
    return std::nullopt;
  }
  Result<cli::SigningKey> key =
      cli::find_signing_key(options.key.empty() ? variables.sign_key : options.key);
  if (!key) {
    return fail(key.error());
  }
  ReleaseSigning signing{.key = std::move(*key), .statement = options};
  if (signing.statement.application.empty()) {
    signing.statement.application = variables.application;
  }
  return signing;
}

tl::unexpected<Error> refuse_signing(const Error& error, cli::CommandContext& context) {
  return error.code == ErrorCode::invalid_input ? context.wrong_usage(error.text) : fail(error);
}

Result<cli::SignedSubject> subject_of(const LocalTorrent& torrent, const Json& created,
                                      const std::string& tag) {
  const std::optional<hash::Sha256Digest> sha256 =
      hash::Sha256Digest::from_hex(text_member(created, "sha256"));
  const Result<codec::Metainfo> metainfo = codec::parse_metainfo(as_bytes_of(torrent.bytes));
  if (!metainfo) {
    return fail(metainfo.error());
  }
  if (!sha256 || text_member(created, "info_hash") != torrent.info_hash.hex()) {
    return fail(ErrorCode::invalid_input,
                "the SHA-256 of this torrent's content was not told, and it is to be signed");
  }
  return cli::SignedSubject{.tag = tag,
                            .info_hash = torrent.info_hash,
                            .sha256 = *sha256,
                            .size_bytes = metainfo->geometry.total_bytes};
}

Result<SignedTorrent> sign_torrent(const LocalTorrent& torrent, const ReleaseSigning& signing,
                                   const cli::SignedSubject& subject,
                                   const cli::SigningFront& front) {
  const Result<trust::ReleaseStatement> statement =
      cli::make_statement(signing.statement, subject, std::time(nullptr));
  if (!statement) {
    return fail(statement.error());
  }
  codec::SignedStatement signed_statement{.text = trust::encode_statement(*statement),
                                          .signatures = {}};
  const Result<trust::Signer> signer = cli::add_signature_of(signing.key, signed_statement, front);
  if (!signer) {
    return fail(signer.error());
  }
  Result<std::string> bytes =
      codec::with_signed_statement(as_bytes_of(torrent.bytes), signed_statement);
  if (!bytes) {
    return fail(bytes.error());
  }
  SignedTorrent made{.torrent = torrent,
                     .signature_file = trust::encode_signature_file(signed_statement),
                     .text = cli::signed_text(*signer, *statement)};
  made.torrent.bytes = std::move(*bytes);
  return made;
}

TorrentSigning::TorrentSigning(LocalTorrent torrent, ReleaseSigning signing,
                               cli::SignedSubject subject)
    : torrent_(std::move(torrent)),
      signing_(std::move(signing)),
      subject_(std::move(subject)),
      thread_([this] {
        const auto note = [this](std::string_view text) {
          const std::lock_guard lock(mutex_);
          notes_.emplace_back(text);
        };
        result_ = sign_torrent(torrent_, signing_, subject_, {.note = note, .cancel = &cancel_});
        has_ended_.store(true, std::memory_order_release);
      }) {}

TorrentSigning::~TorrentSigning() {
  cancel_.set();
  if (thread_.joinable()) {
    thread_.join();
  }
}

std::vector<std::string> TorrentSigning::take_notes() {
  const std::lock_guard lock(mutex_);
  return std::exchange(notes_, {});
}

Result<SignedTorrent> TorrentSigning::result() {
  ENSURE(has_ended());
  if (thread_.joinable()) {
    thread_.join();
  }
  return std::move(*result_);
}

}  // namespace murder::fleet
