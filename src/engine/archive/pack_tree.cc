#include "engine/archive/pack_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "engine/archive/directory_cursor.h"
#include "engine/archive/read_ahead.h"
#include "engine/archive/stated_size.h"
#include "engine/base/types.h"

namespace murder::archive {

namespace {

constexpr size_t read_bytes = 1024 * 1024;

class Packer {
 public:
  Packer(int root_fd, const Tree& tree, const PackTreeOptions& options, ByteSink& sink,
         Observer& observer)
      : tree_(tree),
        options_(options),
        sink_(sink),
        observer_(observer),
        cursor_(root_fd),
        read_ahead_(root_fd, tree),
        buffer_(read_bytes) {}

  Result<PackedTree> run() {
    if (Status packed = pack_all(); !packed) {
      return fail(packed.error());
    }
    return packed_;
  }

 private:
  Status pack_all() {
    for (const TreeEntry& entry : tree_.entries) {
      if (Status going = tell(entry.path); !going) {
        return going;
      }
      for (const ExtendedAttribute& attribute : entry.attributes) {
        packed_.data_bytes += attribute.size_bytes();
      }
      Status packed;
      if (entry.type == EntryType::file) {
        packed = pack_file(entry);
      } else {
        packed = put(tar_header(entry));
      }
      if (!packed) {
        return packed;
      }
      read_ahead_.packed(ReadAhead::entry_cost_bytes);
    }
    if (Status unchanged = check_directories(); !unchanged) {
      return unchanged;
    }
    if (Status going = tell(""); !going) {
      return going;
    }
    return put_zeros(tar_end_bytes);
  }

  [[nodiscard]] std::string shown(const std::string& path) const {
    return join_path(options_.root_name, path);
  }

  Status put(const std::string& text) { return sink_.write(as_bytes_of(text)); }

  Status put_zeros(uint64_t count) {
    static constexpr std::array<uint8_t, tar_end_bytes> zeros{};
    return sink_.write(std::span(zeros).first(count));
  }

  // Progress, and whether to go on.
  Status tell(const std::string& path) {
    if (options_.cancel != nullptr && options_.cancel->is_set()) {
      return fail(ErrorCode::interrupted, "stopped while packing " + options_.root_name);
    }
    observer_.progress({.bytes_done = bytes_done_, .bytes_total = tree_.file_bytes, .path = path});
    return {};
  }

  [[nodiscard]] tl::unexpected<Error> changed(const std::string& path) const {
    return fail(ErrorCode::conflict,
                shown(path) + " changed while it was packed: try again when nothing writes there");
  }

  static bool is_as_listed(const TreeEntry& entry, const struct stat& status) {
    return status.st_dev == entry.device && status.st_ino == entry.inode &&
           (status.st_mode & 07777U) == entry.mode && file_time_of(status.st_mtim) == entry.mtime;
  }

