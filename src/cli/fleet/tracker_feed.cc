#include "cli/fleet/tracker_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/fleet/tracker_access.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/thread_start.h"

namespace murder::fleet {
namespace {

constexpr Duration ask_interval = std::chrono::seconds(1);
constexpr Duration answer_timeout = std::chrono::seconds(3);
constexpr uint32_t answer_bytes_max = 1024 * 1024;

uint32_t percent_had(uint64_t left_bytes, uint64_t total_bytes) {
  const uint64_t had = total_bytes - std::min(left_bytes, total_bytes);
  return total_bytes == 0 ? 0 : static_cast<uint32_t>(had * 100 / total_bytes);
}

}  // namespace

std::optional<SwarmView> swarm_view_of(const Json& status, const InfoHash& info_hash) {
  if (!status.is_object() || !status.contains("swarms") || !status["swarms"].is_array()) {
    return std::nullopt;
  }
  for (const Json& swarm : status["swarms"]) {
    if (text_member(swarm, "info_hash") != info_hash.hex()) {
      continue;
    }
    SwarmView view;
    view.seeders = static_cast<uint32_t>(count_member(swarm, "seeders"));
    view.leechers = static_cast<uint32_t>(count_member(swarm, "leechers"));
    view.total_bytes = count_member(swarm, "total_bytes");
    view.delivered_bytes = count_member(swarm, "delivered_bytes");
    view.left_bytes = count_member(swarm, "left_bytes");
    if (swarm.contains("leechers_by_tenth") && swarm["leechers_by_tenth"].is_array()) {
      size_t tenth = 0;
      for (const Json& count : swarm["leechers_by_tenth"]) {
        if (tenth < view.leechers_by_tenth.size() && count.is_count()) {
          view.leechers_by_tenth[tenth] = static_cast<uint32_t>(count.count());
        }
        ++tenth;
      }
    }
    if (swarm.contains("slowest") && swarm["slowest"].is_array()) {
      for (const Json& leecher : swarm["slowest"]) {
        const std::string host = text_member(leecher, "host");
        view.slowest.push_back(
            {host.empty() ? text_member(leecher, "address") : host,
             percent_had(count_member(leecher, "left_bytes"), view.total_bytes)});
      }
    }
    return view;
  }
  return std::nullopt;
}

std::string status_url(const std::string& announce_url) {
  constexpr std::string_view announce = "/announce";
  std::string url = announce_url;
  if (url.ends_with(announce)) {
    url.resize(url.size() - announce.size());
  }
  return url + "/status.json";
}

TrackerFeed::TrackerFeed(const std::vector<std::string>& announce_urls, const InfoHash& info_hash,
                         const std::optional<trust::FleetKeys>& keys)
    : urls_(announce_urls), info_hash_(info_hash), keys_(keys) {
  // Without a thread there is no view of the swarm, and the deploy goes on.
  static_cast<void>(start_thread(thread_, [this] { run(); }));
}

TrackerFeed::~TrackerFeed() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

TrackerFeed::Latest TrackerFeed::latest() const {
  const std::lock_guard lock(mutex_);
  return {.view = view_,
          .age = view_ ? monotonic_now() - told_at_ : Duration::zero(),
          .trouble = trouble_};
}

void TrackerFeed::run() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    lock.unlock();
    ask();
    lock.lock();
    wake_.wait_for(lock, ask_interval, [this] { return is_stopping_; });
  }
}

// Of several trackers the first that knows the release tells: peers announce to all of them.
void TrackerFeed::ask() {
  std::string trouble;
  for (const std::string& announce_url : urls_) {
    const std::string url = status_url(announce_url);
    const Result<http::Reply> reply =
        ask_tracker(fmt::format("{}?info_hash={}", url, info_hash_.hex()),
                    {.timeout = answer_timeout, .body_bytes_max = answer_bytes_max}, keys_);
    if (!reply) {
      trouble = reply.error().text;
      continue;
    }
    if (is_of_closed_tracker(*reply)) {
      trouble = fmt::format("{}: it is closed, and this machine has not its fleet key", url);
      continue;
    }
    const Result<Json> status = parse_json(reply->body);
    std::optional<SwarmView> view;
    if (status) {
      view = swarm_view_of(*status, info_hash_);
    }
    if (view) {
      const std::lock_guard lock(mutex_);
      view_ = std::move(view);
      told_at_ = monotonic_now();
      trouble_.clear();
      return;
    }
    trouble = fmt::format("nobody has announced this release to {} yet", announce_url);
  }
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(trouble);
}

}  // namespace murder::fleet
