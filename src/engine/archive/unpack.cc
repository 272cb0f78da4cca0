#include "engine/archive/unpack.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>

#include "engine/archive/archive_reader.h"
#include "engine/archive/confined_thread.h"
#include "engine/archive/entry_path.h"
#include "engine/archive/entry_tree.h"
#include "engine/archive/tree_placement.h"
#include "engine/archive/tree_writer.h"
#include "engine/base/missing_inodes.h"
#include "engine/base/units.h"

namespace murder::archive {

namespace {

constexpr uint64_t entry_bytes_min = 512;

// Where an entry is in its tree.
struct EntryPaths {
  std::string path;
  std::string link_target;  // of a hard link
};

// An Error for what does not fit to the entries before it.
Status add_to(EntryTree& tree, const ArchiveEntry& entry, const EntryPaths& paths) {
  using Type = ArchiveEntry::Type;
  switch (entry.type) {
    case Type::directory:
      return tree.add(EntryTree::Kind::directory, paths.path, "");
    case Type::symlink:
      return tree.add(EntryTree::Kind::symlink, paths.path, entry.link_target);
    case Type::hard_link:
      return tree.add_hard_link(paths.path, paths.link_target);
    case Type::file:
    case Type::other:
      break;
  }
  return tree.add(EntryTree::Kind::file, paths.path, "");
}

// An Error for what no tree can have, whatever else is in it.
Result<EntryPaths> paths_of(const ArchiveEntry& entry) {
  using Type = ArchiveEntry::Type;
  Result<std::string> path = safe_entry_path(entry.name);
  if (!path) {
    return fail(path.error());
  }
  if (entry.type == Type::other) {
    return fail(ErrorCode::unsupported, "it is neither file, directory nor link");
  }
  if (path->empty() && entry.type != Type::directory) {
    return fail(ErrorCode::invalid_input, "the name is that of the target itself");
  }
  EntryPaths paths{.path = std::move(*path)};
  if (entry.type == Type::symlink && entry.link_target.empty()) {
    return fail(ErrorCode::invalid_input, "it is a symbolic link without a target");
  }
  if (entry.type == Type::symlink && entry.link_target.size() >= PATH_MAX) {
    return fail(ErrorCode::limit,
                fmt::format("it is a symbolic link to more than {} bytes", PATH_MAX - 1));
  }
  if (entry.type == Type::hard_link) {
    Result<std::string> target = safe_entry_path(entry.link_target);
    if (!target || target->empty()) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("it is a hard link to {}, out of the target",
                              entry.link_target.substr(0, 300)));
    }
    paths.link_target = std::move(*target);
  }
  return paths;
}

class Unpacking {
 public:
  Unpacking(ByteSource& source, const UnpackOptions& options, ArchiveReader& reader,
            TreePlacement& placement, Observer& observer)
      : source_(source),
        options_(options),
        reader_(reader),
        writer_(placement.fd(), {.owner = options.owner,
                                 .keep_set_id = options.keep_set_id,
                                 .keep_attributes = options.keep_attributes}),
        observer_(observer) {
    // Until the archive says what the root is like.
    default_mode_ = placement.default_mode();
  }

  Status run() {
    const FileTime now{.seconds = ::time(nullptr)};
    if (Status made = writer_.make_directory("", {.mode = default_mode_, .mtime = now}); !made) {
      return made;
    }
    while (true) {
      if (Status going = tell(""); !going) {
        return going;
      }
      const Result<std::optional<ArchiveEntry>> entry = reader_.next_entry();
      if (!entry) {
        return fail(entry.error());
      }
      if (!entry->has_value()) {
        break;
      }
      if (Status unpacked = unpack_entry(**entry); !unpacked) {
        return about(**entry, unpacked.error());
      }
      ++result.entry_count;
    }
    if (Status drained = drain(); !drained) {
      return drained;
    }
    if (result.entry_count == 0 && !has_root_) {
      return fail(ErrorCode::invalid_input, options_.archive_name + " has no entries");
    }
    if (Status finished = writer_.finish(); !finished) {
      return finished;
    }
    tell_attributes();
    return {};
  }

  Unpacked result;

 private:
  // However much that is: nothing of it is kept, and it can be stopped.
  Status drain() {
    while (true) {
      const Result<bool> more = reader_.drain_some();
      if (!more || !*more) {
        return more ? Status() : fail(more.error());
      }
      if (Status going = tell(""); !going) {
        return going;
      }
    }
  }

