#include "engine/codec/torrent_paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "engine/base/printable.h"
#include "engine/codec/bounds.h"

namespace murder::codec {
namespace {

constexpr uint32_t hops_max = 40;  // as many links as Linux follows
constexpr size_t step_bytes = 8;   // of a path that is looked up count as one more step

tl::unexpected<Error> refuse(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("torrent: {}", what));
}

// With '/' before all other bytes, what is below a path comes right behind it.
bool comes_before(std::string_view left, std::string_view right) {
  const auto [l, r] = std::mismatch(left.begin(), left.end(), right.begin(), right.end());
  if (l == left.end() || r == right.end()) {
    return l == left.end() && r != right.end();
  }
  const auto rank = [](char c) { return c == '/' ? 0 : 1 + static_cast<uint8_t>(c); };
  return rank(*l) < rank(*r);
}

// The directory that a path lies in; "" for the root.
std::string_view parent_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

// Finds what a path names, in a torrent whose paths are known to differ.
class TreeIndex {
 public:
  enum class Kind : uint8_t { nothing, file, link, directory };
  struct Found {
    Kind kind = Kind::nothing;
    const FileEntry* link = nullptr;
  };

  explicit TreeIndex(const std::vector<FileEntry>& files) {
    entries_.reserve(files.size());
    for (const FileEntry& file : files) {
      if (!file.is_padding) {
        entries_.push_back(&file);
      }
    }
    const auto order = [](const FileEntry* left, const FileEntry* right) {
      return comes_before(left->path, right->path);
    };
    if (!std::is_sorted(entries_.begin(), entries_.end(), order)) {
      std::sort(entries_.begin(), entries_.end(), order);
    }
  }

  [[nodiscard]] Found find(std::string_view path) const {
    const auto at = std::lower_bound(entries_.begin(), entries_.end(), path,
                                     [](const FileEntry* entry, std::string_view wanted) {
                                       return comes_before(entry->path, wanted);
                                     });
    if (path.empty()) {
      return {.kind = Kind::directory};
    }
    if (at == entries_.end() || !(*at)->path.starts_with(path)) {
      return {};
    }
    if ((*at)->path.size() == path.size()) {
      return (*at)->is_symlink ? Found{.kind = Kind::link, .link = *at} : Found{.kind = Kind::file};
    }
    return {.kind = (*at)->path[path.size()] == '/' ? Kind::directory : Kind::nothing};
  }

  [[nodiscard]] const std::vector<const FileEntry*>& entries() const { return entries_; }

 private:
  std::vector<const FileEntry*> entries_;
};

// Walks as the kernel would walk the unpacked tree. `hops` bounds the links that are followed.
class LinkWalker {
 public:
  LinkWalker(const TreeIndex& index, uint64_t steps_max) : index_(index), steps_left_(steps_max) {}

  // No more steps: what it said last was said too early.
  [[nodiscard]] bool is_exhausted() const { return steps_left_ == 0; }

  // The path below the root that the link's target names, which may be a link again; nullopt where
  // nothing is at the end.
  [[nodiscard]] std::optional<std::string> target_of(const FileEntry& link) const {
    for (const std::string_view base : {std::string_view(), parent_of(link.path)}) {
      uint32_t hops = 0;
      if (!walk(base, link.symlink_target, /*follows_last=*/true, hops)) {
        continue;
      }
      hops = 0;
      return walk(base, link.symlink_target, /*follows_last=*/false, hops);
    }
    return std::nullopt;
  }

 private:
  // NOLINTNEXTLINE(misc-no-recursion): bounded by hops_max
  [[nodiscard]] std::optional<std::string> walk(std::string_view base, std::string_view target,
                                                bool follows_last, uint32_t& hops) const {
    std::string place(base);
    bool is_directory = true;
    while (!target.empty()) {
      const size_t slash = std::min(target.find('/'), target.size());
      const std::string_view part = target.substr(0, slash);
      target.remove_prefix(std::min(slash + 1, target.size()));
      if (!is_directory || steps_left_ == 0 || (part == ".." && place.empty())) {
        return std::nullopt;
      }
      // Long paths take longer to find.
      steps_left_ -= std::min(steps_left_, 1 + place.size() / step_bytes);
      if (part == ".") {
        continue;
      }
      if (part == "..") {
        place = parent_of(place);
        continue;
      }
      place.append(place.empty() ? "" : "/").append(part);
      const TreeIndex::Found found = index_.find(place);
      if (found.kind == TreeIndex::Kind::nothing) {
        return std::nullopt;
      }
      is_directory = found.kind == TreeIndex::Kind::directory;
      if (found.kind == TreeIndex::Kind::link && (!target.empty() || follows_last)) {
        std::optional<std::string> end = follow(*found.link, hops);
        if (!end) {
          return std::nullopt;
        }
        place = std::move(*end);
        is_directory = index_.find(place).kind == TreeIndex::Kind::directory;
      }
    }
    return place;
  }

  // NOLINTNEXTLINE(misc-no-recursion): bounded by hops_max
  [[nodiscard]] std::optional<std::string> follow(const FileEntry& link, uint32_t& hops) const {
    if (++hops > hops_max) {
      return std::nullopt;
    }
    std::optional<std::string> end = walk("", link.symlink_target, /*follows_last=*/true, hops);
    return end ? end : walk(parent_of(link.path), link.symlink_target, /*follows_last=*/true, hops);
  }

  const TreeIndex& index_;
  mutable uint64_t steps_left_;
};

}  // namespace

std::string shown_name(std::string_view text) {
  return '"' + printable_value(text.substr(0, 100)) + (text.size() > 100 ? "...\"" : "\"");
}

Status check_paths_differ(const std::vector<FileEntry>& files) {
  const TreeIndex index(files);
  for (size_t at = 1; at < index.entries().size(); ++at) {
    const std::string_view before = index.entries()[at - 1]->path;
    const std::string_view path = index.entries()[at]->path;
    if (path == before) {
      return refuse(fmt::format("two files have the path {}", shown_name(path)));
    }
    if (path.starts_with(before) && path[before.size()] == '/') {
      return refuse(fmt::format("{} is a file and a directory", shown_name(before)));
    }
  }
  return {};
}

Status resolve_links(std::vector<FileEntry>& files, uint64_t steps_max) {
  if (std::none_of(files.begin(), files.end(),
                   [](const FileEntry& file) { return file.is_symlink; })) {
    return {};
  }
  const TreeIndex index(files);
  const LinkWalker walker(index, steps_max);
  std::vector<std::string> targets;
  for (const FileEntry& file : files) {
    if (!file.is_symlink) {
      continue;
    }
    std::optional<std::string> target = walker.target_of(file);
    if (walker.is_exhausted()) {
      return fail(ErrorCode::limit, "torrent: its symbolic links are too many, or too long");
    }
    if (!target) {
      return refuse(fmt::format("the symbolic link {} leads to {}, which names nothing in it",
                                shown_name(file.path), shown_name(file.symlink_target)));
    }
    targets.push_back(std::move(*target));
  }
  size_t next = 0;
  for (FileEntry& file : files) {
    if (file.is_symlink) {
      file.symlink_target = std::move(targets[next++]);
    }
  }
  return {};
}

}  // namespace murder::codec
