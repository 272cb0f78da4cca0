#include "engine/archive/content_digest.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "engine/archive/file.h"

namespace murder::archive {
namespace {

constexpr size_t digest_buffer_bytes = 256 * 1024;

// Hashes the file from its start on; how many bytes that were.
Result<uint64_t> hash_open_file(int fd, const std::string& path, std::vector<uint8_t>& buffer,
                                const CancelFlag* cancel, hash::Sha256Stream& stream) {
  uint64_t at = 0;
  while (true) {
    if (cancel != nullptr && cancel->is_set()) {
      return fail(ErrorCode::interrupted, "stopped while hashing " + path);
    }
    const Result<size_t> got = read_at(fd, buffer, at, path);
    if (!got) {
      return fail(got.error());
    }
    stream.update(std::span(buffer).first(*got));
    at += *got;
    if (*got < buffer.size()) {
      return at;
    }
  }
}

Status hash_entry(const codec::FileEntry& entry, const std::string& path,
                  std::vector<uint8_t>& buffer, const CancelFlag* cancel,
                  hash::Sha256Stream& stream) {
  // Not to wait for anyone, should a fifo be there.
  const Result<Fd> file = open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (!file) {
    return fail(file.error());
  }
  const Result<uint64_t> size_bytes = hash_open_file(file->get(), path, buffer, cancel, stream);
  if (!size_bytes) {
    return fail(size_bytes.error());
  }
  return *size_bytes == entry.size_bytes
             ? Status()
             : Status(fail(ErrorCode::conflict, fmt::format("{} has {} bytes, {} of the release",
                                                            path, *size_bytes, entry.size_bytes)));
}

void hash_zeros(uint64_t size_bytes, std::vector<uint8_t>& buffer, hash::Sha256Stream& stream) {
  std::fill(buffer.begin(), buffer.end(), uint8_t{0});
  while (size_bytes > 0) {
    const auto part = static_cast<size_t>(std::min<uint64_t>(size_bytes, buffer.size()));
    stream.update(std::span(buffer).first(part));
    size_bytes -= part;
  }
}

}  // namespace

Status check_signed_content(const ContentDigest& expected, const ContentDigest& found,
                            const std::string& name) {
  if (expected == found) {
    return {};
  }
  return fail(ErrorCode::untrusted,
              fmt::format("the content of {} is not what was signed (SHA-256 {}, {} bytes; signed "
                          "is {}, {} bytes), though its pieces fit the torrent: nothing of it was "
                          "put in place; find out who made that torrent",
                          name, found.sha256.hex(), found.size_bytes, expected.sha256.hex(),
                          expected.size_bytes));
}

Result<size_t> HashingSource::read(std::span<uint8_t> into) {
  const Result<size_t> got = source_.read(into);
  if (got) {
    stream_.update(into.first(*got));
  }
  return got;
}

ContentDigest HashingSource::finish() {
  const uint64_t size_bytes = stream_.size_bytes();
  return {.sha256 = stream_.finish(), .size_bytes = size_bytes};
}

Result<ContentDigest> digest_of_file(int fd, const std::string& path, const CancelFlag* cancel) {
  std::vector<uint8_t> buffer(digest_buffer_bytes);
  hash::Sha256Stream stream;
  const Result<uint64_t> size_bytes = hash_open_file(fd, path, buffer, cancel, stream);
  if (!size_bytes) {
    return fail(size_bytes.error());
  }
  return ContentDigest{.sha256 = stream.finish(), .size_bytes = *size_bytes};
}

Result<ContentDigest> digest_of_content(const codec::Metainfo& metainfo, const std::string& path,
                                        const CancelFlag* cancel) {
  std::vector<uint8_t> buffer(digest_buffer_bytes);
  hash::Sha256Stream stream;
  for (const codec::FileEntry& entry : metainfo.files) {
    if (entry.is_padding) {
      hash_zeros(entry.size_bytes, buffer, stream);
    } else if (!entry.is_symlink) {
      const std::string file = metainfo.is_single_file ? path : join_path(path, entry.path);
      if (Status hashed = hash_entry(entry, file, buffer, cancel, stream); !hashed) {
        return fail(hashed.error());
      }
    }
  }
  const uint64_t size_bytes = stream.size_bytes();
  return ContentDigest{.sha256 = stream.finish(), .size_bytes = size_bytes};
}

}  // namespace murder::archive
