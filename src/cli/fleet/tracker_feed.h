// How far a release is, as its tracker tells: asked once a second on a separate thread, so that
// 10,000 hosts are followed over one connection.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/json.h"
#include "engine/base/types.h"
#include "engine/trust/fleet_key.h"

namespace murder::fleet {

struct SwarmView {
  struct Slow {
    std::string host;
    uint32_t percent = 0;
  };
  uint32_t seeders = 0;
  uint32_t leechers = 0;
  uint64_t total_bytes = 0;      // of the release; 0: not known
  uint64_t delivered_bytes = 0;  // to all hosts together
  uint64_t left_bytes = 0;       // of those that still fetch
  std::array<uint32_t, 10> leechers_by_tenth{};
  std::vector<Slow> slowest;
};

// The part of a tracker's /status.json that is about one release; nothing when it is not there.
[[nodiscard]] std::optional<SwarmView> swarm_view_of(const Json& status, const InfoHash& info_hash);

// "http://tracker01:8998/status.json" of an announce URL.
[[nodiscard]] std::string status_url(const std::string& announce_url);

class TrackerFeed {
 public:
  // `keys`: of the deploy, if it has some of its own.
  TrackerFeed(const std::vector<std::string>& announce_urls, const InfoHash& info_hash,
              const std::optional<trust::FleetKeys>& keys = {});
  TrackerFeed(const TrackerFeed&) = delete;
  TrackerFeed& operator=(const TrackerFeed&) = delete;
  ~TrackerFeed();

  struct Latest {
    std::optional<SwarmView> view;  // the last one that was told
    Duration age{};                 // since then
    std::string trouble;            // why there is none now; empty when all is well
  };
  [[nodiscard]] Latest latest() const;

 private:
  void run();
  void ask();

  const std::vector<std::string> urls_;
  const InfoHash info_hash_;
  const std::optional<trust::FleetKeys> keys_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool is_stopping_ = false;
  std::optional<SwarmView> view_;
  Instant told_at_{};
  std::string trouble_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace murder::fleet
