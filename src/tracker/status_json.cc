// The same as the status page, for programs.
#include <fmt/format.h>

#include <iterator>

#include "tracker/snapshot.h"
#include "tracker/text.h"

namespace murder::tracker {
namespace {

void append_text(std::string& json, std::string_view text) {
  if (text.empty()) {
    json += "null";
    return;
  }
  json += '"';
  append_json_escaped(json, text);
  json += '"';
}

void append_progress(std::string& json, const SwarmLine& line) {
  fmt::format_to(std::back_inserter(json), ",\"total_bytes\":{},\"delivered_bytes\":{}",
                 line.total_bytes, line.delivered_bytes);
  json += ",\"leechers_by_tenth\":[";
  for (size_t tenth = 0; tenth < line.progress.leechers_by_tenth.size(); ++tenth) {
    fmt::format_to(std::back_inserter(json), "{}{}", tenth == 0 ? "" : ",",
                   line.progress.leechers_by_tenth[tenth]);
  }
  json += "],\"slowest\":[";
  bool is_first = true;
  for (const SwarmProgress::Leecher& leecher : line.progress.slowest) {
    json += is_first ? "{\"host\":" : ",{\"host\":";
    is_first = false;
    append_text(json, leecher.host);
    fmt::format_to(std::back_inserter(json),
                   ",\"address\":\"{}\",\"left_bytes\":{},\"rack\":", leecher.endpoint.text(),
                   leecher.left_bytes);
    append_text(json, leecher.rack);
    json += '}';
  }
  fmt::format_to(std::back_inserter(json), "],\"rack_count\":{},\"racks\":[",
                 line.progress.rack_count);
  is_first = true;
  for (const SwarmProgress::Rack& rack : line.progress.racks) {
    json += is_first ? "{\"rack\":" : ",{\"rack\":";
    is_first = false;
    append_text(json, rack.name);
    fmt::format_to(std::back_inserter(json), ",\"seeders\":{},\"leechers\":{},\"left_bytes\":{}}}",
                   rack.seeder_count, rack.leecher_count, rack.left_bytes);
  }
  json += "]";
}

void append_seconds(std::string& json, std::string_view name, std::optional<Duration> duration) {
  fmt::format_to(std::back_inserter(json), ",\"{}\":", name);
  if (duration) {
    fmt::format_to(std::back_inserter(json), "{:.3f}", seconds_of(*duration));
  } else {
    json += "null";
  }
}

// How the release does as a whole, and whom the tracker has not heard of for too long.
void append_course(std::string& json, const SwarmLine& line, Instant now) {
  fmt::format_to(std::back_inserter(json),
                 ",\"sources\":{},\"done\":{},\"hosts\":{},\"percent\":{},\"rate_bytes_per_s\":{}",
                 line.counts.source_count, line.done_count(), line.host_count(),
                 line.percent() ? std::to_string(*line.percent()) : "null", line.rate_bytes_per_s);
  append_seconds(json, "elapsed_s", line.elapsed);
  append_seconds(json, "remaining_s", line.remaining);
  fmt::format_to(std::back_inserter(json), ",\"lost_count\":{},\"lost\":[",
                 line.progress.lost_count);
  bool is_first = true;
  for (const LostPeer& peer : line.progress.lost) {
    json += is_first ? "{\"host\":" : ",{\"host\":";
    is_first = false;
    append_text(json, peer.host);
    fmt::format_to(std::back_inserter(json),
                   ",\"address\":\"{}\",\"left_bytes\":{},\"is_source\":{},"
                   "\"last_seen_s\":{:.3f}}}",
                   peer.endpoint.text(), peer.left_bytes, peer.is_source,
                   seconds_of(now - peer.last_announce));
  }
  json += ']';
}

}  // namespace

std::string render_status_json(const Snapshot& snapshot) {
  std::string json;
  fmt::format_to(
      std::back_inserter(json),
      "{{\"kind\":\"tracker\",\"uptime_s\":{:.3f},\"announces\":{},\"scrapes\":{},"
      "\"releases\":{},\"peers\":{},\"seeders\":{},\"leechers\":{},\"left_bytes\":{},\"swarms\":[",
      seconds_of(snapshot.uptime), snapshot.service.announces(), snapshot.service.scrapes,
      snapshot.swarm_count, snapshot.totals.seeder_count + snapshot.totals.leecher_count,
      snapshot.totals.seeder_count, snapshot.totals.leecher_count, snapshot.totals.left_bytes);
  bool is_first = true;
  for (const SwarmLine& line : snapshot.swarms) {
    json += is_first ? "{\"name\":" : ",{\"name\":";
    is_first = false;
    append_text(json, line.name);
    fmt::format_to(std::back_inserter(json),
                   ",\"info_hash\":\"{}\",\"seeders\":{},\"leechers\":{},\"completed\":{},"
                   "\"left_bytes\":{},\"since_last_announce_s\":{:.3f}",
                   line.info_hash.hex(), line.counts.seeder_count, line.counts.leecher_count,
                   line.counts.completed_count, line.counts.left_bytes,
                   seconds_of(line.since_last_announce));
    append_progress(json, line);
    append_course(json, line, snapshot.now);
    json += '}';
  }
  json += "]}\n";
  return json;
}

}  // namespace murder::tracker
