// The page a browser shows at "/": no script and nothing from elsewhere.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "engine/base/html_text.h"
#include "engine/base/units.h"
#include "tracker/snapshot.h"

namespace murder::tracker {

namespace {

constexpr std::string_view page_head = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<title>murder tracker</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; }
h1 { font-size: 1.4em; margin-bottom: 0; }
p { margin: 0.3em 0 1.5em; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: 0.35em 0.8em; text-align: right; border-bottom: 1px solid #8885; }
th:first-child, td:first-child { text-align: left; }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
small { display: block; font-family: ui-monospace, monospace; opacity: 0.65; }
td small { font-size: 0.75em; }
progress { width: 8em; max-width: 100%; }
meter { width: 2.5em; }
.lost td { color: #b3261e; }
@media (max-width: 44em) {
  body { margin: 1em auto; }
  thead { display: none; }
  table, tbody, tr, td { display: block; }
  tr { padding: 0.5em 0; border-bottom: 1px solid #8885; }
  td, td:first-child { border: 0; padding: 0.1em 0; text-align: left; }
  td[data-name]::before { content: attr(data-name) " "; opacity: 0.65; }
  tr.more { padding-left: 1em; }
  progress { width: 60%; }
  meter { width: 8%; }
}
</style>
</head>
<body>
<h1>murder tracker</h1>
)";

constexpr std::string_view table_head = R"(<table>
<thead><tr><th>Release</th><th>Done</th><th>Hosts</th><th>Rate</th><th>Elapsed</th>)"
                                        R"(<th>Left</th><th>Last announce</th></tr></thead>
<tbody>
)";

// The racks that are behind most, with how many of their hosts are done.
void append_racks(std::string& page, const SwarmLine& line) {
  if (line.progress.racks.empty()) {
    return;
  }
  fmt::format_to(std::back_inserter(page),
                 "<tr class=\"more\"><td colspan=\"7\">{} racks:", line.progress.rack_count);
  for (const SwarmProgress::Rack& rack : line.progress.racks) {
    page += ' ';
    append_html_escaped(page, rack.name);
    fmt::format_to(std::back_inserter(page), " {} of {}", rack.seeder_count,
                   rack.seeder_count + rack.leecher_count);
    page += &rack == &line.progress.racks.back() ? "" : ",";
  }
  page += "</td></tr>\n";
}

// How far the leechers are, as bars from "less than a tenth" to "nearly done", and who is behind.
void append_progress_rows(std::string& page, const SwarmLine& line) {
  const auto& tenths = line.progress.leechers_by_tenth;
  const uint32_t most = *std::max_element(tenths.begin(), tenths.end());
  if (most == 0) {
    return;
  }
  page += "<tr class=\"more\"><td colspan=\"7\"><span class=\"bars\">";
  for (size_t tenth = 0; tenth < tenths.size(); ++tenth) {
    fmt::format_to(std::back_inserter(page),
                   "<meter min=\"0\" max=\"{}\" value=\"{}\" title=\"{} hosts have {} % to {} "
                   "%\">{}</meter>",
                   most, tenths[tenth], tenths[tenth], tenth * 10, tenth * 10 + 10, tenths[tenth]);
  }
  page += "</span> behind:";
  for (const SwarmProgress::Leecher& leecher : line.progress.slowest) {
    page += ' ';
    append_html_escaped(page, leecher.host.empty() ? leecher.endpoint.text() : leecher.host);
    if (!leecher.rack.empty()) {
      page += " (";
      append_html_escaped(page, leecher.rack);
      page += ')';
    }
    const uint64_t left = std::min(leecher.left_bytes, line.total_bytes);
    fmt::format_to(std::back_inserter(page), " {}%",
                   (line.total_bytes - left) * 100 / line.total_bytes);
  }
  page += "</td></tr>\n";
}

// The hosts that fell silent, with how far they were.
void append_lost(std::string& page, const SwarmLine& line, Instant now) {
  if (line.progress.lost_count == 0) {
    return;
  }
  fmt::format_to(std::back_inserter(page),
                 "<tr class=\"more lost\"><td colspan=\"7\">{} lost:", line.progress.lost_count);
  for (const LostPeer& peer : line.progress.lost) {
    page += ' ';
    append_html_escaped(page, peer.host.empty() ? peer.endpoint.text() : peer.host);
    if (peer.is_source) {
      page += " (a source";
    } else if (line.total_bytes > 0) {
      const uint64_t left = std::min(peer.left_bytes, line.total_bytes);
      fmt::format_to(std::back_inserter(page), " ({}%",
                     (line.total_bytes - left) * 100 / line.total_bytes);
    } else {
      fmt::format_to(std::back_inserter(page), " ({} left", format_size(peer.left_bytes));
    }
    fmt::format_to(std::back_inserter(page), ", seen {} ago)",
                   format_duration(now - peer.last_announce));
    page += &peer == &line.progress.lost.back() ? "" : ",";
  }
  page +=
      line.progress.lost.size() < line.progress.lost_count ? ", ...</td></tr>\n" : "</td></tr>\n";
}

void append_swarm(std::string& page, const SwarmLine& line, Instant now) {
  page += "<tr><td>";
  if (line.name.empty()) {
    page += "<i>unnamed</i>";
  } else {
    append_html_escaped(page, line.name);
  }
  fmt::format_to(std::back_inserter(page), "<small>{}</small></td><td data-name=\"\">",
                 line.info_hash.hex());
  if (const std::optional<uint32_t> percent = line.percent()) {
    fmt::format_to(std::back_inserter(page),
                   "<progress max=\"100\" value=\"{0}\">{0} %</progress> {0} %", *percent);
  }
  const SwarmCounts& counts = line.counts;
  fmt::format_to(
      std::back_inserter(page),
      "</td><td data-name=\"hosts\">{} of {}<small>{} {}</small></td>"
      "<td data-name=\"rate\">{}</td><td data-name=\"elapsed\">{}</td>"
      "<td data-name=\"left\">{}{}</td><td data-name=\"announced\">{} ago</td></tr>\n",
      line.done_count(), line.host_count(), counts.source_count,
      counts.source_count == 1 ? "source" : "sources",
      line.rate_bytes_per_s == 0 ? "-" : format_rate(static_cast<double>(line.rate_bytes_per_s)),
      line.elapsed ? format_duration(*line.elapsed) : "-", format_size(counts.left_bytes),
      line.remaining ? ", " + format_duration(*line.remaining) : "",
      format_duration(line.since_last_announce));
  append_progress_rows(page, line);
  append_lost(page, line, now);
  append_racks(page, line);
}

}  // namespace

std::string render_status_page(const Snapshot& snapshot) {
  std::string page(page_head);
  fmt::format_to(
      std::back_inserter(page),
      "<p>{} {}, {} seeders, {} leechers, {} left to copy. Up for {}, {} announces.</p>\n",
      snapshot.swarm_count, snapshot.swarm_count == 1 ? "release" : "releases",
      snapshot.totals.seeder_count, snapshot.totals.leecher_count,
      format_size(snapshot.totals.left_bytes), format_duration(snapshot.uptime),
      snapshot.service.announces());
  if (snapshot.swarms.empty()) {
    page += "<p>No release is being distributed.</p>\n";
  } else {
    page += table_head;
    for (const SwarmLine& line : snapshot.swarms) {
      append_swarm(page, line, snapshot.now);
    }
    page += "</tbody>\n</table>\n";
  }
  if (snapshot.swarms.size() < snapshot.swarm_count) {
    fmt::format_to(std::back_inserter(page), "<p>and {} more</p>\n",
                   snapshot.swarm_count - snapshot.swarms.size());
  }
  page += "</body>\n</html>\n";
  return page;
}

}  // namespace murder::tracker
