#include "engine/archive/byte_source.h"

#include <fcntl.h>

namespace murder::archive {

FileSource::FileSource(Fd file, std::string path, uint64_t size_bytes)
    : file_(std::move(file)), path_(std::move(path)), size_bytes_(size_bytes) {}

Result<FileSource> FileSource::open(const std::string& path) {
  Result<Fd> file = open_file(path, O_RDONLY);
  if (!file) {
    return fail(file.error());
  }
  const Result<struct stat> status = stat_of(file->get(), path);
  if (!status) {
    return fail(status.error());
  }
  if (!S_ISREG(status->st_mode)) {
    return fail(ErrorCode::invalid_input, path + " is not a file");
  }
  ::posix_fadvise(file->get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return FileSource(std::move(*file), path, static_cast<uint64_t>(status->st_size));
}

Result<size_t> FileSource::read(std::span<uint8_t> into) {
  const Result<size_t> got = read_at(file_.get(), into, offset_, path_);
  if (got) {
    offset_ += *got;
  }
  return got;
}

}  // namespace murder::archive
