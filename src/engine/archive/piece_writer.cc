#include "engine/archive/piece_writer.h"

#include <algorithm>

#include "engine/archive/file.h"
#include "engine/base/bounds.h"
#include "engine/base/ensure.h"
#include "engine/base/geometry.h"
#include "engine/base/thread_start.h"
#include "engine/hash/sha1.h"

namespace murder::archive {

namespace {

// One keeps up with the compressor of some ten cores.
constexpr uint32_t cores_per_hasher = 8;
constexpr uint32_t hashers_max = 4;
constexpr size_t hasher_memory_bytes = 2 * 1024 * 1024;

// Room for more than anyone will write: the size is known at the end.
Geometry open_ended(uint32_t piece_bytes) {
  return {.total_bytes = uint64_t{limits::piece_count_max} * piece_bytes,
          .piece_bytes = piece_bytes};
}

}  // namespace

PieceWriter::PieceWriter(int fd, const std::string& path, std::string shown, uint32_t piece_bytes,
                         const Options& options)
    : fd_(fd),
      shown_(std::move(shown)),
      piece_bytes_(piece_bytes),
      options_(options),
      parts_{{.path = path, .offset = 0, .size_bytes = open_ended(piece_bytes).total_bytes}} {
  ENSURE(piece_bytes > 0);
  filling_.reserve(buffer_bytes);
  full_.reserve(buffer_count);
  free_.resize(buffer_count - 1);
  for (std::vector<uint8_t>& buffer : free_) {
    buffer.reserve(buffer_bytes);
  }
  // What it needs is taken while no other thread takes memory.
  static_cast<void>(hash::sha1_choice());
  threads_.emplace_back();
  if (status_ = start_thread(threads_.back(), [this] { run_writer(); }); !status_) {
    threads_.clear();
    return;
  }
  const uint32_t cores = std::max(std::thread::hardware_concurrency(), 1U);
  for (uint32_t count = std::clamp(cores / cores_per_hasher, 1U, hashers_max); count > 0; --count) {
    std::thread hasher;
    if (!start_thread(hasher, [this] { run_hasher(); })) {
      break;  // finish() hashes what nobody has
    }
    threads_.push_back(std::move(hasher));
  }
}

PieceWriter::~PieceWriter() {
  {
    const std::lock_guard lock(mutex_);
    full_.clear();
    ended_ = true;
  }
  changed_.notify_all();
  stop_.set();
  end_threads();
}

// Once the writing thread has been told that nothing comes any more.
void PieceWriter::end_threads() {
  if (threads_.empty()) {
    return;
  }
  threads_.front().join();
  written_.stop();
  for (size_t index = 1; index < threads_.size(); ++index) {
    threads_[index].join();
  }
  threads_.clear();
}

Status PieceWriter::write(std::span<const uint8_t> bytes) {
  size_bytes_ += bytes.size();
  while (!bytes.empty()) {
    const size_t part = std::min(bytes.size(), buffer_bytes - filling_.size());
    filling_.insert(filling_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(part));
    bytes = bytes.subspan(part);
    if (filling_.size() == buffer_bytes) {
      if (Status handed = hand_over(false); !handed) {
        return handed;
      }
    }
  }
  return {};
}

Status PieceWriter::finish() {
  if (threads_.empty()) {
    return status_;
  }
  static_cast<void>(hand_over(true));
  end_threads();
  if (!status_) {
    return status_;
  }
  // What the hashing threads had not begun when the end came, the last piece above all.
  const Geometry geometry{.total_bytes = size_bytes_, .piece_bytes = piece_bytes_};
  if (geometry.piece_count() > limits::piece_count_max) {
    return fail(ErrorCode::limit, shown_ + " has too many pieces: choose a larger --piece-size");
  }
  digests_.resize(geometry.piece_count());
  ContentReader reader(parts_, geometry,
                       {.through_cache = true, .memory_bytes = hasher_memory_bytes});
  for (uint32_t first = 0; first < digests_.size(); ++first) {
    uint32_t count = 0;
    while (count < reader.batch_max() && first + count < digests_.size() &&
           !digests_[first + count]) {
      ++count;
    }
    if (count == 0) {
      continue;
    }
    if (Status hashed = hash(reader, first, count); !hashed) {
      return hashed;
    }
  }
  return {};
}

std::vector<Sha1Digest> PieceWriter::digests() const {
  std::vector<Sha1Digest> digests;
  digests.reserve(digests_.size());
  for (const std::optional<Sha1Digest>& digest : digests_) {
    ENSURE(digest.has_value());
    digests.push_back(*digest);
  }
  return digests;
}

std::optional<hash::Sha256Digest> PieceWriter::take_content_digest() {
  ENSURE(threads_.empty());
  if (!options_.hashes_content) {
    return std::nullopt;
  }
  ENSURE(content_.size_bytes() == size_bytes_);
  return content_.finish();
}

Status PieceWriter::hand_over(bool is_last) {
  std::unique_lock lock(mutex_);
  if (threads_.empty()) {
    return status_;
  }
  full_.push_back(std::move(filling_));
  ended_ = is_last;
  changed_.notify_all();
  if (is_last) {
    return status_;
  }
  changed_.wait(lock, [this] { return !free_.empty() || !status_; });
  if (!status_) {
    return status_;
  }
  filling_ = std::move(free_.back());
  free_.pop_back();
  return {};
}

void PieceWriter::run_writer() {
  EarlyWriteback writeback;
  uint64_t written_bytes = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !full_.empty() || ended_; });
    if (full_.empty()) {
      return;
    }
    std::vector<uint8_t> buffer = std::move(full_.front());
    full_.erase(full_.begin());
    lock.unlock();
    Status written = write_all(fd_, buffer, shown_);
    if (!written) {
      failed(std::move(written));
      return;
    }
    written_bytes += buffer.size();
    if (options_.hashes_content) {
      content_.update(buffer);
    }
    if (options_.begins_early) {
      writeback.wrote(fd_, written_bytes);
    }
    written_.advance(written_bytes);
    buffer.clear();
    lock.lock();
    free_.push_back(std::move(buffer));
    changed_.notify_all();
  }
}

