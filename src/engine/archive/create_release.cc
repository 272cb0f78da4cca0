#include "engine/archive/create_release.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "engine/archive/attribute_reader.h"
#include "engine/archive/content_digest.h"
#include "engine/archive/exclude_patterns.h"
#include "engine/archive/file.h"
#include "engine/archive/pack_tree.h"
#include "engine/archive/piece_size.h"
#include "engine/archive/piece_writer.h"
#include "engine/archive/release_name.h"
#include "engine/archive/staging.h"
#include "engine/archive/stated_size.h"
#include "engine/archive/tree_walk.h"
#include "engine/archive/verify.h"
#include "engine/base/lock_file.h"
#include "engine/base/small_file.h"
#include "engine/base/tag.h"
#include "engine/codec/metainfo.h"
#include "engine/hash/info_hash.h"

namespace murder::archive {

namespace {

// It may hold what others must not read, and there is none but its seeder who reads it.
constexpr mode_t archive_mode = 0600;

// In which an archive and its torrent get their names.
constexpr Duration publish_wait_max = std::chrono::seconds(20);

Error there_already(const std::string& path) {
  return {.code = ErrorCode::exists,
          .text = path + " is there already: choose another tag, or --force to replace it"};
}

// Not two names of one file (hard links), which are two files to us.
bool is_same_path(const std::string& one, const std::string& other) {
  char* first = ::realpath(one.c_str(), nullptr);
  const PathParts parts = split_path(other);
  char* parent = ::realpath(parts.parent.c_str(), nullptr);
  struct stat status {};
  const bool is_same = first != nullptr && parent != nullptr &&
                       ::lstat(other.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
                       join_path(parent, parts.name) == first;
  std::free(first);
  std::free(parent);
  return is_same;
}

class Creation {
 public:
  Creation(const CreateOptions& options, Observer& observer)
      : options_(options), observer_(observer) {}

  Result<CreatedRelease> run() {
    if (Status valid = validate_create_options(options_); !valid) {
      return fail(valid.error());
    }
    // A pipe without a writer must not hold us up; it is refused below.
    const Result<Fd> source = open_file(options_.source, O_RDONLY | O_NONBLOCK);
    if (!source) {
      return fail(source.error());
    }
    const Result<struct stat> status = stat_of(source->get(), options_.source);
    if (!status) {
      return fail(status.error());
    }
    const bool is_tree = S_ISDIR(status->st_mode);
    is_executable_ = !is_tree && (status->st_mode & S_IXUSR) != 0;
    if (!is_tree && !S_ISREG(status->st_mode)) {
      return fail(ErrorCode::unsupported, options_.source + " is neither a directory nor a file");
    }
    if (!is_tree && is_packed_tree_name(options_.tag)) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("the tag {} would make peers unpack this file: leave out the ending",
                              options_.tag));
    }
    name_ = options_.tag + std::string(is_tree ? suffix_of(options_.compression.format) : "");
    created_.archive_path = join_path(options_.directory, name_);
    created_.torrent_path = created_.archive_path + ".torrent";
    is_in_place_ = !is_tree && is_same_path(options_.source, created_.archive_path);
    if (Status free_names = check_names(); !free_names) {
      return fail(free_names.error());
    }
    remove_leftovers(options_.directory, name_);
    remove_leftovers(options_.directory, name_ + ".torrent");
    Status made = is_tree ? pack(source->get()) : share(source->get(), *status);
    if (!made) {
      return fail(made.error());
    }
    return std::move(created_);
  }

 private:
  // Fails early; what appears later is noticed when the files get their names.
  Status check_names() {
    for (const std::string& path : {created_.archive_path, created_.torrent_path}) {
      struct stat status {};
      if (::lstat(path.c_str(), &status) != 0 || (is_in_place_ && path == created_.archive_path)) {
        continue;
      }
      if (S_ISDIR(status.st_mode)) {
        return fail(ErrorCode::exists, path + " is a directory: choose another tag");
      }
      if (!options_.replace) {
        return fail(there_already(path));
      }
    }
    return {};
  }

