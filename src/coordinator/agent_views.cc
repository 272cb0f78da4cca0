#include <algorithm>
#include <array>

#include "coordinator/views.h"
#include "engine/base/json_writer.h"
#include "engine/control/names_of.h"

namespace murder::coordinator {
namespace {

// As messages name it; the tag where it is known, else the info hash.
std::string tag_of(const control::App* app, const InfoHash& info_hash) {
  const control::Release* release =
      app == nullptr ? nullptr : control::find_release(*app, info_hash);
  return release == nullptr ? info_hash.hex() : release->tag;
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

// Whether it runs the tag: of the app that is asked for, or of any.
bool is_at(const control::Coordinator& machine, const control::Heard& heard,
           const AgentsWanted& wanted) {
  return std::any_of(heard.apps.begin(), heard.apps.end(), [&](const control::HeardApp& app) {
    return (wanted.app.empty() || app.report.app == wanted.app) && app.report.active &&
           tag_of(machine.state().find_app(app.report.app), *app.report.active) == wanted.not_at;
  });
}

bool is_wanted(const control::Coordinator& machine, control::AgentIndex index,
               const AgentsWanted& wanted) {
  const control::Agent& agent = machine.state().agent(index);
  return !agent.forgotten && (wanted.group.empty() || contains(agent.groups, wanted.group)) &&
         (wanted.app.empty() || contains(agent.apps, wanted.app)) &&
         (wanted.not_at.empty() || !is_at(machine, machine.heard_of(index), wanted));
}

void write_app(JsonWriter& json, const control::Coordinator& machine,
               const control::AppReport& report) {
  const control::App* app = machine.state().find_app(report.app);
  json.begin_object();
  json.member("app", report.app);
  json.key("active_tag");
  if (report.active) {
    json.text(tag_of(app, *report.active));
  } else {
    json.null();
  }
  json.key("ready_tags");
  json.begin_array();
  for (const InfoHash& ready : report.ready) {
    json.text(tag_of(app, ready));
  }
  json.end_array();
  json.member("phase", control::names_of<control::Phase>[static_cast<size_t>(report.phase)]);
  json.member("healthy", report.is_healthy);
  json.member("progress", report.progress);
  json.member("failure", control::name_of(report.failure));
  json.member("text", report.text);
  if (report.switched_from) {
    json.member("switched_from", tag_of(app, *report.switched_from));
  }
  json.end_object();
}

// Of agents that were started for a deploy.
void write_deploy_facts(JsonWriter& json, const control::Facts& facts) {
  if (!facts.warnings.empty()) {
    json.key("warnings");
    json.begin_array();
    for (const std::string& warning : facts.warnings) {
      json.text(warning);
    }
    json.end_array();
  }
  if (facts.in_the_way) {
    json.member("in_the_way", true);
  }
  if (!facts.keep_trouble.empty()) {
    json.member("keep_trouble", facts.keep_trouble);
  }
}

void write_agent(JsonWriter& json, const control::Coordinator& machine, const FactsSource& facts,
                 control::AgentIndex index, Instant now) {
  const control::Agent& agent = machine.state().agent(index);
  const control::Heard heard = machine.heard_of(index);
  const control::Facts* known = facts.facts_of(index);
  json.begin_object();
  json.member("host", agent.name);
  json.member("identity", agent.identity);
  json.member("rack", agent.rack);
  json.key("groups");
  json.begin_array();
  for (const std::string& group : agent.groups) {
    json.text(group);
  }
  json.end_array();
  json.member("present", heard.is_known && machine.is_present(index, now));
  json.member("connected", known != nullptr);
  json.key("heard_s_ago");
  if (heard.is_known) {
    json.decimal(seconds_of(now - heard.at), 1);
  } else {
    json.null();  // not since the coordinator started
  }
  json.member("version", known == nullptr ? std::string_view() : std::string_view(known->version));
  json.member("free_bytes", known == nullptr ? 0 : known->free_bytes);
  if (known != nullptr) {
    write_deploy_facts(json, *known);
  }
  json.key("apps");
  json.begin_array();
  for (const control::HeardApp& app : heard.apps) {
    write_app(json, machine, app.report);
  }
  json.end_array();
  json.end_object();
}

}  // namespace

std::string show_agents(const control::Coordinator& machine, const FactsSource& facts,
                        const AgentsWanted& wanted, Instant now) {
  JsonWriter json;
  json.begin_object();
  json.key("agents");
  json.begin_array();
  uint32_t count = 0;
  for (uint32_t raw = 0; raw < machine.state().agents.size(); ++raw) {
    const control::AgentIndex index{raw};
    if (is_wanted(machine, index, wanted)) {
      write_agent(json, machine, facts, index, now);
      ++count;
    }
  }
  json.end_array();
  json.member("count", count);
  json.end_object();
  return json.take();
}

std::string show_waiting(const trust::Approvals& approvals) {
  JsonWriter json;
  json.begin_object();
  json.key("waiting");
  json.begin_array();
  for (const trust::Approvals::Waiting& agent : approvals.waiting()) {
    json.begin_object();
    json.member("host", agent.host);
    json.member("identity", agent.identity);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

std::string show_approved(const std::string& host, const std::string& identity) {
  JsonWriter json;
  json.begin_object();
  json.member("host", host);
  json.member("identity", identity);
  json.end_object();
  return json.take();
}

std::string show_ending(uint32_t agent_count) {
  JsonWriter json;
  json.begin_object();
  json.member("agents", agent_count);
  json.end_object();
  return json.take();
}

}  // namespace murder::coordinator
