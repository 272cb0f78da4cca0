#include <unordered_map>

#include "coordinator/views.h"
#include "engine/base/json_writer.h"
#include "engine/control/orders.h"

namespace murder::coordinator {
namespace {

struct HostCounts {
  uint32_t ready = 0;   // have it, verified
  uint32_t active = 0;  // run it
};

// By info hash, of all agents that are there.
using CountsByRelease = std::unordered_map<InfoHash, HostCounts, Id20Hash>;

CountsByRelease count_hosts(const control::Coordinator& machine, const std::string& only) {
  CountsByRelease counts;
  const control::State& state = machine.state();
  for (uint32_t index = 0; index < state.agents.size(); ++index) {
    if (state.agents[index].forgotten) {
      continue;
    }
    for (const control::HeardApp& app : machine.heard_of(control::AgentIndex{index}).apps) {
      if (!only.empty() && app.report.app != only) {
        continue;
      }
      for (const InfoHash& ready : app.report.ready) {
        ++counts[ready].ready;
      }
      if (app.report.active) {
        ++counts[*app.report.active].active;
      }
    }
  }
  return counts;
}

void write_release(JsonWriter& json, const control::App& app, const control::Release& release,
                   const CopySource& copies, const CountsByRelease& counts) {
  const CopyState copy = copies.copy_of(release.info_hash);
  const auto hosts = counts.find(release.info_hash);
  json.begin_object();
  json.member("app", app.name);
  json.member("tag", release.tag);
  json.member("number", release.number.raw);
  json.member("info_hash", release.info_hash.hex());
  json.member("serial", release.serial);
  json.member("order_serial", control::last_order_serial(app));
  json.member("revoked", release.revoked);
  json.member("by", release.by);
  json.member("at_s", release.published_wall_s);
  if (release.revoked) {
    json.member("revoked_by", release.revoked_by);
    json.member("revoked_at_s", release.revoked_wall_s);
    json.member("revoked_why", release.revoked_why);
  }
  json.member("total_bytes", copy.total_bytes);
  json.member("copy", name_of(copy.phase));
  json.member("copy_bytes", copy.copy_bytes);
  json.member("hosts_ready", hosts == counts.end() ? 0 : hosts->second.ready);
  json.member("hosts_active", hosts == counts.end() ? 0 : hosts->second.active);
  json.end_object();
}

}  // namespace

std::string show_releases(const control::Coordinator& machine, const CopySource& copies,
                          const std::string& app) {
  const CountsByRelease counts = count_hosts(machine, app);
  JsonWriter json;
  json.begin_object();
  json.key("releases");
  json.begin_array();
  for (const auto& [name, each] : machine.state().apps) {
    if (app.empty() || app == name) {
      for (const control::Release& release : each.releases) {
        write_release(json, each, release, copies, counts);
      }
    }
  }
  json.end_array();
  json.end_object();
  return json.take();
}

std::string show_release(const control::Coordinator& machine, const CopySource& copies,
                         const control::App& app, const control::Release& release) {
  JsonWriter json;
  write_release(json, app, release, copies, count_hosts(machine, app.name));
  return json.take();
}

}  // namespace murder::coordinator