  // The archive must not pack itself.
  Status check_outside(int source_fd) {
    const Result<Fd> start = open_file(options_.directory, O_PATH | O_DIRECTORY);
    if (!start) {
      return fail(start.error());
    }
    const Result<struct stat> source = stat_of(source_fd, options_.source);
    int at_fd = ::fcntl(start->get(), F_DUPFD_CLOEXEC, 0);
    struct stat previous {};
    while (source && at_fd >= 0) {
      const Fd at(at_fd);
      struct stat status {};
      if (::fstat(at.get(), &status) != 0) {
        break;
      }
      if (status.st_dev == source->st_dev && status.st_ino == source->st_ino) {
        const bool is_itself = previous.st_ino == 0;
        return fail(ErrorCode::invalid_input,
                    fmt::format("{} {}: choose another --temp-path", options_.directory,
                                is_itself ? "is the directory that is to be packed"
                                          : "lies inside " + options_.source));
      }
      if (status.st_dev == previous.st_dev && status.st_ino == previous.st_ino) {
        break;  // "/" is its own parent
      }
      previous = status;
      at_fd = ::openat(at.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    return {};
  }

  void choose_piece_size(uint64_t archive_bytes) {
    created_.piece_bytes = options_.piece_bytes != 0
                               ? static_cast<uint32_t>(options_.piece_bytes)
                               : piece_size_for(archive_bytes, options_.hosts_expected);
  }

  Status pack(int source_fd) {
    if (Status outside = check_outside(source_fd); !outside) {
      return outside;
    }
    const Result<ExcludePatterns> exclude = ExcludePatterns::parse(options_.exclude);
    if (!exclude) {
      return fail(exclude.error());
    }
    const Result<Tree> tree = walk_tree(source_fd,
                                        {.root_name = options_.source,
                                         .leave_out_git = !options_.keep_git,
                                         .exclude = &*exclude,
                                         .keep_attributes = options_.keep_attributes,
                                         .one_file_system = options_.one_file_system,
                                         .cancel = options_.cancel},
                                        observer_);
    if (!tree) {
      return fail(tree.error());
    }
    created_.source_bytes = tree->file_bytes;
    created_.entry_count = tree->entries.size() - 1;  // not the root
    if (Status enough = check_memory(options_.compression, tree->file_bytes); !enough) {
      return enough;
    }
    const bool is_compressed = options_.compression.format != ArchiveFormat::tar;
    choose_piece_size(tree->file_bytes / (is_compressed ? compression_assumed : 1));
    Result<Staging> staging =
        Staging::make(options_.directory, name_, Staging::Kind::file, archive_mode);
    if (!staging) {
      return fail(staging.error());
    }
    PieceWriter writer(
        staging->fd(), staging->path(), created_.archive_path, created_.piece_bytes,
        {.begins_early = options_.sync_to_disk, .hashes_content = options_.hashes_content});
    const Result<std::unique_ptr<Compressor>> compressor =
        make_compressor(options_.compression, writer);
    if (!compressor) {
      return fail(compressor.error());
    }
    const Result<PackedTree> packed =
        pack_tree(source_fd, *tree, {.root_name = options_.source, .cancel = options_.cancel},
                  **compressor, observer_);
    if (!packed) {
      return fail(packed.error());
    }
    created_.unpacked_bytes = packed->data_bytes;
    created_.unpacked_entries = tree->entries.size();
    if (Status finished = (*compressor)->finish(); !finished) {
      return finished;
    }
    if (Status finished = writer.finish(); !finished) {
      return finished;
    }
    created_.archive_bytes = writer.size_bytes();
    created_.content_sha256 = writer.take_content_digest();
    return publish(&*staging, writer.digests());
  }

  Status share(int source_fd, const struct stat& source) {
    created_.source_bytes = static_cast<uint64_t>(source.st_size);
    if (Status stated = check_stated_size(source_fd, created_.source_bytes, options_.source);
        !stated) {
      return stated;
    }
    created_.archive_bytes = created_.source_bytes;
    created_.entry_count = 1;
    created_.unpacked_bytes = created_.source_bytes;
    created_.unpacked_entries = 1;
    choose_piece_size(created_.archive_bytes);
    if (const size_t count = count_attributes(source_fd); count > 0) {
      observer_.warning(fmt::format(
          "{} extended attributes of {} (access lists and capabilities are some) are left out: a "
          "file that is a release carries none, a directory does with --xattrs",
          count, options_.source));
    }
    Result<Staging> staging =
        Staging::make(options_.directory, name_, Staging::Kind::file, archive_mode);
    if (!staging) {
      return fail(staging.error());
    }
    created_.content = ArchiveContent::in_place;
    if (!is_in_place_) {
      const Result<ContentCopy> copied = copy_content({.from_fd = source_fd,
                                                       .from_path = options_.source,
                                                       .to_fd = staging->fd(),
                                                       .to_path = created_.archive_path,
                                                       .cancel = options_.cancel});
      if (!copied) {
        return fail(copied.error());
      }
      created_.content =
          *copied == ContentCopy::copied ? ArchiveContent::copied : ArchiveContent::shares_blocks;
    }
    const std::string content_path = is_in_place_ ? options_.source : staging->path();
    const Geometry geometry{.total_bytes = created_.archive_bytes,
                            .piece_bytes = created_.piece_bytes};
    // It is seeded next.
    const Result<std::vector<Sha1Digest>> digests = hash_pieces(
        content_path, geometry, {.through_cache = true, .cancel = options_.cancel}, observer_);
    if (!digests) {
      return fail(digests.error());
    }
    if (Status hashed = hash_content(is_in_place_ ? source_fd : staging->fd()); !hashed) {
      return hashed;
    }
    const Result<struct stat> after = stat_of(source_fd, options_.source);
    if (!after) {
      return fail(after.error());
    }
    if (after->st_size != source.st_size || after->st_mtim.tv_sec != source.st_mtim.tv_sec ||
        after->st_mtim.tv_nsec != source.st_mtim.tv_nsec) {
      return fail(ErrorCode::conflict,
                  options_.source + " changed while it was read: try again when nothing writes it");
    }
    return publish(is_in_place_ ? nullptr : &*staging, *digests);
  }

  // Of a file, for a signature.
  Status hash_content(int fd) {
    if (!options_.hashes_content) {
      return {};
    }
    const Result<ContentDigest> digest = digest_of_file(fd, created_.archive_path, options_.cancel);
    if (!digest) {
      return fail(digest.error());
    }
    if (digest->size_bytes != created_.archive_bytes) {
      return fail(ErrorCode::conflict, options_.source +
                                           " changed while it was read: try again "
                                           "when nothing writes it");
    }
    created_.content_sha256 = digest->sha256;
    return {};
  }

  // Puts the archive (none: it is there already) and the torrent in place.
  Status publish(Staging* archive, const std::vector<Sha1Digest>& digests) {
    codec::MetainfoDraft draft;
    draft.name = name_;
    draft.geometry = {.total_bytes = created_.archive_bytes, .piece_bytes = created_.piece_bytes};
    draft.piece_digests = digests;
    draft.is_executable = is_executable_;
    if (options_.piece_bytes == 0) {
      draft.hosts_expected = options_.hosts_expected;
    }
    draft.unpacked_size = {.bytes = created_.unpacked_bytes, .entries = created_.unpacked_entries};
    for (const std::string& url : options_.tracker_urls) {
      draft.tracker_tiers.push_back({url});
    }
    created_.piece_count = draft.geometry.piece_count();
    const std::string torrent = codec::encode_metainfo(draft);
    const Result<codec::Metainfo> metainfo = codec::parse_metainfo(as_bytes_of(torrent));
    if (!metainfo) {
      return fail(metainfo.error());
    }
    created_.info_hash = hash::info_hash_of(as_bytes_of(metainfo->raw_info));

    Result<Staging> torrent_staging =
        Staging::make(options_.directory, name_ + ".torrent", Staging::Kind::file);
    if (!torrent_staging) {
      return fail(torrent_staging.error());
    }
    if (Status written =
            write_all(torrent_staging->fd(), as_bytes_of(torrent), created_.torrent_path);
        !written) {
      return written;
    }
    return put_in_place(archive, *torrent_staging);
  }

  // One that makes the same tag at the same time must not mix its archive with our torrent.
  Status put_in_place(Staging* archive, Staging& torrent) {
    if (archive != nullptr && options_.sync_to_disk) {  // it may take long, so without the lock
      if (Status synced = sync_file(archive->fd(), created_.archive_path); !synced) {
        return synced;
      }
    }
    const Fd directory(::open(options_.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const Result<LockFile> lock =
        LockFile::take(directory.get(), options_.directory, lock_name_of(name_), publish_wait_max);
    if (!lock && lock.error().code != ErrorCode::unsupported) {  // some file systems have no locks
      return fail(lock.error());
    }
    if (options_.replace && ::unlink(created_.torrent_path.c_str()) == 0) {
      // An old torrent must not stand beside a new archive, not even for a moment.
      if (Status synced = sync_names(); !synced) {
        return synced;
      }
    }
    if (archive != nullptr) {
      if (Status placed = place(*archive, created_.archive_path); !placed) {
        return placed;
      }
    }
    return place(torrent, created_.torrent_path);
  }

  Status place(Staging& staging, const std::string& path) {
    if (options_.sync_to_disk) {
      if (Status synced = sync_file(staging.fd(), path); !synced) {
        return synced;
      }
    }
    if (Status renamed = options_.replace ? staging.rename_to(path) : staging.rename_to_new(path);
        !renamed) {
      // Another one was faster.
      return renamed.error().code == ErrorCode::exists ? fail(there_already(path)) : renamed;
    }
    return sync_names();
  }

  Status sync_names() {
    return options_.sync_to_disk ? sync_directory(options_.directory) : Status();
  }

  const CreateOptions& options_;
  Observer& observer_;
  std::string name_;
  bool is_executable_ = false;  // a file release
  bool is_in_place_ = false;    // a file that lies where its archive is to be
  CreatedRelease created_;
};

}  // namespace

Status validate_create_options(const CreateOptions& options) {
  if (Status valid = validate_tag(options.tag); !valid) {
    return valid;
  }
  if (Status valid = validate_level(options.compression.format, options.compression.level);
      !valid) {
    return valid;
  }
  if (options.hosts_expected == 0 || options.hosts_expected > hosts_expected_max) {
    return fail(ErrorCode::invalid_input, fmt::format("{} hosts are expected: 1 to {} can be",
                                                      options.hosts_expected, hosts_expected_max));
  }
  if (const Result<ExcludePatterns> exclude = ExcludePatterns::parse(options.exclude); !exclude) {
    return fail(exclude.error());
  }
  return options.piece_bytes == 0 ? Status{} : validate_piece_size(options.piece_bytes);
}

Result<CreatedRelease> create_release(const CreateOptions& options, Observer& observer) {
  return Creation(options, observer).run();
}

}  // namespace murder::archive
