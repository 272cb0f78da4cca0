#include "engine/archive/content_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "engine/base/ensure.h"

namespace murder::archive {

ContentReader::ContentReader(std::span<const ContentPart> parts, const Geometry& geometry)
    : parts_(parts), geometry_(geometry) {
  buffer_.resize(std::min<uint64_t>(buffer_bytes, std::max<uint64_t>(geometry.piece_bytes, 1)));
}

Result<std::optional<Sha1Digest>> ContentReader::hash_piece(PieceIndex piece,
                                                            const CancelFlag& stop) {
  const uint64_t begin = geometry_.piece_offset(piece);
  const uint64_t end = begin + geometry_.piece_size(piece);
  // The last part that starts at or before the piece, then on to the end of the piece.
  const auto first = std::upper_bound(
      parts_.begin(), parts_.end(), begin,
      [](uint64_t offset, const ContentPart& part) { return offset < part.offset; });
  ENSURE(first != parts_.begin());
  const auto first_index = static_cast<size_t>(first - parts_.begin()) - 1;
  const ContentPart& first_part = parts_[first_index];
  if (!first_part.path.empty() && end <= first_part.offset + first_part.size_bytes) {
    const Result<bool> opened = open_part(first_index);
    if (!opened) {
      return fail(opened.error());
    }
    if (*opened && is_hole(begin - first_part.offset, end - first_part.offset)) {
      return std::optional(zeros_digest(geometry_.piece_size(piece)));
    }
  }
  bool is_complete = true;
  for (size_t index = first_index; index < parts_.size() && parts_[index].offset < end; ++index) {
    const ContentPart& part = parts_[index];
    const uint64_t part_begin = std::max(begin, part.offset);
    const uint64_t part_end = std::min(end, part.offset + part.size_bytes);
    if (part_begin >= part_end) {
      continue;
    }
    const Result<bool> fed =
        feed_part(index, part_begin - part.offset, part_end - part.offset, stop);
    if (!fed) {
      return fail(fed.error());
    }
    if (!*fed) {
      is_complete = false;
      break;
    }
  }
  const Sha1Digest digest = sha1_.finish();  // also when incomplete: it starts anew
  return is_complete ? std::optional(digest) : std::nullopt;
}

Result<bool> ContentReader::feed_part(size_t index, uint64_t begin, uint64_t end,
                                      const CancelFlag& stop) {
  const ContentPart& part = parts_[index];
  if (part.path.empty()) {
    feed_zeros(end - begin);
    return true;
  }
  const Result<bool> opened = open_part(index);
  if (!opened || !*opened) {
    return opened;
  }
  uint64_t at = begin;
  while (at < end) {
    if (stop.is_set()) {
      return false;
    }
    const auto wanted = static_cast<size_t>(std::min<uint64_t>(buffer_.size(), end - at));
    const std::span<uint8_t> into = std::span(buffer_).first(wanted);
    const Result<size_t> got = read_at(file_.get(), into, at, part.path);
    if (!got) {
      return fail(got.error());
    }
    if (*got < wanted) {
      return false;
    }
    sha1_.update(into);
    at += wanted;
  }
  return true;
}

Result<bool> ContentReader::open_part(size_t index) {
  if (open_index_ == index) {
    return file_.is_open();
  }
  const std::string& path = parts_[index].path;
  open_index_ = index;
  // Not to wait for anyone, should a fifo be there.
  file_ = FileDescriptor(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file_.is_open()) {
    if (error_code_of_errno(errno) == ErrorCode::not_found) {
      return false;
    }
    return fail_errno(errno, "cannot open " + path);
  }
  const Result<struct stat> status = stat_of(file_.get(), path);
  if (!status) {
    return fail(status.error());
  }
  if (!S_ISREG(status->st_mode)) {
    file_.close_now();
    return false;
  }
  file_bytes_ = static_cast<uint64_t>(status->st_size);
  ::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return true;
}

bool ContentReader::is_hole(uint64_t begin, uint64_t end) const {
  if (end > file_bytes_) {
    return false;
  }
  const off_t data = ::lseek(file_.get(), static_cast<off_t>(begin), SEEK_DATA);
  return data < 0 ? errno == ENXIO : static_cast<uint64_t>(data) >= end;
}

void ContentReader::feed_zeros(uint64_t count) {
  static constexpr std::array<uint8_t, 4096> zeros{};
  while (count > 0) {
    const uint64_t part = std::min<uint64_t>(count, zeros.size());
    sha1_.update(std::span(zeros).first(part));
    count -= part;
  }
}

Sha1Digest ContentReader::zeros_digest(uint32_t size_bytes) {
  if (zeros_bytes_ != size_bytes) {
    feed_zeros(size_bytes);
    zeros_digest_ = sha1_.finish();
    zeros_bytes_ = size_bytes;
  }
  return zeros_digest_;
}

}  // namespace murder::archive
