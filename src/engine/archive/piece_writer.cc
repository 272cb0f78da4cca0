#include "engine/archive/piece_writer.h"

#include <algorithm>

#include "engine/archive/file.h"
#include "engine/base/ensure.h"

namespace murder::archive {

PieceWriter::PieceWriter(int fd, std::string path, uint32_t piece_bytes)
    : fd_(fd), path_(std::move(path)), piece_bytes_(piece_bytes) {
  ENSURE(piece_bytes > 0);
  filling_.reserve(buffer_bytes);
  full_.reserve(buffer_count);
  free_.resize(buffer_count - 1);
  for (std::vector<uint8_t>& buffer : free_) {
    buffer.reserve(buffer_bytes);
  }
  thread_ = std::thread([this] { run(); });
}

PieceWriter::~PieceWriter() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      full_.clear();
      ended_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
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
  ENSURE(thread_.joinable());
  const Status handed = hand_over(true);
  thread_.join();
  if (!status_) {
    return status_;
  }
  if (piece_filled_bytes_ > 0) {
    digests_.push_back(sha1_.finish());
    piece_filled_bytes_ = 0;
  }
  return handed;
}

Status PieceWriter::hand_over(bool is_last) {
  std::unique_lock lock(mutex_);
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

void PieceWriter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !full_.empty() || ended_; });
    if (full_.empty()) {
      return;
    }
    std::vector<uint8_t> buffer = std::move(full_.front());
    full_.erase(full_.begin());
    lock.unlock();
    Status taken = take(buffer);
    buffer.clear();
    lock.lock();
    if (!taken) {
      status_ = std::move(taken);
      changed_.notify_all();
      return;
    }
    free_.push_back(std::move(buffer));
    changed_.notify_all();
  }
}

Status PieceWriter::take(std::span<const uint8_t> bytes) {
  if (Status written = write_all(fd_, bytes, path_); !written) {
    return written;
  }
  while (!bytes.empty()) {
    const size_t part = std::min<size_t>(bytes.size(), piece_bytes_ - piece_filled_bytes_);
    sha1_.update(bytes.first(part));
    piece_filled_bytes_ += static_cast<uint32_t>(part);
    bytes = bytes.subspan(part);
    if (piece_filled_bytes_ == piece_bytes_) {
      digests_.push_back(sha1_.finish());
      piece_filled_bytes_ = 0;
    }
  }
  return {};
}

}  // namespace murder::archive