  Status tell(std::string_view path) {
    if (options_.cancel != nullptr && options_.cancel->is_set()) {
      return fail(ErrorCode::interrupted, "stopped while unpacking " + options_.archive_name);
    }
    observer_.progress(
        {.bytes_done = reader_.bytes_read(), .bytes_total = source_.size_bytes(), .path = path});
    return {};
  }

  [[nodiscard]] tl::unexpected<Error> about(const ArchiveEntry& entry, const Error& error) const {
    const std::string name = entry.name.substr(0, 300);
    if (names_missing_inodes(error)) {
      const std::string needed =
          options_.entries_stated == 0
              ? ""
              : fmt::format("{} entries are needed, ", options_.entries_stated);
      return fail(error.code,
                  fmt::format("{}: entry {}: {} ({}{} were made in {})", options_.archive_name,
                              name, error.text, needed, result.entry_count, options_.directory));
    }
    if (error.text.starts_with(options_.archive_name)) {
      return fail(error.code, fmt::format("{} (entry {})", error.text, name));
    }
    return fail(error.code,
                fmt::format("{}: entry {}: {}", options_.archive_name, name, error.text));
  }

  void tell_attributes() {
    const TreeWriter::AttributeCounts& counts = writer_.attribute_counts();
    if (counts.left_out > 0) {
      observer_.warning(
          fmt::format("{} extended attributes of {} (access lists and capabilities are some) are "
                      "left out: --xattrs keeps them",
                      counts.left_out, options_.archive_name));
    }
    if (counts.failed > 0) {
      observer_.warning(fmt::format("{} extended attributes of {} could not be kept, the first: {}",
                                    counts.failed, options_.archive_name, counts.first_failure));
    }
  }

  Status count(uint64_t bytes) {
    counted_bytes_ += bytes;
    if (options_.unpacked_bytes_max != 0 && counted_bytes_ > options_.unpacked_bytes_max) {
      return fail(ErrorCode::limit,
                  fmt::format("here it passes the limit of {} bytes for what is unpacked: raise "
                              "--max-unpacked if that is right",
                              options_.unpacked_bytes_max));
    }
    return {};
  }

  Status unpack_entry(const ArchiveEntry& entry) {
    const Result<EntryPaths> paths = paths_of(entry);
    if (!paths) {
      return fail(paths.error());
    }
    const std::string& path = paths->path;
    uint64_t attribute_bytes = 0;
    for (const ExtendedAttribute& attribute : entry.attributes) {
      attribute_bytes += attribute.size_bytes();
    }
    if (Status counted = count(entry_bytes_min + attribute_bytes); !counted) {
      return counted;
    }
    const TreeWriter::Attributes attributes{
        .mode = entry.mode, .mtime = entry.mtime, .extended = entry.attributes};
    switch (entry.type) {
      case ArchiveEntry::Type::directory:
        has_root_ = has_root_ || path.empty();
        return writer_.make_directory(path, attributes);
      case ArchiveEntry::Type::symlink:
        return writer_.make_symlink(path, entry.link_target, attributes);
      case ArchiveEntry::Type::hard_link:
        return writer_.make_hard_link(path, paths->link_target);
      case ArchiveEntry::Type::file:
      case ArchiveEntry::Type::other:
        break;  // paths_of() has refused the latter
    }
    return unpack_file(entry, path, attributes);
  }

  Status unpack_file(const ArchiveEntry& entry, const std::string& path,
                     const TreeWriter::Attributes& attributes) {
    Result<Fd> file = writer_.make_file(path);
    if (!file) {
      return fail(file.error());
    }
    EarlyWriteback writeback;
    uint64_t end = 0;
    uint64_t written_bytes = 0;
    while (true) {
      const Result<std::optional<ArchiveData>> data = reader_.next_data();
      if (!data) {
        return fail(data.error());
      }
      if (!data->has_value()) {
        break;
      }
      const ArchiveData& block = **data;
      if (block.bytes.size() > entry.size_bytes ||
          block.offset > entry.size_bytes - block.bytes.size()) {
        return fail(ErrorCode::invalid_input, "it has data behind its end");
      }
      // The first bytes are those the entry itself counted for.
      const uint64_t before = std::max(written_bytes, entry_bytes_min);
      written_bytes += block.bytes.size();
      if (Status counted = count(std::max(written_bytes, entry_bytes_min) - before); !counted) {
        return counted;
      }
      if (Status written = write_all_at(file->get(), block.bytes, block.offset, path); !written) {
        return written;
      }
      end = std::max(end, block.offset + block.bytes.size());
      if (options_.sync_to_disk) {
        writeback.wrote(file->get(), end);
      }
      result.data_bytes += block.bytes.size();
      if (Status going = tell(path); !going) {
        return going;
      }
    }
    if (end < entry.size_bytes &&
        ::ftruncate(file->get(), static_cast<off_t>(entry.size_bytes)) != 0) {
      return fail_errno(errno, "cannot set its size");
    }
    const Status finished = writer_.finish_file(file->get(), path, attributes);
    return finished ? close_file(std::move(*file), path) : finished;
  }

