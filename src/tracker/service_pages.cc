#include "tracker/service_pages.h"

#include <algorithm>

namespace murder::tracker {

PageCache::Page* PageCache::find(const Key& key) {
  const auto found =
      std::find_if(pages_.begin(), pages_.end(), [&](const Page& page) { return page.key == key; });
  return found == pages_.end() ? nullptr : &*found;
}

uint64_t PageCache::last_bytes(const Key& key) const {
  const auto found =
      std::find_if(pages_.begin(), pages_.end(), [&](const Page& page) { return page.key == key; });
  return found == pages_.end() ? 0 : found->body.text().size();
}

PageCache::Page& PageCache::place_for(const Key& key) {
  if (pages_.size() < limits::pages_kept_max) {
    return pages_.emplace_back(Page{.key = key, .made_at = {}, .body = {}});
  }
  Page& oldest = *std::min_element(
      pages_.begin(), pages_.end(),
      [](const Page& left, const Page& right) { return left.made_at < right.made_at; });
  oldest.key = key;
  return oldest;
}

}  // namespace murder::tracker
