#include "engine/node/tracker_client.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "engine/base/ensure.h"
#include "engine/base/printable.h"
#include "engine/codec/announce.h"
#include "engine/codec/url.h"
#include "engine/node/bounds.h"

namespace murder::node {
namespace {

constexpr Duration announce_timeout = std::chrono::seconds(10);
constexpr Duration stopped_timeout = std::chrono::seconds(2);
// At the end, for the first answer of a tracker: it knows us then, and is told that we go.
constexpr Duration first_answer_patience = std::chrono::milliseconds(500);

// Seconds since 1970, there.
uint64_t time_of_tracker(int64_t ahead_s) {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  const int64_t now_s = std::chrono::duration_cast<std::chrono::seconds>(since_1970).count();
  return static_cast<uint64_t>(std::max<int64_t>(now_s + ahead_s, 0));
}

// Of a wrong request, the server's words if they are a line for people: ": this port speaks https".
std::string reason_in(const http::Reply& reply) {
  constexpr size_t line_bytes_max = 120;
  const std::string_view line = std::string_view(reply.body).substr(0, reply.body.find('\n'));
  return reply.status != 400 || line.empty() || line.size() > line_bytes_max ||
                 !reply.content_type.starts_with("text/plain")
             ? ""
             : fmt::format(": {}", printable_value(line));
}

}  // namespace

TrackerClient::TrackerClient(io::Reactor& reactor, TrackerClientOwner& owner,
                             const TrackerClientOptions& options)
    : reactor_(reactor),
      owner_(owner),
      options_(options),
      tokens_(options.fleet_keys ? std::optional<trust::TokenKeys>(*options.fleet_keys)
                                 : std::nullopt),
      announcer_(static_cast<uint32_t>(options.urls.size()), Prng(options.seed)),
      asked_(options.urls.size()),
      timer_(reactor.timers(), callback<&TrackerClient::due>(this)),
      give_up_timer_(reactor.timers(), callback<&TrackerClient::give_up>(this)) {
  for (size_t index = 0; index < options_.urls.size(); ++index) {
    clients_.push_back(std::make_unique<http::Client>(reactor, *this));
  }
}

void TrackerClient::pump() {
  while (const auto order = announcer_.next(reactor_.now())) {
    send(*order);
  }
  const Instant next = announcer_.next_due();
  if (next == instant_never) {
    timer_.cancel();
  } else {
    timer_.arm(next);
  }
}

void TrackerClient::due(io::Timer&) {
  pump();
}

void TrackerClient::send(const swarm::Announcer::Order& order) {
  ENSURE(order.tracker.raw < clients_.size());
  const Result<codec::Url> url = codec::Url::parse(options_.urls[order.tracker.raw]);
  if (!url) {
    failed(order.tracker, url.error().text);
    return;
  }
  codec::AnnounceRequest request = owner_.announce_request();
  request.event = order.event;
  request.tracker_id = announcer_.tracker_id(order.tracker);
  request.tracker_count = announcer_.sharing_count();
  const bool last = order.event == codec::AnnounceEvent::stopped;
  Asked& asked = asked_[order.tracker.raw];
  asked.target = codec::announce_target(*url, request);
  if (tokens_) {
    asked.target = tokens_->signed_target(asked.target, time_of_tracker(asked.ahead_s));
  }
  clients_[order.tracker.raw]->request(url->origin() + asked.target + url->pin_fragment(),
                                       {.timeout = last ? stopped_timeout : announce_timeout,
                                        .body_bytes_max = limits::announce_reply_bytes_max,
                                        .bind_address = options_.bind_address,
                                        .pins = options_.pins});
}

// What went wrong with a tracker. Errors of connections name the URL already.
std::string TrackerClient::about(TrackerIndex tracker, const std::string& reason) const {
  const std::string& url = options_.urls[tracker.raw];
  return reason.starts_with(url) ? "tracker " + reason : fmt::format("tracker {}: {}", url, reason);
}

// A tracker that knows our key tells its clock where ours is wrong: the next announce is right.
std::string TrackerClient::refused_text(TrackerIndex tracker, const http::Reply& reply) {
  Asked& asked = asked_[tracker.raw];
  const std::optional<uint64_t> told =
      tokens_ ? tokens_->told_time(asked.target, reply.body) : std::nullopt;
  if (told) {
    asked.ahead_s = static_cast<int64_t>(*told) - static_cast<int64_t>(time_of_tracker(0));
    return fmt::format("this host's clock differs from the tracker's by {} s",
                       std::abs(asked.ahead_s));
  }
  return tokens_ ? "answered with HTTP status 403: it has another fleet key"
                 : "answered with HTTP status 403: if it is closed, give --fleet-key";
}

void TrackerClient::failed(TrackerIndex tracker, std::string reason) {
  const swarm::Announcer::TrackerView before = announcer_.view(tracker);
  if (before.works || !before.tried || before.trouble != reason) {
    owner_.tracker_changed(about(tracker, reason) + " (trying again)");
  }
  announcer_.failed(tracker, std::move(reason), reactor_.now());
}

void TrackerClient::on_http_reply(http::Client& client, Result<http::Reply> reply) {
  const auto found = std::find_if(clients_.begin(), clients_.end(),
                                  [&](const auto& one) { return one.get() == &client; });
  ENSURE(found != clients_.end());
  const TrackerIndex tracker{static_cast<uint32_t>(found - clients_.begin())};
  const auto announced = reply ? codec::decode_announce_reply(as_bytes_of(reply->body))
                               : Result<codec::AnnounceReply>(fail(reply.error()));
  if (!reply) {
    failed(tracker, reply.error().text);
  } else if (!announced && reply->status == 403) {
    failed(tracker, refused_text(tracker, *reply));
  } else if (!announced && reply->status != 200) {
    failed(tracker,
           fmt::format("answered with HTTP status {}{}", reply->status, reason_in(*reply)));
  } else if (!announced) {
    failed(tracker, "the answer is not a tracker's: " + announced.error().text);
  } else {
    const swarm::Announcer::TrackerView before = announcer_.view(tracker);
    const bool refused = !announced->failure_reason.empty();
    if (refused && before.trouble != announced->failure_reason) {
      owner_.tracker_changed(fmt::format("tracker {} refuses: {}", options_.urls[tracker.raw],
                                         announced->failure_reason));
    } else if (!refused && before.tried && !before.works) {
      owner_.tracker_changed(fmt::format("tracker {} answers again", options_.urls[tracker.raw]));
    }
    announcer_.replied(tracker, *announced, reactor_.now());
    if (!announced->rack.empty()) {
      owner_.rack_told(announced->rack);  // before the first of them is dialled
    }
    if (!refused && !announced->peers.empty()) {
      owner_.peers_found(announced->peers);
    }
  }
  pump();
}

void TrackerClient::completed() {
  announcer_.completed(reactor_.now());
  pump();
}

void TrackerClient::want_peers() {
  announcer_.want_peers(reactor_.now());
  pump();
}

void TrackerClient::stop() {
  stopped_at_ = reactor_.now();
  announcer_.stop(stopped_at_);
  give_up_timer_.arm(stopped_at_ + first_answer_patience);
  pump();
}

void TrackerClient::give_up(io::Timer& timer) {
  const Instant now = reactor_.now();
  const bool is_end = now >= stopped_at_ + stopped_timeout;
  for (uint32_t index = 0; index < announcer_.tracker_count(); ++index) {
    if (announcer_.is_asking({index}) && (is_end || announcer_.is_stranger({index}))) {
      clients_[index]->cancel();
      announcer_.failed({index}, "it did not answer before the end", now);
    }
  }
  if (!is_end) {
    timer.arm(stopped_at_ + stopped_timeout);
  }
  pump();
}

uint32_t TrackerClient::working_count() const {
  uint32_t count = 0;
  for (uint32_t index = 0; index < announcer_.tracker_count(); ++index) {
    count += announcer_.view({index}).works ? 1 : 0;
  }
  return count;
}

std::string TrackerClient::trouble() const {
  for (uint32_t index = 0; index < announcer_.tracker_count(); ++index) {
    const swarm::Announcer::TrackerView view = announcer_.view({index});
    if (view.tried && !view.works) {
      return about({index}, view.trouble);
    }
  }
  return {};
}

}  // namespace murder::node