  ByteSource& source_;
  const UnpackOptions& options_;
  ArchiveReader& reader_;
  TreeWriter writer_;
  Observer& observer_;
  mode_t default_mode_ = 0;
  bool has_root_ = false;
  uint64_t counted_bytes_ = 0;
};

}  // namespace

namespace {

// All that reads the archive: from open descriptors alone, to below the open directory.
Result<Unpacked> unpack_into(TreePlacement& placement, ByteSource& source,
                             const UnpackOptions& options, Observer& observer) {
  const Result<std::unique_ptr<ArchiveReader>> reader =
      ArchiveReader::open(source, options.archive_name);
  if (!reader) {
    return fail(reader.error());
  }
  Unpacking unpacking(source, options, **reader, placement, observer);
  const Status unpacked = unpacking.run();
  return unpacked ? Result<Unpacked>(std::move(unpacking.result)) : fail(unpacked.error());
}

}  // namespace

Result<Unpacked> unpack(ByteSource& source, const UnpackOptions& options, Observer& observer) {
  // First what is cheap to find wrong.
  Result<TreePlacement> placement = TreePlacement::prepare({.directory = options.directory,
                                                            .tag = options.tag,
                                                            .replace = options.replace,
                                                            .sync_to_disk = options.sync_to_disk});
  if (!placement) {
    return fail(placement.error());
  }
  Result<Unpacked> unpacked;
  HashingSource hashing(source);
  ByteSource& read_source = options.signed_content ? hashing : source;
  const auto work = [&] { unpacked = unpack_into(*placement, read_source, options, observer); };
  if (options.is_confined) {
    const ConfinementOptions confinement{.directory_fd = placement->fd(),
                                         .sets_owners = options.owner.has_value(),
                                         .sets_attributes = options.keep_attributes};
    if (Status ran = run_confined(confinement, work); !ran) {
      return fail(ran.error());
    }
  } else {
    work();
  }
  if (!unpacked) {
    return unpacked;
  }
  if (options.signed_content) {
    // All of the source was read, up to its last byte (Unpacking::drain).
    const Status right =
        check_signed_content(*options.signed_content, hashing.finish(), options.archive_name);
    if (!right) {
      return fail(right.error());
    }
  }
  if (Status committed = placement->commit(observer); !committed) {
    return fail(committed.error());
  }
  unpacked->path = placement->target();
  return unpacked;
}

Status check_archive(ByteSource& source, const std::string& archive_name, const CancelFlag* cancel,
                     Observer& observer) {
  const Result<std::unique_ptr<ArchiveReader>> reader = ArchiveReader::open(source, archive_name);
  if (!reader) {
    return fail(reader.error());
  }
  EntryTree tree;
  uint64_t entry_count = 0;
  while (true) {
    const Result<std::optional<ArchiveEntry>> entry = (*reader)->next_entry();
    if (!entry) {
      return fail(entry.error());
    }
    if (!entry->has_value()) {
      break;
    }
    ++entry_count;
    const Result<EntryPaths> paths = paths_of(**entry);
    const Status fits = paths ? add_to(tree, **entry, *paths) : Status(fail(paths.error()));
    if (!fits) {
      return fail(fits.error().code, fmt::format("{}: entry {}: {}", archive_name,
                                                 (*entry)->name.substr(0, 300), fits.error().text));
    }
    while (true) {
      if (cancel != nullptr && cancel->is_set()) {
        return fail(ErrorCode::interrupted, "stopped while reading " + archive_name);
      }
      observer.progress({.bytes_done = (*reader)->bytes_read(),
                         .bytes_total = source.size_bytes(),
                         .path = (*entry)->name});
      const Result<std::optional<ArchiveData>> data = (*reader)->next_data();
      if (!data) {
        return fail(data.error());
      }
      if (!data->has_value()) {
        break;
      }
    }
  }
  if (entry_count == 0) {
    return fail(ErrorCode::invalid_input, archive_name + " has no entries");
  }
  while (true) {
    const Result<bool> more = (*reader)->drain_some();
    if (!more || !*more) {
      return more ? Status() : fail(more.error());
    }
    if (cancel != nullptr && cancel->is_set()) {
      return fail(ErrorCode::interrupted, "stopped while reading " + archive_name);
    }
  }
}

}  // namespace murder::archive
