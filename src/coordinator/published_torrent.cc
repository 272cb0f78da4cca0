#include "coordinator/published_torrent.h"

#include <fmt/format.h>

#include "engine/archive/release_name.h"
#include "engine/base/printable.h"
#include "engine/codec/metainfo.h"
#include "engine/hash/sha1.h"
#include "engine/trust/statement.h"

namespace murder::coordinator {
namespace {

tl::unexpected<Error> not_of(std::string_view what, std::string_view is, const std::string& asked) {
  return fail(ErrorCode::invalid_input,
              fmt::format("the torrent is {} {}, not {}", what, printable_value(is), asked));
}

}  // namespace

Result<PublishedTorrent> read_published_torrent(std::string_view bytes, const std::string& app,
                                                const std::string& tag) {
  const Result<codec::Metainfo> metainfo = codec::parse_metainfo(as_bytes_of(bytes));
  if (!metainfo) {
    return fail(metainfo.error().code, fmt::format("the torrent: {}", metainfo.error().text));
  }
  if (const std::string_view own = archive::tag_of_name(metainfo->name); own != tag) {
    return not_of("of tag", own, tag);
  }
  const Sha1Digest digest = hash::sha1(as_bytes_of(metainfo->raw_info));
  PublishedTorrent torrent{.info_hash = InfoHash{digest.bytes},
                           .total_bytes = metainfo->geometry.total_bytes};
  if (metainfo->signed_statement) {
    const Result<trust::ReleaseStatement> statement =
        trust::parse_statement(metainfo->signed_statement->text);
    if (!statement) {
      return fail(statement.error().code,
                  fmt::format("the torrent's signature: {}", statement.error().text));
    }
    if (!statement->application.empty() && statement->application != app) {
      return not_of("signed for app", statement->application, app);
    }
    if (statement->tag != tag) {
      return not_of("signed for tag", statement->tag, tag);
    }
    if (statement->info_hash != torrent.info_hash) {
      return fail(ErrorCode::invalid_input, "the torrent's signature is of another torrent");
    }
    torrent.signed_serial = statement->serial;
  }
  return torrent;
}

}  // namespace murder::coordinator
