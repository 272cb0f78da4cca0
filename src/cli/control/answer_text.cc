#include "cli/control/answer_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "cli/ui/table.h"
#include "engine/base/printable.h"
#include "engine/base/units.h"
#include "engine/trust/time_text.h"

namespace murder::cli {
namespace {

struct CountName {
  std::string_view member;
  std::string_view shown;
};
// What is done first, what went wrong last.
constexpr std::array count_names = {
    CountName{"healthy", "healthy"},      CountName{"told", "activating"},
    CountName{"ready", "ready"},          CountName{"fetching", "fetching"},
    CountName{"waiting", "waiting"},      CountName{"back_done", "back"},
    CountName{"back_told", "going back"}, CountName{"back_failed", "cannot go back"},
    CountName{"failed", "failed"},
};

std::string shown(const Json& object, std::string_view member) {
  const std::string text = printable_value(text_member(object, member));
  return text.empty() ? "-" : text;
}

std::string shown_names(const Json& list) {
  std::string names;
  for (const Json& name : list) {
    names += (names.empty() ? "" : ",") + printable_value(name.text());
  }
  return names.empty() ? "-" : names;
}

std::string shown_count(const Json& object, std::string_view member) {
  return object.contains(member) ? fmt::format("{}", count_member(object, member)) : "-";
}

bool is_true(const Json& object, std::string_view member) {
  return object[member] == Json(true);
}

std::string copy_text(const Json& release) {
  const std::string copy = shown(release, "copy");
  const uint64_t total = count_member(release, "total_bytes");
  if (copy != "fetching" || total == 0) {
    return copy;
  }
  const uint64_t done = std::min(count_member(release, "copy_bytes"), total);
  return fmt::format("{}%", done * 100 / total);
}

std::string size_text(const Json& release) {
  const uint64_t total = count_member(release, "total_bytes");
  return total == 0 ? "-" : format_size(total);
}

std::string since(uint64_t begin_s, uint64_t end_s) {
  const uint64_t seconds = end_s > begin_s ? end_s - begin_s : 0;
  return seconds == 0
             ? "0 s"
             : format_duration(std::chrono::seconds(std::min<uint64_t>(seconds, 1'000'000'000)));
}

// "wave 1 after 0 s, wave 2 after 31 s, done after 1 min 02 s".
std::string stage_times(const Json& rollout) {
  const uint64_t started = count_member(rollout, "started_s");
  std::string text;
  uint32_t wave = 0;
  for (const Json& began : rollout["waves_began_s"]) {
    ++wave;
    if (began.count() != 0) {
      text += fmt::format("{}wave {} after {}", text.empty() ? "" : ", ", wave,
                          since(started, began.count()));
    }
  }
  if (const uint64_t ended = count_member(rollout, "ended_s"); ended != 0) {
    text += fmt::format("{}{} after {}", text.empty() ? "" : ", ", shown(rollout, "state"),
                        since(started, ended));
  }
  return text;
}

// Of what others say: neither negative nor beyond what a duration holds.
Duration seconds_duration(double seconds) {
  constexpr double most = 1e9;
  const double bounded = seconds > 0 ? std::min(seconds, most) : 0;  // NaN: 0
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(bounded));
}

// What a rollout that is running waits for, besides hosts: ", baking, 4 s left".
std::string wait_text(const Json& rollout) {
  const std::string what = text_member(rollout, "waits_for");
  const Duration left = seconds_duration(number_member(rollout, "waits_s"));
  if (what == "bake") {
    return fmt::format(", baking, {} left",
                       format_duration(std::chrono::ceil<std::chrono::seconds>(left)));
  }
  if (what == "begin_time") {
    return fmt::format(", waits for {} ({} left)",
                       shown_time(count_member(rollout["plan"], "begin_wall_s")),
                       format_duration(std::chrono::ceil<std::chrono::seconds>(left)));
  }
  if (what == "quorum") {
    return fmt::format(", waits until {} of the hosts have the release",
                       shown(rollout["plan"], "quorum"));
  }
  return {};
}

void add_plan_line(const Json& plan, std::vector<std::string>& lines) {
  std::string text;
  const auto add = [&](std::string_view what, const std::string& value) {
    if (!value.empty() && value != "-") {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", what, value);
    }
  };
  add("groups", shown_names(plan["groups"]));
  const std::string waves =
      plan["waves"].is_array() ? shown_names(plan["waves"]) : shown(plan, "waves");
  add("waves", waves);
  add("max-fail", shown(plan, "max_fail"));
  add("max-unavailable", shown(plan, "max_unavailable"));
  add("on failure", shown(plan, "on_failure"));
  if (const uint64_t begin = count_member(plan, "begin_wall_s"); begin != 0) {
    add("not before", shown_time(begin));
  }
  if (!text.empty()) {
    lines.push_back("  plan       " + text);
  }
}

// Those that failed and are back by now, as far as they are not among the rows.
void add_returned(const Json& rollout, size_t most, std::vector<std::vector<std::string>>& rows) {
  const std::string state = text_member(rollout, "state");
  if (state != "undoing" && state != "undone") {
    return;
  }
  for (const Json& host : rollout["failures"]) {
    const std::string name = shown(host, "host");
    const bool is_shown =
        std::ranges::any_of(rows, [&](const auto& row) { return row.front() == name; });
    if (!is_shown && rows.size() <= most) {
      rows.push_back({name, "back", "failed: " + shown(host, "why")});
    }
  }
}

void add_unsettled(const Json& rollout, size_t most, std::vector<std::string>& lines) {
  std::vector<std::vector<std::string>> rows = {{"HOST", "STAGE", "WHY"}};
  for (const Json& host : rollout["unsettled"]) {
    if (rows.size() > most) {
      break;
    }
    rows.push_back({shown(host, "host"), shown(host, "stage"), shown(host, "why")});
  }
  const size_t unsettled = rows.size() - 1;
  add_returned(rollout, most, rows);
  if (rows.size() == 1) {
    return;
  }
  std::string_view rest;
  const std::string table = format_table(rows);
  for (rest = table; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    lines.push_back(fmt::format("  {}", rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const uint64_t all =
      std::max<uint64_t>(count_member(rollout, "unsettled_count"), rollout["unsettled"].size());
  if (const uint64_t others = all - unsettled; others > 0) {
    lines.push_back(fmt::format("  and {} more", others));
  }
}

// "5 told, 4 healthy, 1 failed"
std::string told_text(const Json& rollout) {
  std::string text = fmt::format("{} told", count_member(rollout, "told"));
  for (const std::string_view member : {"healthy", "failed"}) {
    if (const uint64_t count = count_member(rollout, member); count > 0) {
      text += fmt::format(", {} {}", count, member);
    }
  }
  return text;
}

// Failures that an agent reports without a text of its own.
std::string failure_words(const std::string& failure) {
  if (failure == "older") {
    return "refused a release: its serial is lower than that of what runs there (`murder rollout "
           "start --allow-older`)";
  }
  return failure == "revoked" ? "refused a release: it is revoked" : failure;
}

void add_agent_rows(const Json& agent, std::vector<std::vector<std::string>>& rows) {
  const bool is_present = is_true(agent, "present");
  const std::vector<std::string> host = {
      shown(agent, "host"),
      shown(agent, "rack"),
      shown_names(agent["groups"]),
      is_present ? "present" : "away",
      agent["heard_s_ago"].is_number()
          ? format_duration(seconds_duration(number_member(agent, "heard_s_ago")))
          : "-",
      shown(agent, "version"),
      agent["free_bytes"].is_count() && count_member(agent, "free_bytes") != 0
          ? format_size(count_member(agent, "free_bytes"))
          : "-"};
  const auto add = [&](std::initializer_list<std::string> app) {
    rows.push_back(host);
    rows.back().insert(rows.back().end(), app);
  };
  if (agent["apps"].size() == 0) {
    add({"-", "-", "-", "-"});
  }
  for (const Json& app : agent["apps"]) {
    std::string state = shown(app, "phase");
    if (app["active_tag"].is_null() && app.contains("active_tag")) {
      state += ", nothing active";
    } else if (app["healthy"].is_boolean()) {
      state += is_true(app, "healthy") ? ", healthy" : ", not healthy";
    }
    std::string why = shown(app, "failure");
    why = why == "none" ? "-" : why;
    if (const std::string text = shown(app, "text"); text == "-") {
      why = failure_words(why);
    } else {
      why = why == "-" ? text : why + ": " + text;
    }
    add({shown(app, "app"), shown(app, "active_tag"), state, why});
  }
}

// A value of an audit record, in one word.
std::string audit_value(const Json& value) {
  if (!value.is_text()) {
    return printable_value(json_text(value));
  }
  const std::string text = printable_value(value.text());
  const bool is_word = !text.empty() && text.find_first_of(" =\"") == std::string::npos;
  return is_word ? text : fmt::format("\"{}\"", text);
}

}  // namespace

std::string shown_time(uint64_t seconds) {
  return seconds == 0 ? "-" : trust::time_text_of(seconds);
}

std::string releases_table(const Json& answer) {
  std::vector<std::vector<std::string>> rows = {
      {"APP", "TAG", "NUMBER", "SERIAL", "SIZE", "COPY", "READY", "ACTIVE", "PUBLISHED", "BY"}};
  const bool has_reasons =
      std::any_of(answer["releases"].begin(), answer["releases"].end(),
                  [](const Json& release) { return !text_member(release, "revoked_why").empty(); });
  if (has_reasons) {
    rows.front().emplace_back("REVOKED FOR");
  }
  for (const Json& release : answer["releases"]) {
    rows.push_back({shown(release, "app"), shown(release, "tag"), shown_count(release, "number"),
                    shown_count(release, "serial"), size_text(release),
                    is_true(release, "revoked") ? "revoked" : copy_text(release),
                    shown_count(release, "hosts_ready"), shown_count(release, "hosts_active"),
                    shown_time(count_member(release, "at_s")), shown(release, "by")});
    if (has_reasons) {
      rows.back().push_back(shown(release, "revoked_why"));
    }
  }
  return rows.size() > 1 ? format_table(rows) : "no release is published";
}

std::vector<std::string> release_lines(const Json& release) {
  std::vector<std::string> lines = {
      fmt::format("{} {}", shown(release, "app"), shown(release, "tag")),
      fmt::format("  info hash  {}", shown(release, "info_hash")),
      fmt::format("  number     {}, serial {}", shown_count(release, "number"),
                  shown_count(release, "serial")),
      fmt::format("  published  {} by {}", shown_time(count_member(release, "at_s")),
                  shown(release, "by")),
      fmt::format("  copy       {} of {}", copy_text(release), size_text(release)),
      fmt::format("  hosts      {} have it, {} run it", shown_count(release, "hosts_ready"),
                  shown_count(release, "hosts_active"))};
  if (is_true(release, "revoked")) {
    lines.emplace_back("  revoked    no host activates it");
    if (release.contains("revoked_by")) {
      lines.push_back(fmt::format("  revoked at {} by {}",
                                  shown_time(count_member(release, "revoked_at_s")),
                                  shown(release, "revoked_by")));
    }
    if (const std::string why = shown(release, "revoked_why"); why != "-") {
      lines.push_back(fmt::format("  why        {}", why));
    }
  }
  return lines;
}

std::string counts_text(const Json& rollout) {
  const Json& counts = rollout["counts"];
  uint64_t hosts = 0;
  std::string text;
  for (const CountName& name : count_names) {
    const uint64_t count = count_member(counts, name.member);
    hosts += count;
    if (count > 0) {
      text += fmt::format("{}{} {}", text.empty() ? ": " : ", ", count, name.shown);
    }
  }
  if (const uint64_t away = count_member(counts, "away"); away > 0) {
    text += fmt::format(" ({} of them away)", away);  // whatever else they are
  }
  return fmt::format("{} host{}{}", hosts, hosts == 1 ? "" : "s", text);
}

std::string rollout_headline(const Json& rollout) {
  std::string line = fmt::format("{} {}: {}", shown(rollout, "app"), shown(rollout, "tag"),
                                 shown(rollout, "state"));
  const uint64_t waves =
      rollout["waves"].is_array() ? rollout["waves"].size() : count_member(rollout, "waves");
  const std::string state = text_member(rollout, "state");
  if (waves > 1 && (state == "running" || state == "paused" || state == "held")) {
    line +=
        fmt::format(", wave {} of {}", std::min(count_member(rollout, "wave", 1), waves), waves);
  }
  line += wait_text(rollout);
  if (const std::string why = shown(rollout, "why"); why != "-") {
    line += fmt::format(" ({})", why);
  }
  return line;
}

std::vector<std::string> rollout_lines(const Json& rollout, size_t unsettled_max) {
  std::vector<std::string> lines = {rollout_headline(rollout),
                                    "  hosts      " + counts_text(rollout)};
  lines.push_back(fmt::format("  started    {} by {}, rollout {}",
                              shown_time(count_member(rollout, "started_s")), shown(rollout, "by"),
                              shown_count(rollout, "number")));
  add_plan_line(rollout["plan"], lines);
  if (const std::string times = stage_times(rollout); !times.empty()) {
    lines.push_back("  stages     " + times);
  }
  add_unsettled(rollout, unsettled_max, lines);
  return lines;
}

std::string held_advice(const Json& rollout, bool may_undo) {
  const std::string app = shown(rollout, "app");
  std::string text = fmt::format(
      "it waits for you: `murder rollout resume {}` tries hosts that failed again, `abort` leaves "
      "hosts as they are",
      app);
  if (may_undo) {
    text += ", `undo` returns those that were told to what they ran before, where that is known";
  }
  const bool has_older =
      std::any_of(rollout["unsettled"].begin(), rollout["unsettled"].end(), [](const Json& host) {
        return text_member(host, "why").find("its serial is lower") != std::string::npos;
      });
  if (has_older) {
    text += fmt::format(
        "; to go back to a release with a lower serial, abort it and type `murder rollout start {} "
        "{} --allow-older`",
        app, shown(rollout, "tag"));
  }
  return text;
}

std::string history_table(const Json& answer) {
  std::vector<std::vector<std::string>> rows = {
      {"NUMBER", "APP", "TAG", "STATE", "STARTED", "AFTER", "HOSTS", "BY", "WHY"}};
  for (const Json& rollout : answer["rollouts"]) {
    const uint64_t started = count_member(rollout, "started_s");
    const uint64_t changed = count_member(rollout, "changed_s");
    rows.push_back({shown_count(rollout, "number"), shown(rollout, "app"), shown(rollout, "tag"),
                    shown(rollout, "state"), shown_time(started),
                    changed <= started ? "-" : since(started, changed), told_text(rollout),
                    shown(rollout, "by"), shown(rollout, "why")});
  }
  return rows.size() > 1 ? format_table(rows) : "there was no rollout";
}

std::string agents_table(const Json& answer) {
  std::vector<std::vector<std::string>> rows = {{"HOST", "RACK", "GROUPS", "AGENT", "HEARD",
                                                 "VERSION", "FREE", "APP", "ACTIVE", "STATE",
                                                 "WHY"}};
  for (const Json& agent : answer["agents"]) {
    add_agent_rows(agent, rows);
  }
  return rows.size() > 1 ? format_table(rows) : "no agent";
}

std::string waiting_table(const Json& answer) {
  std::vector<std::vector<std::string>> rows = {{"HOST", "KEY"}};
  for (const Json& agent : answer["waiting"]) {
    rows.push_back({shown(agent, "host"), shown(agent, "identity")});
  }
  return rows.size() > 1 ? format_table(rows) : "no host waits to be approved";
}

std::string audit_line(const Json& record) {
  std::string line = fmt::format(
      "{}  {}  {}  {} ", shown_count(record, "number"), shown_time(count_member(record, "at")),
      text_member(record, "by").empty() ? "coordinator" : shown(record, "by"),
      shown(record, "record"));
  for (const auto& [name, value] : record.members()) {
    if (name != "number" && name != "at" && name != "by" && name != "record") {
      line += fmt::format(" {}={}", printable_value(name), audit_value(value));
    }
  }
  return line;
}

}  // namespace murder::cli
