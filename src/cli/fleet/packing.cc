#include "cli/fleet/packing.h"

#include <fmt/format.h>
#include <sys/eventfd.h>

#include "cli/fleet/mapped_file.h"
#include "engine/archive/create_release.h"
#include "engine/base/ensure.h"
#include "engine/base/units.h"

namespace murder::fleet {

Packing::Packing(PackingJob job)
    : job_(std::move(job)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), thread_([this] {
        pack();
        has_ended_.store(true, std::memory_order_release);
        static_cast<void>(eventfd_write(wake_.get(), 1));
      }) {}

Packing::~Packing() {
  cancel_.set();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Packing::progress(const archive::ByteProgress& progress) {
  bytes_done_.store(progress.bytes_done, std::memory_order_relaxed);
  bytes_total_.store(progress.bytes_total, std::memory_order_relaxed);
}

void Packing::warning(std::string_view text) {
  const std::lock_guard lock(mutex_);
  warnings_.emplace_back(text);
}

std::vector<std::string> Packing::take_warnings() {
  const std::lock_guard lock(mutex_);
  return std::exchange(warnings_, {});
}

uint32_t Packing::percent() const {
  const uint64_t total = bytes_total_.load(std::memory_order_relaxed);
  const uint64_t done = std::min(bytes_done_.load(std::memory_order_relaxed), total);
  return total == 0 ? 0 : static_cast<uint32_t>(done * 100 / total);
}

void Packing::pack() {
  archive::CreateOptions create{.source = job_.source,
                                .tag = job_.tag,
                                .directory = job_.directory,
                                .hosts_expected = job_.hosts_expected,
                                .hashes_content = job_.signing.has_value(),
                                .cancel = &cancel_};
  cli::apply(job_.packing, create);
  const Result<archive::CreatedRelease> created = archive::create_release(create, *this);
  if (!created) {
    result_ = fail(created.error());
    return;
  }
  const Result<MappedFile> file = MappedFile::open(created->torrent_path);
  Result<LocalTorrent> torrent =
      file ? read_torrent(std::string(file->bytes()), created->torrent_path) : fail(file.error());
  if (!torrent) {
    result_ = fail(torrent.error());
    return;
  }
  note_ = fmt::format("packed {}: {} of {}", job_.source, format_size(created->archive_bytes),
                      format_size(created->source_bytes));
  if (Status done = sign(*torrent, *created); !done) {
    result_ = fail(done.error());
    return;
  }
  result_ = PackedRelease{.torrent = *torrent,
                          .archive_path = created->archive_path,
                          .archive_bytes = created->archive_bytes};
}

Status Packing::sign(LocalTorrent& torrent, const archive::CreatedRelease& created) {
  if (!job_.signing) {
    return {};
  }
  Result<SignedTorrent> made =
      sign_torrent(torrent, *job_.signing,
                   {.tag = job_.tag,
                    .info_hash = created.info_hash,
                    .sha256 = *created.content_sha256,
                    .size_bytes = created.archive_bytes},
                   {.note = [this](std::string_view text) { warning(text); }, .cancel = &cancel_});
  if (!made) {
    return fail(made.error());
  }
  torrent = std::move(made->torrent);
  note_ += "; " + made->text;
  return {};
}

Result<PackedRelease> Packing::result() {
  ENSURE(has_ended());
  if (thread_.joinable()) {
    thread_.join();
  }
  return std::move(*result_);
}

}  // namespace murder::fleet
