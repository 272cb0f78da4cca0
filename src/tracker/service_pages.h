// Pages that were made and are kept for the next who asks.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/types.h"
#include "engine/http/shared_body.h"
#include "tracker/viewer_gate.h"

namespace murder::tracker {

enum class PageKind : uint8_t { html, json, json_of_one, metrics, scrape };

// At most limits::pages_kept_max pages; who asks for further ones has the one made longest ago
// replaced. On the thread of its service.
class PageCache {
 public:
  struct Key {
    PageKind kind = PageKind::html;
    InfoHash info_hash;  // of json_of_one

    bool operator==(const Key&) const = default;
  };

  // How large it was when it was made last; 0 when that is not known.
  [[nodiscard]] uint64_t last_bytes(const Key& key) const;

  // The page of this key, made by make() when it has to be.
  template <typename Make>
  [[nodiscard]] http::SharedBody get(const Key& key, Instant now, Make&& make) {
    Page* page = find(key);
    const Duration age = page == nullptr ? limits::page_kept_for : now - page->made_at;
    if (page != nullptr && !fresh_.take(age, now)) {
      return page->body;
    }
    page = page == nullptr ? &place_for(key) : page;
    page->made_at = now;
    page->body = http::SharedBody(make());
    return page->body;
  }

 private:
  struct Page {
    Key key;
    Instant made_at;
    http::SharedBody body;
  };

  [[nodiscard]] Page* find(const Key& key);
  [[nodiscard]] Page& place_for(const Key& key);

  std::vector<Page> pages_;
  FreshPages fresh_;
};

}  // namespace murder::tracker
