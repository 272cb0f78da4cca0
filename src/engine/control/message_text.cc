#include "engine/control/message_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/base/json.h"
#include "engine/control/bounds.h"
#include "engine/control/json_members.h"
#include "engine/control/names.h"
#include "engine/control/report_check.h"

namespace murder::control {

template <typename Io>
void describe(Io& io, Greeting& greeting) {
  io("session", greeting.session);
  io("number", greeting.number);
}

template <typename Io>
void describe(Io& io, AppReport& app) {
  io("app", app.app);
  io("phase", app.phase);
  io("active", app.active);
  io("is_healthy", app.is_healthy);
  io("is_unconfirmed", app.is_unconfirmed);
  io("ready", app.ready);
  io("progress", app.progress);
  io("attempt", app.attempt);
  io("failed_attempt", app.failed_attempt);
  io("failure", app.failure);
  io("text", app.text);
  io.optional("switched_from", app.switched_from);
}

template <typename Io>
void describe(Io& io, WantedApp& app) {
  io("app", app.app);
  io("release", app.release);
  io("serial", app.serial);
  io("attempt", app.attempt);
  io("activate", app.activate);
  io("confirmed", app.confirmed);
  io("allow_older", app.allow_older);
  io("min_healthy_ms", app.min_healthy);
  io("healthy_deadline_ms", app.healthy_deadline);
  io("confirm_within_ms", app.confirm_within);
  io("revoked", app.revoked);
}

namespace {

template <typename Io>
void describe_message(Io& io, Report& report) {
  io("host", report.host);
  io("rack", report.rack);
  io("groups", report.groups);
  io("apps", report.apps);
  io("greeting", report.greeting);
  io("number", report.number);
}

template <typename Io>
void describe_message(Io& io, Wanted& wanted) {
  io("origin", wanted.origin);
  io("revision", wanted.revision);
  io("greeting", wanted.greeting);
  io("heard_number", wanted.heard_number);
  io("apps", wanted.apps);
}

tl::unexpected<Error> refuse_message(std::string_view type, std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("a message \"{}\": {}", type, what));
}

template <typename Message>
std::string write_message(std::string_view type, Message& message, size_t bytes_max) {
  Json json = {{"type", type}};
  MemberWriter writer(json);
  describe_message(writer, message);
  std::string text = json_text(json);
  ENSURE(text.size() <= bytes_max);
  return text;
}

template <typename Message>
Result<Message> read_message(std::string_view type, const Json& json) {
  if (!json.is_object() || json["type"].text() != type) {
    return refuse_message(type, "not a JSON object of this type");
  }
  Message message;
  MemberReader reader(json);
  describe_message(reader, message);
  if (!reader.fault().empty()) {
    return refuse_message(type, reader.fault());
  }
  return message;
}

Result<Json> bounded_json(std::string_view type, std::string_view text, size_t bytes_max) {
  if (text.size() > bytes_max) {
    return refuse_message(type, fmt::format("more than {} bytes", bytes_max));
  }
  return parse_json(text);
}

template <typename T>
void cut(std::vector<T>& list, size_t most) {
  list.resize(std::min(list.size(), most));
}

}  // namespace

std::string text_of(const Report& report) {
  Report bounded = report;
  cut(bounded.groups, limits::control_list_max);
  cut(bounded.apps, limits::control_list_max);
  for (AppReport& app : bounded.apps) {
    cut(app.ready, limits::control_ready_max);
    app.text = bounded_text(app.text);
  }
  return write_message(report_type, bounded, limits::control_agent_message_bytes_max);
}

Result<Report> parse_report(std::string_view text) {
  const Result<Json> json =
      bounded_json(report_type, text, limits::control_agent_message_bytes_max);
  return json ? report_of(*json) : Result<Report>(fail(json.error()));
}

Result<Report> report_of(const Json& json) {
  Result<Report> report = read_message<Report>(report_type, json);
  if (!report) {
    return report;
  }
  Status valid = check_report(*report);
  for (const std::string& group : report->groups) {
    valid = valid ? validate_name(group, "group") : valid;
  }
  for (const AppReport& app : report->apps) {
    valid = valid ? validate_name(app.app, "app") : valid;
  }
  return valid ? report : Result<Report>(fail(valid.error()));
}

std::string text_of(const Wanted& wanted) {
  Wanted bounded = wanted;
  cut(bounded.apps, limits::control_list_max);
  for (WantedApp& app : bounded.apps) {
    cut(app.revoked, limits::control_revoked_told_max);
  }
  return write_message(wanted_type, bounded, limits::control_coordinator_message_bytes_max);
}

Result<Wanted> parse_wanted(std::string_view text) {
  const Result<Json> json =
      bounded_json(wanted_type, text, limits::control_coordinator_message_bytes_max);
  return json ? wanted_of(*json) : Result<Wanted>(fail(json.error()));
}

Result<Wanted> wanted_of(const Json& json) {
  Result<Wanted> wanted = read_message<Wanted>(wanted_type, json);
  if (!wanted) {
    return wanted;
  }
  for (const WantedApp& app : wanted->apps) {
    if (Status valid = validate_name(app.app, "app"); !valid) {
      return fail(valid.error());
    }
    const auto same = std::count_if(wanted->apps.begin(), wanted->apps.end(),
                                    [&](const WantedApp& other) { return other.app == app.app; });
    if (same != 1) {
      return refuse_message(wanted_type, "it names an app twice");
    }
  }
  return wanted;
}

}  // namespace murder::control
