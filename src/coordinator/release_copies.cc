#include "coordinator/release_copies.h"

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "coordinator/bounds.h"
#include "engine/archive/file.h"
#include "engine/archive/tree_removal.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/small_file.h"
#include "engine/base/thread_start.h"

namespace murder::coordinator {
namespace {

constexpr size_t warnings_max = 16;

// The info hashes that name entries of the directory.
std::vector<InfoHash> copies_in(const std::string& directory) {
  std::vector<InfoHash> found;
  DIR* const listing = opendir(directory.c_str());
  if (listing == nullptr) {
    return found;
  }
  while (const dirent* entry = readdir(listing)) {
    const std::optional<InfoHash> info_hash = InfoHash::from_hex(entry->d_name);
    if (info_hash && info_hash->hex() == entry->d_name) {
      found.push_back(*info_hash);
    }
  }
  closedir(listing);
  return found;
}

}  // namespace

Result<std::unique_ptr<ReleaseCopies>> ReleaseCopies::start(const CopiesOptions& options) {
  if (Status made = archive::make_directories(options.directory); !made) {
    return fail(made.error());
  }
  std::unique_ptr<ReleaseCopies> copies(new ReleaseCopies(options));
  if (Status started = start_thread(copies->thread_, [own = copies.get()] { own->run(); });
      !started) {
    return fail(started.error());
  }
  return copies;
}

ReleaseCopies::~ReleaseCopies() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
}

std::string ReleaseCopies::directory_of(const InfoHash& info_hash) const {
  return fmt::format("{}/{}", options_.directory, info_hash.hex());
}

void ReleaseCopies::want(const std::vector<InfoHash>& releases) {
  const std::lock_guard lock(mutex_);
  std::erase_if(copies_, [&](const auto& copy) {
    return std::find(releases.begin(), releases.end(), copy.first) == releases.end();
  });
  for (const InfoHash& info_hash : releases) {
    copies_.try_emplace(info_hash, Copy{.pause = limits::copy_retry_first});
  }
  is_known_ = changed_ = true;
  wake_.notify_one();
}

std::vector<InfoHash> ReleaseCopies::lacking_torrents() const {
  const std::lock_guard lock(mutex_);
  std::vector<InfoHash> lacking;
  for (const auto& [info_hash, copy] : copies_) {
    if (!copy.has_torrent) {
      lacking.push_back(info_hash);
    }
  }
  return lacking;
}

void ReleaseCopies::give_torrent(const InfoHash& info_hash, std::string torrent) {
  const std::lock_guard lock(mutex_);
  const auto copy = copies_.find(info_hash);
  if (copy != copies_.end() && !copy->second.has_torrent) {
    copy->second.torrent = std::move(torrent);
    copy->second.has_torrent = changed_ = true;
    wake_.notify_one();
  }
}

CopyState ReleaseCopies::copy_of(const InfoHash& info_hash) const {
  const std::lock_guard lock(mutex_);
  const auto copy = copies_.find(info_hash);
  return copy == copies_.end() ? CopyState{} : copy->second.state;
}

void ReleaseCopies::use_arguments(std::vector<std::string> arguments) {
  const std::lock_guard lock(mutex_);
  options_.program.arguments = std::move(arguments);
}

std::vector<std::string> ReleaseCopies::take_warnings() {
  const std::lock_guard lock(mutex_);
  return std::exchange(warnings_, {});
}

// --- On its thread -------------------------------------------------------------------------------

void ReleaseCopies::run() {
  std::unique_lock lock(mutex_);
  while (!ends_) {
    std::vector<InfoHash> wanted;
    for (const auto& [info_hash, copy] : copies_) {
      wanted.push_back(info_hash);
    }
    const bool removes = std::exchange(changed_, false) && is_known_;
    lock.unlock();
    if (removes) {
      remove_others();
    }
    for (const InfoHash& info_hash : wanted) {
      tend(info_hash);
    }
    lock.lock();
    wake_.wait_for(lock, limits::copy_look_every, [this] { return ends_ || changed_; });
  }
  lock.unlock();
  stop_all();
}

void ReleaseCopies::tend(const InfoHash& info_hash) {
  std::string torrent;
  bool has_torrent = false;
  {
    const std::lock_guard lock(mutex_);
    const auto copy = copies_.find(info_hash);
    if (copy == copies_.end() || ends_) {
      return;
    }
    torrent = std::exchange(copy->second.torrent, {});
    has_torrent = copy->second.has_torrent;
  }
  const std::string directory = directory_of(info_hash);
  Status ready = archive::make_directories(directory);
  if (ready && !torrent.empty()) {
    ready = write_small_file(copy_torrent_path(directory), torrent);
  }
  if (has_torrent && ready) {
    keep_up(info_hash, directory);
  }
  if (!ready) {
    const std::lock_guard lock(mutex_);
    const auto copy = copies_.find(info_hash);
    if (copy != copies_.end()) {
      copy->second.has_torrent = false;  // it is asked for again
    }
    if (warnings_.size() < warnings_max) {
      warnings_.push_back(ready.error().text);
    }
  }
}

// Looks at the process, and starts one where there is none.
void ReleaseCopies::keep_up(const InfoHash& info_hash, const std::string& directory) {
  CopyLook look = look_at_copy(directory);
  Status started;
  const Instant now = monotonic_now();
  bool starts = false;
  CopyProgram program;
  {
    const std::lock_guard lock(mutex_);
    program = options_.program;
  }
  if (look.is_running && has_other_arguments(program, directory)) {
    stop_copy(directory);
    look.is_running = false;
  }
  {
    const std::lock_guard lock(mutex_);
    const auto copy = copies_.find(info_hash);
    starts = copy != copies_.end() && !look.is_running && now >= copy->second.try_not_before;
  }
  if (starts) {
    started = start_copy(program, directory);
    look = look_at_copy(directory);
  }
  const std::lock_guard lock(mutex_);
  const auto copy = copies_.find(info_hash);
  if (copy == copies_.end()) {
    return;
  }
  copy->second.state = look.state;
  if (starts) {
    // Also one that started and ended at once is not started again at once.
    copy->second.try_not_before = monotonic_now() + copy->second.pause;
    copy->second.pause = std::min(2 * copy->second.pause, limits::copy_retry_max);
  } else if (look.state.phase == CopyPhase::complete) {
    copy->second.pause = limits::copy_retry_first;
  }
  if (!started && warnings_.size() < warnings_max) {
    warnings_.push_back(
        fmt::format("no copy of release {} here: {}", info_hash.hex(), started.error().text));
  }
}

void ReleaseCopies::remove_others() {
  for (const InfoHash& info_hash : copies_in(options_.directory)) {
    {
      const std::lock_guard lock(mutex_);
      if (copies_.contains(info_hash)) {
        continue;
      }
    }
    stop_copy(directory_of(info_hash));
    static_cast<void>(archive::remove_tree(directory_of(info_hash)));
  }
}

void ReleaseCopies::stop_all() {
  for (const InfoHash& info_hash : copies_in(options_.directory)) {
    stop_copy(directory_of(info_hash));
  }
}

}  // namespace murder::coordinator
