#include "engine/archive/tree_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "engine/archive/attribute_reader.h"
#include "engine/archive/bounds.h"
#include "engine/archive/directory_cursor.h"

namespace murder::archive {

namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// What a message names: the first of them, and how many more there are.
struct Listed {
  void add(const std::string& text) {
    if (++count <= limits::names_listed_max) {
      names += (names.empty() ? "" : ", ") + text;
    }
  }
  [[nodiscard]] std::string text() const {
    return count <= limits::names_listed_max
               ? names
               : fmt::format("{} and {} more", names, count - limits::names_listed_max);
  }

  std::string names;
  uint64_t count = 0;
};

class Walk {
 public:
  Walk(int root_fd, const WalkOptions& options, Observer& observer)
      : options_(options), observer_(observer), root_fd_(root_fd), cursor_(root_fd) {}

  Result<Tree> run() {
    const Result<struct stat> status = stat_of(root_fd_, options_.root_name);
    if (!status) {
      return fail(status.error());
    }
    pending_.push_back(entry_of("", *status, EntryType::directory));
    device_ = status->st_dev;
    if (Status read = add_attributes(root_fd_, ".", pending_.back()); !read) {
      return fail(read.error());
    }
    while (!pending_.empty()) {
      if (options_.cancel != nullptr && options_.cancel->is_set()) {
        return fail(ErrorCode::interrupted, "stopped while listing " + options_.root_name);
      }
      tree_.entries.push_back(std::move(pending_.back()));
      pending_.pop_back();
      if (Status visited = visit(tree_.entries.back()); !visited) {
        return fail(visited.error());
      }
    }
    if (special_.count > 0) {
      return fail(ErrorCode::unsupported,
                  fmt::format("{}{}{}: a release cannot carry that; remove it, move it away, or "
                              "leave it out with --exclude",
                              special_.text(), sockets_.count > 0 ? ", " : "", sockets_.text()));
    }
    tell_what_is_left_out();
    return std::move(tree_);
  }

 private:
  [[nodiscard]] std::string shown(const std::string& path) const {
    return join_path(options_.root_name, path);
  }

  static TreeEntry entry_of(std::string path, const struct stat& status, EntryType type) {
    TreeEntry entry;
    entry.path = std::move(path);
    entry.type = type;
    entry.mode = status.st_mode & 07777U;
    entry.mtime = file_time_of(status.st_mtim);
    entry.size_bytes = type == EntryType::file ? static_cast<uint64_t>(status.st_size) : 0;
    entry.device = status.st_dev;
    entry.inode = status.st_ino;
    entry.has_holes = type == EntryType::file && status.st_blocks * 512 < status.st_size;
    return entry;
  }

  // Called in the final order, so that a hard link always names what came before it.
  Status visit(TreeEntry& entry) {
    if (const auto link = links_.find({entry.device, entry.inode}); link != links_.end()) {
      if (link->second.empty()) {
        link->second = entry.path;
      } else {
        entry.type = EntryType::hard_link;
        entry.link_target = link->second;
        entry.size_bytes = 0;
        entry.attributes.clear();
        return {};
      }
    }
    if (!options_.keep_attributes) {
      leave_out_attributes(entry);
    }
    if (entry.type == EntryType::directory) {
      if (options_.one_file_system && entry.device != device_) {
        mounted_.add(fmt::format("what lies in {} is", shown(entry.path)));
        return {};
      }
      const std::string path = entry.path;  // adding entries moves them
      return add_children(path);
    }
    tree_.file_bytes += entry.size_bytes;
    if (entry.type == EntryType::file && (entry.mode & (S_ISUID | S_ISGID)) != 0) {
      set_id_.add(fmt::format("{} is set-id (mode {:o})", shown(entry.path), entry.mode));
    }
    return {};
  }

  void tell_what_is_left_out() {
    if (set_id_.count > 0) {
      observer_.warning(set_id_.text() +
                        ": hosts leave these bits off, unless `murder peer --keep-setid` is asked "
                        "to keep them");
    }
    if (sockets_.count > 0) {
      observer_.warning(sockets_.text() + ", and left out");
    }
    if (mounted_.count > 0) {
      observer_.warning(mounted_.text() + " on another file system, and left out");
    }
    if (with_attributes_ > 0) {
      observer_.warning(fmt::format(
          "{} extended attributes of {} entries (access lists and capabilities are some) are left "
          "out, the first {}: --xattrs keeps them",
          attributes_left_out_, with_attributes_, first_attribute_));
    }
  }

  Status add_attributes(int directory_fd, const char* name, TreeEntry& entry) {
    Result<std::vector<ExtendedAttribute>> found =
        read_attributes(directory_fd, name, options_.keep_attributes);
    if (!found) {
      // A caller that did not ask for them does not depend on them.
      return options_.keep_attributes
                 ? Status(fail(found.error().code, shown(entry.path) + ": " + found.error().text))
                 : Status();
    }
    entry.attributes = std::move(*found);
    return {};
  }

  void leave_out_attributes(TreeEntry& entry) {
    if (!entry.attributes.empty() && ++with_attributes_ == 1) {
      first_attribute_ = fmt::format("{} of {}", entry.attributes.front().name, shown(entry.path));
    }
    attributes_left_out_ += entry.attributes.size();
    entry.attributes.clear();
  }

