#include "engine/archive/entry_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "engine/archive/bounds.h"
#include "engine/archive/name_parts.h"

namespace murder::archive {

namespace {

constexpr uint64_t node_bytes = 96;  // beside its texts

tl::unexpected<Error> no_fit(std::string text) {
  return fail(ErrorCode::invalid_input, std::move(text));
}

std::string_view parent_path(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

}  // namespace

Status EntryTree::add(Kind kind, const std::string& path, std::string_view link_target) {
  if (path.empty() || bytes_ > limits::entry_tree_bytes_max) {
    return {};
  }
  const Result<std::string> place = without_links(path);
  if (!place) {
    return fail(place.error());
  }
  make_parents(*place);
  return put(*place, {.kind = kind, .link_target = std::string(link_target)});
}

Status EntryTree::add_hard_link(const std::string& path, const std::string& target) {
  if (bytes_ > limits::entry_tree_bytes_max) {
    return {};
  }
  const Result<std::string> from = without_links(target);
  if (!from) {
    return fail(from.error().code, "its target: " + from.error().text);
  }
  const auto found = nodes_.find(*from);
  if (found == nodes_.end()) {
    return no_fit(
        fmt::format("it is a hard link to {}, which is not there", target.substr(0, 300)));
  }
  if (found->second.kind == Kind::directory) {
    return no_fit("it is a hard link to a directory");
  }
  Node node = found->second;
  const Result<std::string> place = without_links(path);
  if (!place) {
    return fail(place.error());
  }
  make_parents(*place);
  return put(*place, std::move(node));
}

Result<std::string> EntryTree::without_links(const std::string& path) const {
  const size_t slash = path.rfind('/');
  std::deque<std::string> parts;
  static_cast<void>(put_parts_in_front(parent_path(path), parts));  // a path of the tree
  size_t own_parts = parts.size();  // at the end of `parts`; before them are those of a link
  std::string reached;
  uint32_t links_followed = 0;
  while (!parts.empty()) {
    const bool is_of_link = parts.size() > own_parts;
    const std::string part = std::move(parts.front());
    parts.pop_front();
    own_parts = std::min(own_parts, parts.size());
    std::string next = reached.empty() ? part : fmt::format("{}/{}", reached, part);
    const auto found = nodes_.find(next);
    if (found == nodes_.end()) {
      if (is_of_link) {
        return no_fit("the name leads through a symbolic link to nothing");
      }
      // The rest is still to be made.
      reached = std::move(next);
      for (const std::string& rest : parts) {
        reached += "/" + rest;
      }
      break;
    }
    const Node& node = found->second;
    if (node.kind == Kind::file) {
      return no_fit("the name leads through a file");
    }
    if (node.kind == Kind::directory) {
      reached = std::move(next);
      continue;
    }
    if (++links_followed > limits::links_followed_max ||
        !put_parts_in_front(node.link_target, parts)) {
      return no_fit(
          fmt::format("the name leads through the symbolic link {} -> {}, possibly out of the "
                      "target",
                      next.substr(0, 300), node.link_target.substr(0, 300)));
    }
  }
  const std::string last = slash == std::string::npos ? path : path.substr(slash + 1);
  return reached.empty() ? last : fmt::format("{}/{}", reached, last);
}

void EntryTree::make_parents(const std::string& path) {
  for (size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (!nodes_.contains(parent)) {
      insert(parent, {});
    }
  }
}

Status EntryTree::put(const std::string& path, Node node) {
  const auto found = nodes_.find(path);
  if (found == nodes_.end()) {
    insert(path, std::move(node));
    return {};
  }
  Node& there = found->second;
  if (there.kind == Kind::directory) {
    if (node.kind == Kind::directory) {
      return {};
    }
    if (there.child_count > 0) {
      return no_fit("it would replace a directory that is not empty");
    }
  }
  bytes_ += node.link_target.size();
  there = std::move(node);
  return {};
}

void EntryTree::insert(const std::string& path, Node node) {
  if (const auto parent = nodes_.find(std::string(parent_path(path))); parent != nodes_.end()) {
    ++parent->second.child_count;
  }
  bytes_ += node_bytes + path.size() + node.link_target.size();
  nodes_.emplace(path, std::move(node));
}

}  // namespace murder::archive
