#include "engine/archive/verify.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/archive/content_reader.h"
#include "engine/archive/file.h"
#include "engine/base/thread_start.h"

namespace murder::archive {

namespace {

constexpr uint32_t threads_max = 64;
constexpr auto progress_interval = std::chrono::milliseconds(100);

// Several threads that each take the next pieces until there is none. The caller's thread waits,
// tells progress and passes the wish to stop on.
class HashRun {
 public:
  HashRun(std::span<const ContentPart> parts, const Geometry& geometry,
          const VerifyOptions& options, Observer& observer)
      : parts_(parts), geometry_(geometry), options_(options), observer_(observer) {}

  // One digest for each piece; none for those that are not there.
  Result<std::vector<std::optional<Sha1Digest>>> run() {
    digests_.resize(geometry_.piece_count());
    const uint32_t cores = std::max(std::thread::hardware_concurrency(), 1U);
    const uint32_t wanted = std::min(options_.threads == 0 ? cores : options_.threads, threads_max);
    thread_count_ = std::min(wanted, geometry_.piece_count());
    running_ = thread_count_;
    std::vector<std::thread> threads(thread_count_);
    bool is_started = true;
    for (std::thread& thread : threads) {
      is_started = is_started && start_thread(thread, [this] { work(); });
      if (!is_started) {
        work();  // of no further thread: here
      }
    }
    wait();
    for (std::thread& thread : threads) {
      if (thread.joinable()) {
        thread.join();
      }
    }
    if (!status_) {
      return fail(status_.error());
    }
    if (options_.cancel != nullptr && options_.cancel->is_set()) {
      return fail(ErrorCode::interrupted, "stopped while hashing " + parts_.front().path);
    }
    return std::move(digests_);
  }

 private:
  void work() {
    ContentReader reader(parts_, geometry_,
                         {.through_cache = options_.through_cache,
                          .memory_bytes = options_.memory_bytes / thread_count_});
    const uint32_t piece_count = geometry_.piece_count();
    const uint32_t batch = std::clamp(piece_count / thread_count_, 1U, reader.batch_max());
    Status status;
    while (status && !stop_.is_set()) {
      const uint32_t first = next_piece_.fetch_add(batch, std::memory_order_relaxed);
      if (first >= piece_count) {
        break;
      }
      const uint32_t count = std::min(batch, piece_count - first);
      status = reader.hash_pieces({first}, std::span(digests_).subspan(first, count), stop_);
      for (uint32_t index = first; index < first + count; ++index) {
        bytes_done_.fetch_add(geometry_.piece_size({index}), std::memory_order_relaxed);
      }
    }
    if (!status) {
      stop_.set();
    }
    const std::lock_guard lock(mutex_);
    if (!status) {
      status_ = std::move(status);
    }
    --running_;
    ended_.notify_one();
  }

  void wait() {
    std::unique_lock lock(mutex_);
    while (running_ > 0) {
      ended_.wait_for(lock, progress_interval);
      if (options_.cancel != nullptr && options_.cancel->is_set()) {
        stop_.set();
      }
      lock.unlock();
      observer_.progress({.bytes_done = bytes_done_.load(std::memory_order_relaxed),
                          .bytes_total = geometry_.total_bytes,
                          .path = parts_.front().path});
      lock.lock();
    }
  }

  std::span<const ContentPart> parts_;
  const Geometry& geometry_;
  const VerifyOptions& options_;
  Observer& observer_;
  std::vector<std::optional<Sha1Digest>>
      digests_;  // each written by the thread that took its piece
  std::atomic<uint32_t> next_piece_{0};
  std::atomic<uint64_t> bytes_done_{0};
  CancelFlag stop_;

  uint32_t thread_count_ = 0;

  std::mutex mutex_;
  std::condition_variable ended_;
  uint32_t running_ = 0;
  Status status_;
};

Status check_kind(const std::string& path, bool wants_file) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return fail_errno(errno, "cannot look at " + path);
  }
  if (wants_file && !S_ISREG(status.st_mode)) {
    return fail(ErrorCode::invalid_input,
                path + " is not a file: name the file that this torrent describes");
  }
  if (!wants_file && !S_ISDIR(status.st_mode)) {
    return fail(ErrorCode::invalid_input,
                path + " is not a directory: name the one with the files of this torrent");
  }
  return {};
}

bool is_empty(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && status.st_size == 0;
}

std::vector<ContentPart> parts_of(const codec::Metainfo& metainfo, const std::string& path) {
  std::vector<ContentPart> parts;
  for (const codec::FileEntry& file : metainfo.files) {
    if (file.size_bytes == 0) {
      continue;
    }
    std::string file_path = metainfo.is_single_file ? path : join_path(path, file.path);
    parts.push_back({.path = file.is_padding ? std::string() : std::move(file_path),
                     .offset = file.offset,
                     .size_bytes = file.size_bytes});
  }
  return parts;
}

}  // namespace

Result<BitSet> verify_content(const codec::Metainfo& metainfo, const std::string& path,
                              const VerifyOptions& options, Observer& observer) {
  if (Status right = check_kind(path, metainfo.is_single_file); !right) {
    return fail(right.error());
  }
  BitSet pieces(metainfo.piece_count());
  const std::vector<ContentPart> parts = parts_of(metainfo, path);
  if (parts.empty() || (metainfo.is_single_file && is_empty(path))) {
    return pieces;  // a peer that has just made its archive waits for no thread
  }
  const auto digests = HashRun(parts, metainfo.geometry, options, observer).run();
  if (!digests) {
    return fail(digests.error());
  }
  for (uint32_t index = 0; index < pieces.size(); ++index) {
    if ((*digests)[index] == metainfo.piece_digests[index]) {
      pieces.set(index);
    }
  }
  return pieces;
}

Result<std::vector<Sha1Digest>> hash_pieces(const std::string& path, const Geometry& geometry,
                                            const VerifyOptions& options, Observer& observer) {
  std::vector<Sha1Digest> found;
  if (geometry.total_bytes == 0) {
    return found;
  }
  const std::vector<ContentPart> parts{
      {.path = path, .offset = 0, .size_bytes = geometry.total_bytes}};
  const auto digests = HashRun(parts, geometry, options, observer).run();
  if (!digests) {
    return fail(digests.error());
  }
  for (const std::optional<Sha1Digest>& digest : *digests) {
    if (!digest) {
      return fail(ErrorCode::conflict, path + " became shorter while it was read");
    }
    found.push_back(*digest);
  }
  return found;
}

}  // namespace murder::archive
