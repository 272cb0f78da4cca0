#include "engine/host/delivery.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "engine/archive/content_digest.h"
#include "engine/archive/deliver.h"
#include "engine/archive/file.h"
#include "engine/archive/release_name.h"
#include "engine/archive/tree_placement.h"
#include "engine/archive/unpack.h"
#include "engine/base/own_file.h"
#include "engine/base/thread_start.h"
#include "engine/host/peer_outcome.h"
#include "engine/host/room_check.h"

namespace murder::host {
namespace {

namespace fs = std::filesystem;

// The nearest directory above that is there decides whether the target can be made.
Status check_writable(fs::path directory) {
  std::error_code error;
  while (!fs::exists(directory, error) && directory.has_relative_path()) {
    std::error_code ignored;
    if (fs::is_symlink(fs::symlink_status(directory, ignored))) {
      return fail(
          ErrorCode::conflict,
          fmt::format("{} is a symbolic link to nothing: remove it, or make what it leads to",
                      directory.string()));
    }
    if (error.value() == ENAMETOOLONG) {
      return fail_errno(error.value(), "cannot make " + directory.string());
    }
    directory = directory.parent_path();
  }
  if (!fs::is_directory(directory, error)) {
    return fail(ErrorCode::invalid_input, directory.string() + " is not a directory");
  }
  if (access(directory.c_str(), W_OK | X_OK) != 0) {
    return fail_errno(errno, "cannot write to " + directory.string());
  }
  return {};
}

bool is_file_release(const codec::Metainfo& metainfo) {
  return metainfo.is_single_file && !is_packed(metainfo);
}

// As cp, which asks for the directory before it copies.
Status check_file_target(const DeliveryOptions& options, const codec::Metainfo& metainfo) {
  std::error_code error;
  const fs::path to(options.to);
  const bool is_directory = fs::is_directory(to, error);
  if (options.to_is_directory && !is_directory && fs::exists(to, error)) {
    return fail(ErrorCode::exists, to.string() + " is there and is not a directory");
  }
  const fs::path file = is_directory || options.to_is_directory ? to / metainfo.name : to;
  const fs::path place = fs::weakly_canonical(file, error);
  if (!place.empty() && place == fs::weakly_canonical(options.archive_path, error)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} is where the file is kept while it comes, so it would be half "
                            "there: choose another --to, or another --temp-path",
                            file.string()));
  }
  if (const Result<std::string> behind = follow_own_links(file.string()); !behind) {
    return fail(behind.error());
  }
  if (fs::is_directory(file, error)) {
    return fail(ErrorCode::exists, file.string() + " is a directory: a file cannot replace it");
  }
  if (fs::exists(file, error) && !fs::is_regular_file(file, error)) {
    return fail(ErrorCode::exists, file.string() + " is there and is not a file");
  }
  if (fs::is_symlink(fs::symlink_status(file, error)) && !fs::exists(file, error)) {
    return fail(ErrorCode::exists,
                file.string() + " is a symbolic link to nothing: remove it first");
  }
  const fs::path directory = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (!options.makes_directory && !fs::is_directory(directory, error)) {
    return fail(ErrorCode::not_found,
                fmt::format("there is no directory {}: make it first", directory.string()));
  }
  if (Status writable = check_writable(directory); !writable) {
    return writable;
  }
  // On one file system the file that was fetched becomes the release.
  const uint64_t bytes =
      are_on_one_file_system(directory, options.archive_path) ? 0 : metainfo.geometry.total_bytes;
  return check_room(directory, {.unpacked_bytes = bytes, .entries = 1});
}

// As the torrent's maker says; one made elsewhere may not say it.
Status check_unpacked_room(const DeliveryOptions& options, const codec::Metainfo& metainfo) {
  // Else at least its root and an entry of each file.
  const auto files = static_cast<uint64_t>(
      std::count_if(metainfo.files.begin(), metainfo.files.end(),
                    [](const codec::FileEntry& file) { return !file.is_padding; }));
  const codec::UnpackedSize unpacked =
      metainfo.unpacked_size.value_or(codec::UnpackedSize{.bytes = 0, .entries = files + 1});
  struct stat archive {};
  const uint64_t here =
      stat(options.archive_path.c_str(), &archive) == 0 ? uint64_t(archive.st_blocks) * 512 : 0;
  const uint64_t total = metainfo.geometry.total_bytes;
  return check_room(options.to,
                    {.unpacked_bytes = unpacked.bytes,
                     .entries = unpacked.entries,
                     .archive_bytes = total - std::min(total, here),
                     .archive_directory = fs::path(options.archive_path).parent_path().string()});
}

