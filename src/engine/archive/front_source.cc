#include "engine/archive/front_source.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "engine/base/allocation.h"
#include "engine/base/ensure.h"

namespace murder::archive {

void VerifiedFront::advance(uint64_t bytes) {
  ENSURE(bytes >= told_bytes_ && bytes < stopped_bit);
  if (bytes > told_bytes_) {
    // What was written before is seen by who reads the new front.
    state_.fetch_add(bytes - told_bytes_, std::memory_order_release);
    told_bytes_ = bytes;
    state_.notify_all();
  }
}

void VerifiedFront::stop() {
  state_.fetch_or(stopped_bit, std::memory_order_release);
  state_.notify_all();
}

std::optional<uint64_t> VerifiedFront::wait_beyond(uint64_t bytes) const {
  while (true) {
    const uint64_t state = state_.load(std::memory_order_acquire);
    if ((state & stopped_bit) != 0) {
      return std::nullopt;
    }
    if (state > bytes) {
      return state;
    }
    state_.wait(state, std::memory_order_acquire);
  }
}

void FrontSource::Free::operator()(uint8_t* memory) const {
  std::free(memory);
}

FrontSource::FrontSource(Fd file, const std::string& path, uint64_t size_bytes,
                         const VerifiedFront& front)
    : file_(std::move(file), path, true),
      path_(path),
      size_bytes_(size_bytes),
      front_(&front),
      buffer_(static_cast<uint8_t*>(std::aligned_alloc(ColdFile::alignment, buffer_bytes))) {
  static_assert(buffer_bytes % ColdFile::alignment == 0);
  require_memory(buffer_ != nullptr);
}

Result<FrontSource> FrontSource::open(const std::string& path, uint64_t size_bytes,
                                      const VerifiedFront& front) {
  Result<Fd> file = open_file(path, O_RDONLY);
  if (!file) {
    return fail(file.error());
  }
  return FrontSource(std::move(*file), path, size_bytes, front);
}

Result<size_t> FrontSource::read(std::span<uint8_t> into) {
  if (begin_ == end_ && offset_ < size_bytes_) {
    if (Status filled = fill(); !filled) {
      return fail(filled.error());
    }
  }
  const size_t count = std::min(into.size(), end_ - begin_);
  if (count > 0) {
    std::memcpy(into.data(), buffer_.get() + begin_, count);
    begin_ += count;
  }
  return count;
}

Status FrontSource::fill() {
  const std::optional<uint64_t> front = front_->wait_beyond(offset_);
  if (!front) {
    return fail(ErrorCode::interrupted, "stopped before all of " + path_ + " was there");
  }
  uint64_t wanted = std::min<uint64_t>(std::min(*front, size_bytes_) - offset_, buffer_bytes);
  if (offset_ % ColdFile::alignment != 0) {
    // Pieces of an odd size: on to where reading past the page cache is possible again.
    wanted = std::min(wanted, round_up_to_alignment(offset_) - offset_);
  }
  const std::span<uint8_t> buffer(buffer_.get(), buffer_bytes);
  const Result<size_t> got =
      file_.read(buffer, static_cast<size_t>(wanted), offset_, file_.is_cold(offset_, wanted));
  if (!got) {
    return fail(got.error());
  }
  if (*got < wanted) {
    return fail(ErrorCode::conflict, path_ + " became shorter while it was read");
  }
  offset_ += wanted;
  begin_ = 0;
  end_ = static_cast<size_t>(wanted);
  return {};
}

}  // namespace murder::archive
