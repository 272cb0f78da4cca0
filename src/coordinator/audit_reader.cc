#include "coordinator/audit_reader.h"

#include <algorithm>
#include <utility>

#include "coordinator/json_response.h"
#include "engine/base/json.h"
#include "engine/base/json_writer.h"
#include "engine/control/names_of.h"
#include "engine/control/record.h"

namespace murder::coordinator {
namespace {

// {"number":7,"record":"release",...}. What the record calls its number is that of the release
// or rollout that it is about.
void append_audit_line(std::string& text, const store::AuditLine& line) {
  const Result<Json> record = parse_json(line.line);
  if (!record) {
    return;
  }
  Json numbered = {{"number", line.number}};
  for (const auto& [name, value] : record->members()) {
    const bool is_rollout = (*record)["record"].text() == "rollout";
    numbered[name != "number" ? std::string_view(name)
             : is_rollout     ? "rollout"
                              : "release_number"] = value;
  }
  text += json_text(numbered) + '\n';
}

}  // namespace

void RolloutHistory::add(std::string_view line) {
  // Most lines are of other apps.
  if (line.find(app_) == std::string_view::npos) {
    return;
  }
  const Result<control::Record> record = control::parse_record(line);
  if (!record) {
    return;
  }
  if (const auto* published = std::get_if<control::ReleasePublished>(&record->what)) {
    if (published->app == app_) {
      tags_[published->number.raw] = published->tag;
      if (tags_.size() > limits::control_releases_max) {
        tags_.erase(tags_.begin());
      }
    }
  } else if (const auto* started = std::get_if<control::RolloutStarted>(&record->what)) {
    if (started->app == app_) {
      const auto tag = tags_.find(started->release.raw);
      rollouts_.push_back({.tag = tag == tags_.end() ? std::string() : tag->second,
                           .release = started->release.raw,
                           .number = started->number,
                           .by = record->by,
                           .started_s = record->wall_s,
                           .state = "running",
                           .changed_s = record->wall_s,
                           .waves_began_s = {record->wall_s}});
      if (rollouts_.size() > max_) {
        rollouts_.pop_front();
      }
    }
  } else if (rollouts_.empty()) {
    return;
  } else if (const auto* changed = std::get_if<control::StateChanged>(&record->what)) {
    if (changed->app == app_) {
      rollouts_.back().state = control::name_of(changed->state);
      rollouts_.back().why = changed->why;
      rollouts_.back().changed_s = record->wall_s;
    }
  } else if (const auto* wave = std::get_if<control::WaveBegun>(&record->what)) {
    std::vector<int64_t>& began = rollouts_.back().waves_began_s;
    if (wave->app == app_ && began.size() < limits::control_waves_max) {
      began.push_back(record->wall_s);
    }
  } else if (const auto* told = std::get_if<control::Told>(&record->what)) {
    rollouts_.back().told_count += told->app == app_ && !told->back ? 1 : 0;
  } else if (const auto* outcome = std::get_if<control::Outcome>(&record->what)) {
    const bool is_own = outcome->app == app_;
    rollouts_.back().healthy_count += is_own && outcome->stage == control::Stage::healthy ? 1 : 0;
    rollouts_.back().failed_count += is_own && outcome->stage == control::Stage::failed ? 1 : 0;
  }
}

std::string RolloutHistory::json() const {
  JsonWriter json;
  json.begin_object();
  json.key("rollouts");
  json.begin_array();
  for (const PastRollout& rollout : rollouts_) {
    json.begin_object();
    json.member("app", app_);
    json.member("tag", rollout.tag);
    json.member("release", rollout.release);
    json.member("number", rollout.number);
    json.member("by", rollout.by);
    json.member("started_s", rollout.started_s);
    json.member("state", rollout.state);
    json.member("why", rollout.why);
    json.member("changed_s", rollout.changed_s);
    json.key("waves_began_s");
    json.begin_array();
    for (const int64_t began_s : rollout.waves_began_s) {
      json.number(began_s);
    }
    json.end_array();
    json.member("told", rollout.told_count);
    json.member("healthy", rollout.healthy_count);
    json.member("failed", rollout.failed_count);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

http::Response AuditReaders::begin(Reader reader, uint64_t from, size_t max) {
  const auto of_address = std::count_if(readers_.begin(), readers_.end(), [&](const auto& each) {
    return each.second.address == reader.address;
  });
  if (readers_.size() >= limits::audit_readers_max ||
      of_address >= limits::audit_readers_of_address_max) {
    return json_error(503, "too many read the audit log: try again in a moment");
  }
  const uint64_t number = ++reader_count_;
  readers_.emplace(number, std::move(reader));
  next_.push_back({.from = from, .max = max, .reader = number});
  ask_next();
  return {.later = true};
}

void AuditReaders::ask_next() {
  if (!is_asking_ && !next_.empty()) {
    is_asking_ = true;
    store_.ask(next_.front());
    next_.pop_front();
  }
}

http::Response AuditReaders::read_lines(uint64_t from, size_t max, uint64_t ticket,
                                        const IpAddress& address) {
  return begin({.ticket = ticket, .address = address, .history = nullptr}, from,
               std::clamp<size_t>(max, 1, limits::audit_lines_max));
}

http::Response AuditReaders::read_history(const std::string& app, size_t max, uint64_t last,
                                          uint64_t ticket, const IpAddress& address) {
  const uint64_t from = last - std::min<uint64_t>(last, limits::audit_scanned_max);
  return begin({.ticket = ticket,
                .address = address,
                .history = std::make_unique<RolloutHistory>(
                    app, std::clamp<size_t>(max, 1, limits::history_max))},
               from, limits::audit_lines_max);
}

void AuditReaders::store_replied(AuditRead reply) {
  is_asking_ = false;
  const std::optional<Answer> answer = take(std::move(reply));
  ask_next();
  if (answer) {
    server_.answer(answer->ticket, answer->response);
  }
}

// Nothing: more of it is read.
std::optional<AuditReaders::Answer> AuditReaders::take(AuditRead reply) {
  const auto found = readers_.find(reply.reader);
  if (found == readers_.end()) {
    return std::nullopt;
  }
  Reader& reader = found->second;
  http::Response response;
  if (!reply.lines) {
    response = json_error(reply.lines.error());
  } else if (reader.history == nullptr) {
    response.content_type = "application/x-ndjson";
    for (const store::AuditLine& line : *reply.lines) {
      append_audit_line(response.body, line);
    }
  } else {
    for (const store::AuditLine& line : *reply.lines) {
      reader.history->add(line.line);
    }
    if (!reply.lines->empty()) {
      if (server_.awaits(reader.ticket)) {
        next_.push_back({.from = reply.lines->back().number + 1,
                         .max = limits::audit_lines_max,
                         .reader = reply.reader});
        return std::nullopt;
      }
    }
    response = json_answer(reader.history->json());
  }
  const uint64_t ticket = reader.ticket;
  readers_.erase(found);
  return Answer{.ticket = ticket, .response = std::move(response)};
}

}  // namespace murder::coordinator
