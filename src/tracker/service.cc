#include "tracker/service.h"

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/codec/query.h"
#include "tracker/bounds.h"

namespace murder::tracker {

namespace {

// Swarms that are listed, on the status page and in /status.json. A client that asks for one by its
// info hash gets it, however many there are.
constexpr uint32_t page_lines_max = 500;
constexpr uint32_t json_lines_max = 1000;
// Leechers that are named, those with the most left to fetch.
constexpr uint32_t page_slowest_max = 5;
constexpr uint32_t json_slowest_max = 10;
// Racks that are listed, likewise.
constexpr uint32_t page_racks_max = 8;
constexpr uint32_t json_racks_max = 100;
// Leechers and racks on one page together: it is made whole, in memory, by the tracker's thread.
constexpr uint32_t rows_max = 2000;

std::string content_type_of(PageKind kind) {
  switch (kind) {
    case PageKind::html:
      return "text/html; charset=utf-8";
    case PageKind::json:
    case PageKind::json_of_one:
      return "application/json";
    case PageKind::metrics:
      return "text/plain; version=0.0.4; charset=utf-8";
    case PageKind::scrape:
      return "text/plain; charset=utf-8";
  }
  return {};
}

// A small page is copied, a large one is the same for all who are sent it.
http::Response page(PageKind kind, const http::SharedBody& made) {
  const bool is_small = made.text().size() <= limits::viewer_page_bytes_min;
  return {.content_type = content_type_of(kind),
          .body = is_small ? std::string(made.text()) : std::string(),
          .shared_body = is_small ? http::SharedBody() : made,
          .fields = {{"Cache-Control", "no-store"},
                     {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"}}};
}

codec::PeerListForm form_for(const codec::AnnounceRequest& request) {
  if (request.compact) {
    return codec::PeerListForm::compact;
  }
  return request.no_peer_id ? codec::PeerListForm::list_without_ids : codec::PeerListForm::list;
}

codec::ScrapeEntry scrape_entry(const InfoHash& info_hash, const SwarmCounts& counts) {
  return {.info_hash = info_hash,
          .complete = counts.seeder_count,
          .downloaded = counts.completed_count,
          .incomplete = counts.leecher_count};
}

bool is_for_coordinator(const http::Request& request) {
  return request.path.starts_with("/control/");
}

}  // namespace

http::Response Service::announce(const http::Request& request, const Gate::Admission& admission,
                                 Instant now) {
  Result<codec::AnnounceRequest> announce = codec::decode_announce_query(request.query);
  codec::PeerListForm form = codec::PeerListForm::compact;
  if (announce) {
    ++counters_.announces_by_event[static_cast<size_t>(announce->event)];
    form = form_for(*announce);
    if (!gate_.may_announce(admission, announce->info_hash, now)) {
      reply_ = {};
      reply_.failure_reason = gate_.is_of_members(announce->info_hash, now)
                                  ? "hosts distribute this release with the tracker's fleet key"
                                  : "this release is distributed with a key of its deploy's own";
    } else if (admission.opens_releases || table_.find(announce->info_hash) != nullptr) {
      table_.announce(*announce, {request.remote.address, request.local.address}, now, prng_,
                      reply_);
      const Swarm* swarm = table_.find(announce->info_hash);
      gate_.note_announce(admission, announce->info_hash,
                          swarm != nullptr && swarm->record_count() > 0, now);
    } else {
      reply_ = {};
      reply_.failure_reason =
          "this tracker does not know the release: it takes new ones from hosts with its operator "
          "key";
    }
  } else {
    reply_ = {};
    reply_.failure_reason = std::move(announce.error().text);
    reply_.retry_never = true;
  }
  ++answered_count_;
  counters_.announces_refused += reply_.failure_reason.empty() ? 0 : 1;
  return {.body = codec::encode_announce_reply(reply_, form)};
}

http::Response Service::scrape(const http::Request& request, const Gate::Admission& admission,
                               Instant now) {
  counters_.scrapes += request.has_waited ? 0 : 1;
  codec::ScrapeReply reply;
  Result<std::vector<InfoHash>> info_hashes = codec::decode_scrape_query(request.query);
  if (!info_hashes) {
    reply.failure_reason = std::move(info_hashes.error().text);
  } else if (info_hashes->empty() && admission.deploy == nullptr) {
    return show(request, {.kind = PageKind::scrape, .info_hash = {}}, now);
  } else {
    // Of a release that nobody announced all counts are 0, and of one that is another's.
    for (const InfoHash& info_hash : *info_hashes) {
      const Swarm* swarm = gate_.may_ask(admission, info_hash) ? table_.find(info_hash) : nullptr;
      reply.entries.push_back(
          scrape_entry(info_hash, swarm == nullptr ? SwarmCounts{} : swarm->counts()));
    }
  }
  return {.body = codec::encode_scrape_reply(reply)};
}

std::string Service::scrape_of_all() const {
  codec::ScrapeReply reply;
  table_.each_swarm([&](const InfoHash& info_hash, const Swarm& swarm) {
    if (!gate_.may_ask({}, info_hash)) {
      return true;
    }
    reply.entries.push_back(scrape_entry(info_hash, swarm.counts()));
    return reply.entries.size() < limits::scrape_swarms_max;
  });
  return codec::encode_scrape_reply(reply);
}

Snapshot Service::snapshot(Instant now, const SnapshotLimits& limits) const {
  Snapshot snapshot = take_snapshot(table_, now, limits);
  snapshot.uptime = now - started_at_;
  snapshot.service = counters_;
  snapshot.announce_latency = announce_latency_;
  if (server_ != nullptr) {
    const http::ServerCounters& counters = server_->counters();
    snapshot.http = {.connections_open = server_->connection_count(),
                     .connections = counters.connections,
                     .bad_requests = counters.bad_requests,
                     .timeouts = counters.timeouts,
                     .evictions = counters.evictions,
                     .crowded = counters.crowded,
                     .accept_failures = counters.accept_failures};
  }
  return snapshot;
}

std::string Service::status_json(Instant now) const {
  return render_status_json(snapshot(now, {.lines_max = json_lines_max,
                                           .slowest_max = json_slowest_max,
                                           .racks_max = json_racks_max,
                                           .rows_max = rows_max}));
}

std::string Service::metrics(Instant now) const {
  std::string text = render_metrics(snapshot(
      now, {.lines_max = limits::metrics_releases_max, .order = SwarmOrder::newest_first}));
  return more_metrics_ ? text + more_metrics_() : text;
}

std::string Service::make(const PageCache::Key& key, Instant now) const {
  switch (key.kind) {
    case PageKind::html:
      return render_status_page(snapshot(now, {.lines_max = page_lines_max,
                                               .slowest_max = page_slowest_max,
                                               .racks_max = page_racks_max,
                                               .rows_max = rows_max}));
    case PageKind::json:
      return status_json(now);
    case PageKind::json_of_one:
      return render_status_json(snapshot(now, {.lines_max = 1,
                                               .slowest_max = json_slowest_max,
                                               .racks_max = json_racks_max,
                                               .rows_max = rows_max,
                                               .only = &key.info_hash}));
    case PageKind::metrics:
      return metrics(now);
    case PageKind::scrape:
      return scrape_of_all();
  }
  return {};
}

http::Response Service::show(const http::Request& request, const PageCache::Key& key, Instant now) {
  if (!request.has_waited) {
    const std::optional<Duration> wait = viewers_.admit(pages_.last_bytes(key), now);
    if (!wait) {
      return {.status = 503,
              .body = "too many look at this tracker's pages\n",
              .fields = {{"Retry-After", "1"}}};
    }
    if (*wait > Duration{}) {
      return {.wait = *wait};
    }
  }
  return page(key.kind, pages_.get(key, now, [&] { return make(key, now); }));
}

http::Response Service::status(const http::Request& request, const Gate::Admission& admission,
                               Instant now) {
  codec::QueryPairs pairs(request.query);
  while (const std::optional<codec::QueryPair> pair = pairs.next()) {
    if (pair->key != "info_hash") {
      continue;
    }
    const std::optional<InfoHash> only = InfoHash::from_hex(pair->value);
    if (!only) {
      return {.status = 400, .body = "info_hash: write 40 hexadecimal digits\n"};
    }
    // A deploy sees its own releases only; whoever reads all pages sees them all.
    if (admission.deploy != nullptr && !gate_.may_ask(admission, *only)) {
      break;
    }
    return show(request, {.kind = PageKind::json_of_one, .info_hash = *only}, now);
  }
  if (admission.deploy != nullptr) {
    return forbidden();
  }
  return show(request, {.kind = PageKind::json, .info_hash = {}}, now);
}

http::LargeBody Service::admit_large_body(const http::Request& head) {
  return coordinator_ != nullptr && is_for_coordinator(head) ? coordinator_->admit_large_body(head)
                                                             : http::LargeBody{};
}

void Service::take_over(http::TakenSocket socket, const http::Request& request,
                        std::span<const uint8_t> early) {
  ENSURE(coordinator_ != nullptr);
  coordinator_->take_over(std::move(socket), request, early);
}

http::Response Service::handle(const http::Request& request, Instant now) {
  counters_.requests += request.has_waited ? 0 : 1;
  if (coordinator_ != nullptr && is_for_coordinator(request)) {
    return coordinator_->handle(request, now);
  }
  Gate::Admission admission = gate_.admit(request, now);
  if (admission.refusal) {
    return std::move(*admission.refusal);
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return {
        .status = 405, .body = "only GET is answered here\n", .fields = {{"Allow", "GET, HEAD"}}};
  }
  if (request.path == "/announce") {
    return announce(request, admission, now);
  }
  if (request.path == "/scrape") {
    return scrape(request, admission, now);
  }
  if (request.path == "/status.json") {
    return status(request, admission, now);
  }
  if (admission.deploy != nullptr) {
    return forbidden();
  }
  if (request.path == "/") {
    return show(request, {.kind = PageKind::html, .info_hash = {}}, now);
  }
  if (request.path == "/metrics") {
    return show(request, {.kind = PageKind::metrics, .info_hash = {}}, now);
  }
  if (is_for_coordinator(request)) {
    return {.status = 404,
            .content_type = content_type_of(PageKind::json),
            .body =
                "{\"error\":\"this tracker is not a coordinator: start it with --state, or name a "
                "state in its tracker.toml\"}\n"};
  }
  return {.status = 404,
          .body = "not found; there are /, /announce, /scrape, /metrics and /status.json\n"};
}

}  // namespace murder::tracker
