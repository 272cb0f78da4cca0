// The same as the status page, for programs.
#include "engine/base/json_writer.h"
#include "tracker/snapshot.h"

namespace murder::tracker {
namespace {

// A name that a peer may not have sent.
void write_name(JsonWriter& json, std::string_view key, std::string_view name) {
  json.key(key);
  if (name.empty()) {
    json.null();
  } else {
    json.text(name);
  }
}

void write_seconds(JsonWriter& json, std::string_view key, std::optional<Duration> duration) {
  json.key(key);
  if (duration) {
    json.decimal(seconds_of(*duration), 3);
  } else {
    json.null();
  }
}

void write_racks(JsonWriter& json, const SwarmProgress& progress) {
  json.member("rack_count", progress.rack_count);
  json.key("racks");
  json.begin_array();
  for (const SwarmProgress::Rack& rack : progress.racks) {
    json.begin_object();
    write_name(json, "rack", rack.name);
    json.member("seeders", rack.seeder_count);
    json.member("leechers", rack.leecher_count);
    json.member("left_bytes", rack.left_bytes);
    json.end_object();
  }
  json.end_array();
}

void write_progress(JsonWriter& json, const SwarmLine& line) {
  json.member("total_bytes", line.total_bytes);
  json.member("delivered_bytes", line.delivered_bytes);
  json.key("leechers_by_tenth");
  json.begin_array();
  for (const uint32_t count : line.progress.leechers_by_tenth) {
    json.number(count);
  }
  json.end_array();
  json.key("slowest");
  json.begin_array();
  for (const SwarmProgress::Leecher& leecher : line.progress.slowest) {
    json.begin_object();
    write_name(json, "host", leecher.host);
    json.member("address", leecher.endpoint.text());
    json.member("left_bytes", leecher.left_bytes);
    write_name(json, "rack", leecher.rack);
    json.end_object();
  }
  json.end_array();
  write_racks(json, line.progress);
}

void write_lost(JsonWriter& json, const SwarmProgress& progress, Instant now) {
  json.member("lost_count", progress.lost_count);
  json.key("lost");
  json.begin_array();
  for (const LostPeer& peer : progress.lost) {
    json.begin_object();
    write_name(json, "host", peer.host);
    json.member("address", peer.endpoint.text());
    json.member("left_bytes", peer.left_bytes);
    json.member("is_source", peer.is_source);
    write_seconds(json, "last_seen_s", now - peer.last_announce);
    json.end_object();
  }
  json.end_array();
}

// How the release does as a whole, and which hosts the tracker has not heard from for too long.
void write_course(JsonWriter& json, const SwarmLine& line, Instant now) {
  json.member("sources", line.counts.source_count);
  json.member("done", line.done_count());
  json.member("hosts", line.host_count());
  json.key("percent");
  if (const auto percent = line.percent()) {
    json.number(*percent);
  } else {
    json.null();
  }
  json.member("rate_bytes_per_s", line.rate_bytes_per_s);
  write_seconds(json, "elapsed_s", line.elapsed);
  write_seconds(json, "remaining_s", line.remaining);
  write_lost(json, line.progress, now);
}

}  // namespace

std::string render_status_json(const Snapshot& snapshot) {
  JsonWriter json;
  json.begin_object();
  json.member("kind", "tracker");
  write_seconds(json, "uptime_s", snapshot.uptime);
  json.member("announces", snapshot.service.announces());
  json.member("scrapes", snapshot.service.scrapes);
  json.member("releases", snapshot.swarm_count);
  json.member("peers", snapshot.totals.seeder_count + snapshot.totals.leecher_count);
  json.member("seeders", snapshot.totals.seeder_count);
  json.member("leechers", snapshot.totals.leecher_count);
  json.member("left_bytes", snapshot.totals.left_bytes);
  json.key("swarms");
  json.begin_array();
  for (const SwarmLine& line : snapshot.swarms) {
    json.begin_object();
    write_name(json, "name", line.name);
    json.member("info_hash", line.info_hash.hex());
    json.member("seeders", line.counts.seeder_count);
    json.member("leechers", line.counts.leecher_count);
    json.member("completed", line.counts.completed_count);
    json.member("left_bytes", line.counts.left_bytes);
    write_seconds(json, "since_last_announce_s", line.since_last_announce);
    write_progress(json, line);
    write_course(json, line, snapshot.now);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take() + "\n";
}

}  // namespace murder::tracker