void PieceWriter::run_hasher() {
  ContentReader reader(parts_, open_ended(piece_bytes_),
                       {.through_cache = true, .memory_bytes = hasher_memory_bytes});
  const uint32_t count = reader.batch_max();
  while (true) {
    const uint32_t first = next_piece_.fetch_add(count, std::memory_order_relaxed);
    if (first > limits::piece_count_max - count ||
        !written_.wait_beyond(uint64_t{first + count} * piece_bytes_ - 1)) {
      return;
    }
    if (Status hashed = hash(reader, first, count); !hashed) {
      failed(std::move(hashed));
      return;
    }
  }
}

Status PieceWriter::hash(ContentReader& reader, uint32_t first, uint32_t count) {
  std::array<std::optional<Sha1Digest>, hash::lanes_max> digests;
  const std::span<std::optional<Sha1Digest>> found = std::span(digests).first(count);
  if (Status hashed = reader.hash_pieces({first}, found, stop_); !hashed) {
    return hashed;
  }
  if (stop_.is_set()) {
    return {};  // nobody will ask
  }
  if (!std::all_of(found.begin(), found.end(), [](const auto& digest) { return digest; })) {
    return fail(
        ErrorCode::conflict,
        shown_ +
            " was removed or cut while it was written: try again when nothing else works there, or "
            "choose another --temp-path");
  }
  const std::lock_guard lock(mutex_);
  digests_.resize(std::max<size_t>(digests_.size(), first + count));
  std::copy(found.begin(), found.end(), digests_.begin() + first);
  return {};
}

void PieceWriter::failed(Status status) {
  const std::lock_guard lock(mutex_);
  if (status_) {
    status_ = std::move(status);
  }
  changed_.notify_all();
}

}  // namespace murder::archive
