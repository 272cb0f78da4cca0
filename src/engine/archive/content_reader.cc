#include "engine/archive/content_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "engine/base/ensure.h"

namespace murder::archive {

namespace {

static_assert(LaneBuffers::alignment % ColdFile::alignment == 0);
// Of one lane. A multiple of the alignment and of SHA-1's blocks.
constexpr uint64_t buffer_bytes_min = 16 * 1024;
constexpr uint64_t buffer_bytes_max = 512 * 1024;

size_t buffer_bytes_for(const Geometry& geometry, size_t memory_bytes) {
  const uint64_t share = memory_bytes / hash::sha1_choice().lanes_best();
  const uint64_t most = std::clamp<uint64_t>(share, buffer_bytes_min, buffer_bytes_max);
  return round_up_to_alignment(std::clamp<uint64_t>(geometry.piece_bytes, 1, most));
}

}  // namespace

ContentReader::ContentReader(std::span<const ContentPart> parts, const Geometry& geometry,
                             const ContentReaderOptions& options)
    : parts_(parts),
      geometry_(geometry),
      through_cache_(options.through_cache),
      buffers_(hash::sha1_choice().lanes_best(), buffer_bytes_for(geometry, options.memory_bytes)),
      streams_(buffers_.lane_count(), hash::sha1_choice()) {}

Status ContentReader::hash_pieces(PieceIndex first,
                                  std::span<std::optional<Sha1Digest>> ret_digests,
                                  const CancelFlag& stop) {
  ENSURE(ret_digests.size() <= batch_max());
  std::array<Lane, hash::lanes_max> lanes;
  uint32_t lane_count = 0;
  for (uint32_t index = 0; index < ret_digests.size(); ++index) {
    Lane lane{.piece = {first.raw + index}, .ret_digest = &ret_digests[index]};
    const uint32_t size_bytes = geometry_.piece_size(lane.piece);
    const Result<bool> hole = is_hole(lane);
    if (!hole) {
      return fail(hole.error());
    }
    if (*hole) {
      ret_digests[index] = zeros_digest(size_bytes);
    } else if (size_bytes == geometry_.piece_bytes) {
      lanes[lane_count++] = lane;
    } else if (Status hashed = hash_lanes(std::span(&lane, 1), size_bytes, stop); !hashed) {
      return hashed;
    }
  }
  return lane_count == 0
             ? Status{}
             : hash_lanes(std::span(lanes).first(lane_count), geometry_.piece_bytes, stop);
}

Status ContentReader::hash_lanes(std::span<Lane> lanes, uint32_t size_bytes,
                                 const CancelFlag& stop) {
  std::array<hash::Part, hash::lanes_max> parts;
  for (uint32_t index = 0; index < lanes.size(); ++index) {
    streams_.restart(index);  // whatever became of the piece before
  }
  for (uint32_t at = 0; at < size_bytes;) {
    const size_t part = std::min<size_t>(buffers_.buffer_bytes(), size_bytes - at);
    const bool is_last = part == size_bytes - at;
    for (uint32_t index = 0; index < lanes.size(); ++index) {
      Lane& lane = lanes[index];
      parts[index] = {index, buffers_.at(index).first(part),
                      is_last ? hash::Extent::message_end : hash::Extent::blocks};
      if (stop.is_set()) {
        return {};
      }
      if (!lane.is_there) {
        continue;
      }
      const Result<bool> read_all =
          read(geometry_.piece_offset(lane.piece) + at, part, buffers_.at(index), lane.is_cold);
      if (!read_all) {
        return fail(read_all.error());
      }
      lane.is_there = *read_all;
    }
    if (std::none_of(lanes.begin(), lanes.end(), [](const Lane& lane) { return lane.is_there; })) {
      return {};
    }
    streams_.advance(std::span(parts).first(lanes.size()));
    at += static_cast<uint32_t>(part);
  }
  for (uint32_t index = 0; index < lanes.size(); ++index) {
    if (lanes[index].is_there) {
      *lanes[index].ret_digest = hash::digest_of(streams_, index);
    }
  }
  return {};
}

Result<bool> ContentReader::is_hole(Lane& lane) {
  const uint64_t begin = geometry_.piece_offset(lane.piece);
  const uint64_t end = begin + geometry_.piece_size(lane.piece);
  const size_t index = part_at(begin);
  const ContentPart& part = parts_[index];
  if (part.path.empty() || end > part.offset + part.size_bytes) {
    return false;
  }
  const Result<OpenFile*> opened = open_part(index);
  if (!opened) {
    return fail(opened.error());
  }
  const OpenFile* open = *opened;
  if (open == nullptr || end - part.offset > open->size_bytes) {
    return false;
  }
  const off_t data = ::lseek(open->file.fd(), static_cast<off_t>(begin - part.offset), SEEK_DATA);
  if (data < 0 ? errno == ENXIO : static_cast<uint64_t>(data) >= end - part.offset) {
    return true;
  }
  lane.is_cold = open->file.is_cold(begin - part.offset, end - begin);
  if (!lane.is_cold) {
    // So that the disk works on all lanes at once.
    ::posix_fadvise(open->file.fd(), static_cast<off_t>(begin - part.offset),
                    static_cast<off_t>(end - begin), POSIX_FADV_WILLNEED);
  }
  return false;
}

Result<bool> ContentReader::read(uint64_t offset, size_t wanted, std::span<uint8_t> buffer,
                                 bool is_cold) {
  size_t done = 0;
  for (size_t index = part_at(offset); done < wanted; ++index) {
    ENSURE(index < parts_.size());
    const ContentPart& part = parts_[index];
    const uint64_t begin = offset + done - part.offset;
    const auto size =
        static_cast<size_t>(std::min<uint64_t>(wanted - done, part.size_bytes - begin));
    const std::span<uint8_t> into = buffer.subspan(done, size);
    if (part.path.empty()) {
      std::fill(into.begin(), into.end(), uint8_t{0});
    } else {
      const Result<bool> read_all =
          read_part(index, begin, into, buffer.subspan(done), is_cold && size == wanted);
      if (!read_all || !*read_all) {
        return read_all;
      }
    }
    done += size;
  }
  return true;
}

Result<bool> ContentReader::read_part(size_t index, uint64_t offset, std::span<uint8_t> into,
                                      std::span<uint8_t> buffer, bool is_cold) {
  const Result<OpenFile*> opened = open_part(index);
  if (!opened) {
    return fail(opened.error());
  }
  OpenFile* open = *opened;
  if (open == nullptr) {
    return false;
  }
  const Result<size_t> got = open->file.read(buffer, into.size(), offset, is_cold);
  if (!got) {
    return fail(got.error());
  }
  return *got == into.size();
}

size_t ContentReader::part_at(uint64_t offset) const {
  const auto next =
      std::upper_bound(parts_.begin(), parts_.end(), offset,
                       [](uint64_t place, const ContentPart& part) { return place < part.offset; });
  ENSURE(next != parts_.begin());
  return static_cast<size_t>(next - parts_.begin()) - 1;
}

Result<ContentReader::OpenFile*> ContentReader::open_part(size_t index) {
  for (OpenFile& open : open_files_) {
    if (open.part_index == index) {
      return open.file.is_open() ? &open : nullptr;
    }
  }
  OpenFile& open = open_files_[next_open_file_];
  next_open_file_ = (next_open_file_ + 1) % open_files_.size();
  open = {};
  open.part_index = index;
  const std::string& path = parts_[index].path;
  // Not to wait for anyone, should a fifo be there.
  constexpr int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  Fd file(::open(path.c_str(), flags));
  if (!file.is_open()) {
    if (error_code_of_errno(errno) == ErrorCode::not_found) {
      return nullptr;
    }
    open.part_index.reset();
    return fail_errno(errno, "cannot open " + path);
  }
  const Result<struct stat> status = stat_of(file.get(), path);
  if (!status) {
    open.part_index.reset();
    return fail(status.error());
  }
  if (!S_ISREG(status->st_mode)) {
    return nullptr;
  }
  open.file = ColdFile(std::move(file), path, !through_cache_);
  open.size_bytes = static_cast<uint64_t>(status->st_size);
  return &open;
}

Sha1Digest ContentReader::zeros_digest(uint32_t size_bytes) {
  if (zeros_bytes_ != size_bytes) {
    static constexpr std::array<uint8_t, 4096> zeros{};
    uint32_t left = size_bytes;
    hash::Part part{.stream = 0, .bytes = zeros, .extent = hash::Extent::blocks};
    streams_.restart(part.stream);
    for (; left > zeros.size(); left -= static_cast<uint32_t>(zeros.size())) {
      streams_.advance({&part, 1});
    }
    part = {.stream = 0, .bytes = std::span(zeros).first(left)};
    streams_.advance({&part, 1});
    zeros_digest_ = hash::digest_of(streams_, part.stream);
    zeros_bytes_ = size_bytes;
  }
  return zeros_digest_;
}

}  // namespace murder::archive