  Status add_children(const std::string& path) {
    int path_fd = -1;
    if (const int error_number = cursor_.enter(path, &path_fd); error_number != 0) {
      return fail_errno(error_number, "cannot enter " + shown(path));
    }
    const int list_fd = ::openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (list_fd < 0) {
      return fail_errno(
          errno,
          fmt::format("cannot list {} (leave it out, or run as a user who may)", shown(path)));
    }
    const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(list_fd));
    if (directory == nullptr) {
      ::close(list_fd);
      return fail(ErrorCode::limit, "no memory to list " + shown(path));
    }
    const size_t first = pending_.size();
    while (true) {
      errno = 0;
      const struct dirent* item = ::readdir(directory.get());
      if (item == nullptr) {
        if (errno != 0) {
          return fail_errno(errno, "cannot list " + shown(path));
        }
        break;
      }
      const std::string_view name = item->d_name;
      if (name == "." || name == ".." || (options_.leave_out_git && name.starts_with(".git"))) {
        continue;
      }
      const std::string child = path.empty() ? std::string(name) : path + "/" + item->d_name;
      if (Status added = add_child(list_fd, item->d_name, child); !added) {
        return added;
      }
    }
    // The last pending entry is visited next. Names within one directory differ, so paths do.
    std::sort(pending_.begin() + static_cast<ptrdiff_t>(first), pending_.end(),
              [](const TreeEntry& left, const TreeEntry& right) { return left.path > right.path; });
    return {};
  }

  // Whether the entry is listed at all, as far as its name and kind tell.
  bool is_left_out(const std::string& path, const struct stat& status) {
    if (options_.exclude != nullptr && options_.exclude->match(path, S_ISDIR(status.st_mode))) {
      return true;
    }
    if (options_.one_file_system && status.st_dev != device_ && !S_ISDIR(status.st_mode)) {
      mounted_.add(shown(path) + " is");
      return true;
    }
    if (S_ISSOCK(status.st_mode)) {
      sockets_.add(shown(path) + " is a socket");
      return true;
    }
    if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode) && !S_ISDIR(status.st_mode)) {
      special_.add(
          fmt::format("{} is a {}", shown(path), S_ISFIFO(status.st_mode) ? "fifo" : "device"));
      return true;
    }
    return false;
  }

  Status add_child(int directory_fd, const char* name, const std::string& path) {
    struct stat status {};
    if (::fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return fail_errno(errno, "cannot look at " + shown(path));
    }
    if (is_left_out(path, status)) {
      return {};
    }
    if (path.size() > limits::path_bytes_max ||
        std::count(path.begin(), path.end(), '/') >= limits::path_depth_max) {
      return fail(
          ErrorCode::limit,
          fmt::format("{}... is too deep or too long: {} levels and {} bytes are the most",
                      shown(path).substr(0, 200), limits::path_depth_max, limits::path_bytes_max));
    }
    EntryType type = EntryType::directory;
    if (!S_ISDIR(status.st_mode)) {
      type = S_ISREG(status.st_mode) ? EntryType::file : EntryType::symlink;
    }
    TreeEntry entry = entry_of(path, status, type);
    if (type == EntryType::symlink) {
      Result<std::string> target = read_link(directory_fd, name, path);
      if (!target) {
        return fail(target.error());
      }
      entry.link_target = std::move(*target);
    } else if (type == EntryType::file && ::faccessat(directory_fd, name, R_OK, AT_EACCESS) != 0) {
      // Said now rather than after the gigabytes before it were packed.
      return fail_errno(
          errno,
          fmt::format("cannot read {} (leave it out, or run as a user who may)", shown(path)));
    }
    if (Status read = add_attributes(directory_fd, name, entry); !read) {
      return read;
    }
    if (type != EntryType::directory && status.st_nlink > 1) {
      links_.try_emplace({status.st_dev, status.st_ino});
    }
    pending_.push_back(std::move(entry));
    return {};
  }

  [[nodiscard]] Result<std::string> read_link(int directory_fd, const char* name,
                                              const std::string& path) const {
    std::string target(PATH_MAX, '\0');
    const ssize_t length = ::readlinkat(directory_fd, name, target.data(), target.size());
    if (length < 0) {
      return fail_errno(errno, "cannot read the link " + shown(path));
    }
    target.resize(static_cast<size_t>(length));
    return target;
  }

  const WalkOptions& options_;
  Observer& observer_;
  int root_fd_;
  dev_t device_ = 0;  // of the root
  Listed special_;    // fifos and devices
  Listed sockets_;
  Listed set_id_;
  Listed mounted_;
  uint64_t with_attributes_ = 0;  // entries whose extended ones are left out
  uint64_t attributes_left_out_ = 0;
  std::string first_attribute_;
  DirectoryCursor cursor_;
  Tree tree_;
  std::vector<TreeEntry> pending_;  // the next one last
  // Files with several names: the name that was listed first, once there is one.
  std::map<std::pair<dev_t, ino_t>, std::string> links_;
};

}  // namespace

Result<Tree> walk_tree(int root_fd, const WalkOptions& options, Observer& observer) {
  return Walk(root_fd, options, observer).run();
}

}  // namespace murder::archive
