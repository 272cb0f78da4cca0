#include "engine/codec/torrent_trackers.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/codec/bounds.h"
#include "engine/codec/url.h"

namespace murder::codec {
namespace {

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n\v\f";
  const size_t begin = std::min(text.find_first_not_of(blanks), text.size());
  return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

// Collects the trackers of a torrent (BEP 12). What is not text is passed over, and so is what
// comes after torrent_trackers_max URLs: of those that can be asked, and of those that cannot.
class TrackerList {
 public:
  void add(std::vector<std::string>& tier, const BencodeValue& item) {
    const std::string_view url = without_blanks(item.text().value_or(""));
    if (url.empty()) {
      return;
    }
    const bool is_http = has_http_scheme(url) && !url.ends_with("://");
    uint32_t& count = is_http ? http_count_ : other_count_;
    if (count < limits::torrent_trackers_max) {
      tier.emplace_back(url);
      ++count;
    }
  }

  void add_tier(std::vector<std::string> tier) {
    if (!tier.empty()) {
      tiers_.push_back(std::move(tier));
    }
  }

  [[nodiscard]] bool has_http() const { return http_count_ > 0; }
  [[nodiscard]] bool is_empty() const { return tiers_.empty(); }
  [[nodiscard]] std::vector<std::vector<std::string>> take() { return std::move(tiers_); }

 private:
  std::vector<std::vector<std::string>> tiers_;
  uint32_t http_count_ = 0;
  uint32_t other_count_ = 0;
};

}  // namespace

std::vector<std::vector<std::string>> tracker_tiers_of(const BencodeValue& torrent) {
  TrackerList trackers;
  if (const std::optional<BencodeValue> list = torrent.find("announce-list")) {
    BencodeItems tiers = list->items();
    while (const std::optional<BencodeValue> item = tiers.next()) {
      std::vector<std::string> tier;
      trackers.add(tier, *item);  // some torrents have a flat list
      BencodeItems urls = item->items();
      while (const std::optional<BencodeValue> url = urls.next()) {
        trackers.add(tier, *url);
      }
      trackers.add_tier(std::move(tier));
    }
  }
  const std::optional<BencodeValue> announce = torrent.find("announce");
  if (announce && (trackers.is_empty() || !trackers.has_http())) {
    std::vector<std::string> tier;
    trackers.add(tier, *announce);
    if (trackers.is_empty() || trackers.has_http()) {
      trackers.add_tier(std::move(tier));
    }
  }
  return trackers.take();
}

}  // namespace murder::codec