// Other hosts wait for the pieces that this process passes on: they come first.
constexpr int unpacking_niceness = 5;

}  // namespace

bool is_packed(const codec::Metainfo& metainfo) {
  return metainfo.is_single_file && archive::is_packed_tree_name(metainfo.name);
}

std::string_view phase_of(const DeliveryOptions& options, const codec::Metainfo& metainfo) {
  if (options.keeps_archive) {
    return "syncing";
  }
  return is_packed(metainfo) ? "unpacking" : "copying";
}

std::string target_of(const DeliveryOptions& options) {
  return options.tag.empty() ? options.to : options.to + "/" + options.tag;
}

Status check_target(const DeliveryOptions& options, const codec::Metainfo& metainfo) {
  if (is_file_release(metainfo)) {
    return check_file_target(options, metainfo);
  }
  std::error_code error;
  const fs::path target(target_of(options));
  const fs::file_status status = fs::symlink_status(target, error);
  if (fs::is_symlink(status) && !options.replace) {
    return fail(ErrorCode::exists,
                fmt::format("{} is a symbolic link: remove it (--unsafe-please-delete does), or "
                            "choose another place",
                            target.string()));
  }
  if (fs::exists(status) && !options.replace) {
    if (!fs::is_directory(target, error)) {
      return fail(ErrorCode::exists,
                  fmt::format("{} is there and is not a directory (--unsafe-please-delete "
                              "replaces it)",
                              target.string()));
    }
    const bool empty = fs::is_empty(target, error);
    if (error) {
      return fail_errno(error.value(), "cannot read " + target.string());
    }
    if (!empty) {
      return fail(ErrorCode::exists,
                  fmt::format("{} is not empty (--unsafe-please-delete replaces what is there)",
                              target.string()));
    }
  }
  if (Status writable = check_writable(target.parent_path()); !writable) {
    return writable;
  }
  return check_unpacked_room(options, metainfo);
}

Delivery::Delivery(const DeliveryOptions& options, const codec::Metainfo& metainfo, DeliveryEnd end)
    : options_(options),
      metainfo_(metainfo),
      result_(fail(ErrorCode::interrupted, "not delivered")) {
  const Status started = start_thread(thread_, [this, end] {
    run();
    end();
  });
  if (!started) {
    result_ = fail(started.error());
    end();
  }
}

Delivery::~Delivery() {
  cancel();
  join();
}

void Delivery::join() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Delivery::run() {
  result_ = deliver();
  guard_.reset();  // record_place() takes the same lock
  if (result_ && options_.record) {
    recorded_ = record_place(options_.record->place, options_.record->options);
  } else if (!result_ && options_.placing_note && !has_its_name()) {
    forget_placing(options_.placing_note->run_directory, options_.placing_note->tag);
    if (is_placing_recorded_) {
      static_cast<void>(forget_recorded_placing(options_.record->place));
    }
  }
}

// What failed after the release got its name, such as bringing that to the disk: the next attempt
// finds by the note that it is there.
bool Delivery::has_its_name() const {
  if (is_placing_recorded_ && look_at_place(options_.record->place).state == PlaceState::same) {
    return true;
  }
  const PlacingNote& note = *options_.placing_note;
  return was_placed(note.run_directory, note.tag, note.info_hash, target_of(options_),
                    options_.signed_placing ? options_.signed_placing->content().sha256 : "");
}

Result<std::string> Delivery::deliver() {
  if (options_.keeps_archive) {
    return deliver_archive();
  }
  if (options_.is_there) {
    if (Status allowed = may_place(); !allowed) {
      return fail(allowed.error());
    }
    const std::string path = target_of(options_);
    const Status synced = options_.sync_to_disk ? archive::sync_placed(path) : Status();
    return synced ? Result<std::string>(path) : fail(synced.error());
  }
  if (is_file_release(metainfo_)) {
    if (options_.makes_directory) {
      if (Status made = archive::make_directories(options_.to, options_.sync_to_disk); !made) {
        return fail(made.error());
      }
    }
    return archive::deliver_file({.file_path = opened_path(),
                                  .name = metainfo_.name,
                                  .to = options_.to + (options_.to_is_directory ? "/" : ""),
                                  .is_executable = metainfo_.files.front().is_executable,
                                  .owner = options_.owner,
                                  .metainfo = &metainfo_,
                                  .sync_to_disk = options_.sync_to_disk,
                                  .cancel = &cancel_,
                                  .observer = this,
                                  .signed_content = signed_content()});
  }
  if (!metainfo_.is_single_file) {
    return archive::deliver_tree(metainfo_,
                                 {.content_directory = opened_path(),
                                  .directory = options_.to,
                                  .tag = options_.tag,
                                  .replace = options_.replace,
                                  .owner = options_.owner,
                                  .sync_to_disk = options_.sync_to_disk,
                                  .cancel = &cancel_,
                                  .signed_content = signed_content()},
                                 *this);
  }
  return unpack();
}

