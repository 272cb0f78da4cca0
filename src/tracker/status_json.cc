// The same as the status page, for programs.
#include <fmt/format.h>

#include <iterator>

#include "tracker/snapshot.h"
#include "tracker/text.h"

namespace murder::tracker {

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
    if (line.name.empty()) {
      json += "null";
    } else {
      json += '"';
      append_json_escaped(json, line.name);
      json += '"';
    }
    fmt::format_to(std::back_inserter(json),
                   ",\"info_hash\":\"{}\",\"seeders\":{},\"leechers\":{},\"completed\":{},"
                   "\"left_bytes\":{},\"since_last_announce_s\":{:.3f}}}",
                   line.info_hash.hex(), line.counts.seeder_count, line.counts.leecher_count,
                   line.counts.completed_count, line.counts.left_bytes,
                   seconds_of(line.since_last_announce));
  }
  json += "]}\n";
  return json;
}

}  // namespace murder::tracker