  Status pack_file(const TreeEntry& entry) {
    DirectoryCursor::Place place;
    int error_number = cursor_.enter_parent(entry.path, &place);
    Fd file;
    if (error_number == 0) {
      // Should it have become a fifo, opening it does not wait for a writer.
      file = Fd(::openat(place.directory_fd, place.name,
                         O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
      error_number = file.is_open() ? 0 : errno;
    }
    if (error_number == ENOENT) {
      return fail(ErrorCode::conflict,
                  shown(entry.path) + " vanished while it was packed: try again");
    }
    if (error_number == ELOOP || error_number == ENOTDIR) {
      return changed(entry.path);
    }
    if (error_number != 0) {
      return fail_errno(error_number, "cannot open " + shown(entry.path));
    }
    const Result<struct stat> status = stat_of(file.get(), shown(entry.path));
    if (!status) {
      return fail(status.error());
    }
    if (!S_ISREG(status->st_mode) || !is_as_listed(entry, *status) ||
        static_cast<uint64_t>(status->st_size) != entry.size_bytes) {
      return changed(entry.path);
    }
    if (Status stated = check_stated_size(file.get(), entry.size_bytes, shown(entry.path));
        !stated) {
      return stated;
    }
    Status packed = pack_content(entry, file.get());
    if (!packed) {
      return packed;
    }
    const Result<struct stat> after = stat_of(file.get(), shown(entry.path));
    if (!after) {
      return fail(after.error());
    }
    if (!is_as_listed(entry, *after) || static_cast<uint64_t>(after->st_size) != entry.size_bytes) {
      return changed(entry.path);
    }
    return {};
  }

  Status pack_content(const TreeEntry& entry, int fd) {
    std::vector<Extent> extents;
    if (entry.size_bytes > 0) {
      extents.push_back({.offset = 0, .size_bytes = entry.size_bytes});
    }
    bool is_sparse = false;
    if (entry.has_holes) {
      Result<std::vector<Extent>> found = data_extents(fd, entry.size_bytes, shown(entry.path));
      if (!found) {
        return fail(found.error());
      }
      is_sparse = *found != extents;
      extents = std::move(*found);
    }
    if (Status put_header = put(is_sparse ? tar_sparse_header(entry, extents) : tar_header(entry));
        !put_header) {
      return put_header;
    }
    uint64_t data_bytes = 0;
    for (const Extent& extent : extents) {
      if (Status packed = pack_extent(entry, fd, extent); !packed) {
        return packed;
      }
      data_bytes += extent.size_bytes;
    }
    packed_.data_bytes += data_bytes;
    bytes_done_ += entry.size_bytes - data_bytes;  // the holes
    read_ahead_.packed(entry.size_bytes - data_bytes);
    return put_zeros(tar_padding_bytes(data_bytes));
  }

  Status pack_extent(const TreeEntry& entry, int fd, const Extent& extent) {
    uint64_t done = 0;
    while (done < extent.size_bytes) {
      const auto part =
          static_cast<size_t>(std::min<uint64_t>(buffer_.size(), extent.size_bytes - done));
      const std::span<uint8_t> into = std::span(buffer_).first(part);
      const Result<size_t> got = read_at(fd, into, extent.offset + done, shown(entry.path));
      if (!got) {
        return fail(got.error());
      }
      if (*got != part) {
        return changed(entry.path);
      }
      if (Status written = sink_.write(into); !written) {
        return written;
      }
      done += part;
      bytes_done_ += part;
      read_ahead_.packed(part);
      if (Status going = tell(entry.path); !going) {
        return going;
      }
    }
    return {};
  }

  // What was added or removed after a directory was listed shows in its time.
  Status check_directories() {
    for (const TreeEntry& entry : tree_.entries) {
      if (entry.type != EntryType::directory) {
        continue;
      }
      int directory_fd = -1;
      const int error_number = cursor_.enter(entry.path, &directory_fd);
      struct stat status {};
      if (error_number != 0 || ::fstat(directory_fd, &status) != 0 ||
          !is_as_listed(entry, status)) {
        return changed(entry.path);
      }
    }
    return {};
  }

  const Tree& tree_;
  const PackTreeOptions& options_;
  ByteSink& sink_;
  Observer& observer_;
  DirectoryCursor cursor_;
  ReadAhead read_ahead_;
  std::vector<uint8_t> buffer_;
  uint64_t bytes_done_ = 0;
  PackedTree packed_;
};

}  // namespace

Result<PackedTree> pack_tree(int root_fd, const Tree& tree, const PackTreeOptions& options,
                             ByteSink& sink, Observer& observer) {
  return Packer(root_fd, tree, options, sink, observer).run();
}

Result<std::vector<Extent>> data_extents(int fd, uint64_t size_bytes, const std::string& path) {
  std::vector<Extent> extents;
  uint64_t at = 0;
  while (at < size_bytes) {
    const off_t data = ::lseek(fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) {
      break;
    }
    if (data < 0 && (errno == EINVAL || errno == EOPNOTSUPP)) {
      return std::vector<Extent>{{.offset = 0, .size_bytes = size_bytes}};
    }
    const off_t hole = data < 0 ? -1 : ::lseek(fd, data, SEEK_HOLE);
    if (hole < 0) {
      return fail_errno(errno, "cannot find the holes of " + path);
    }
    const auto begin = static_cast<uint64_t>(data);
    const uint64_t end = std::min(static_cast<uint64_t>(hole), size_bytes);
    if (begin >= size_bytes || end <= begin) {
      break;  // it is changing, which is noticed afterwards
    }
    extents.push_back({.offset = begin, .size_bytes = end - begin});
    at = end;
  }
  return extents;
}

}  // namespace murder::archive