std::optional<archive::ContentDigest> Delivery::signed_content() const {
  return options_.signed_placing ? std::optional(options_.signed_placing->release.content)
                                 : std::nullopt;
}

// It has its name from the beginning: what a signature says is known before it is told to be there.
Result<std::string> Delivery::deliver_archive() {
  const std::string& path = options_.archive_path;
  if (options_.signed_placing) {
    const Result<archive::ContentDigest> found =
        archive::digest_of_content(metainfo_, path, &cancel_);
    const Status right =
        found ? archive::check_signed_content(*signed_content(), *found, metainfo_.name)
              : Status(fail(found.error()));
    if (!right) {
      return fail(right.error());
    }
    is_content_right_ = true;
    if (Status valid = check_signed_placing(*options_.signed_placing); !valid) {
      return fail(valid.error());
    }
  }
  const Status synced = options_.sync_to_disk ? archive::sync_placed(path) : Status();
  return synced ? Result<std::string>(path) : fail(synced.error());
}

Result<std::string> Delivery::unpack() {
  static_cast<void>(!::nice(unpacking_niceness));  // of this thread alone, as Linux has it
  Result<archive::FrontSource> source =
      archive::FrontSource::open(opened_path(), metainfo_.geometry.total_bytes, front_);
  if (!source) {
    return fail(source.error());
  }
  const Result<archive::Unpacked> unpacked = archive::unpack(
      *source,
      {.archive_name = options_.archive_path,
       .directory = options_.to,
       .tag = options_.tag,
       .replace = options_.replace,
       .unpacked_bytes_max = options_.unpacked_bytes_max,
       .entries_stated = metainfo_.unpacked_size ? metainfo_.unpacked_size->entries : 0,
       .owner = options_.owner,
       .keep_set_id = options_.keep_set_id,
       .keep_attributes = options_.keep_attributes,
       .sync_to_disk = options_.sync_to_disk,
       .cancel = &cancel_,
       .signed_content = signed_content()},
      *this);
  if (!unpacked) {
    return fail(unpacked.error());
  }
  return unpacked->path;
}

Status Delivery::may_place() {
  if (!options_.signed_placing) {
    return {};
  }
  Result<SerialGuard> guard = SerialGuard::enter(*options_.signed_placing, options_.sync_to_disk);
  is_content_right_ = true;
  if (!guard) {
    return fail(guard.error());
  }
  guard_.emplace(std::move(*guard));
  return {};
}

void Delivery::placing(int directory_fd) {
  // The run directory does not outlast a power cut. A tree that may not outlast it either is not
  // told to be there after one.
  if (options_.record && options_.sync_to_disk) {
    const ReleasePlace& place = options_.record->place;
    const Status recorded = guard_ ? record_placing(place, directory_fd, guard_->directory())
                                   : record_placing(place, directory_fd);
    is_placing_recorded_ = recorded.has_value();
  }
  if (options_.placing_note && !is_placing_recorded_) {
    const PlacingNote& note = *options_.placing_note;
    note_placing(note.run_directory, note.tag, note.info_hash, directory_fd, options_.sync_to_disk,
                 options_.signed_placing ? options_.signed_placing->content().sha256 : "");
  }
}

void Delivery::progress(const archive::ByteProgress& progress) {
  bytes_done_.store(progress.bytes_done, std::memory_order_relaxed);
  bytes_total_.store(progress.bytes_total, std::memory_order_relaxed);
}

Progress Delivery::progress() const {
  return {.phase = std::string(phase()),
          .done_bytes = bytes_done_.load(std::memory_order_relaxed),
          .total_bytes = bytes_total_.load(std::memory_order_relaxed)};
}

}  // namespace murder::host
