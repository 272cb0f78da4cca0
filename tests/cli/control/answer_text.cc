#include "cli/control/answer_text.h"

#include <doctest/doctest.h>

#include "cli/control/rollout_follow.h"

namespace murder::cli {
namespace {

Json parsed(std::string_view text) {
  return parse_json(text).value();
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += line + "\n";
  }
  return text;
}

constexpr const char* rollout_text = R"({"app":"shop","tag":"v42","number":17,"state":"running",
  "why":"","by":"ann@laptop","started_s":1795969872,"wave":2,"waves":3,
  "waves_began_s":[1795969872,1795969903],"ended_s":0,
  "counts":{"waiting":0,"fetching":2,"ready":4,"told":1,"healthy":3,"failed":1,"back_told":0,
            "back_done":0,"back_failed":0,"away":1},
  "unsettled":[{"host":"w1","stage":"failed","why":"not healthy: HTTP 503"},
               {"host":"w2","stage":"told","why":"away"}],"unsettled_count":9,
  "plan":{"groups":["web"],"waves":["1","50%","100%"],"max_fail":"2%","on_failure":"hold",
          "max_unavailable":"100%","begin_wall_s":0}})";

}  // namespace

TEST_CASE("a rollout: each host is counted once, waves have times, reasons are told") {
  CHECK(joined(rollout_lines(parsed(rollout_text), 10)) ==
        "shop v42: running, wave 2 of 3\n"
        "  hosts      11 hosts: 3 healthy, 1 activating, 4 ready, 2 fetching, 1 failed (1 of them "
        "away)\n"
        "  started    2026-11-29T16:31:12Z by ann@laptop, rollout 17\n"
        "  plan       groups web, waves 1,50%,100%, max-fail 2%, max-unavailable 100%, on failure "
        "hold\n"
        "  stages     wave 1 after 0 s, wave 2 after 31 s\n"
        "  HOST  STAGE   WHY\n"
        "  w1    failed  not healthy: HTTP 503\n"
        "  w2    told    away\n"
        "  and 7 more\n");
  const std::string few = joined(rollout_lines(parsed(rollout_text), 1));
  CHECK(few.find("w1") != std::string::npos);
  CHECK(few.find("w2") == std::string::npos);
  CHECK(few.find("and 8 more") != std::string::npos);
}

TEST_CASE("a rollout that went back shows who failed, also when that host is well by now") {
  Json rollout = parsed(rollout_text);
  rollout["failures"] = parsed(R"([{"host":"w1","why":"not healthy: so"},
                                   {"host":"w9","why":"not healthy: HTTP 500"}])");
  CHECK(joined(rollout_lines(rollout, 10)).find("w9") == std::string::npos);
  rollout["state"] = "undone";
  const std::string text = joined(rollout_lines(rollout, 10));
  CHECK(text.find("  w9    back    failed: not healthy: HTTP 500\n  and 7 more\n") !=
        std::string::npos);
  CHECK(text.find("not healthy: so") == std::string::npos);  // what w1 says now is there
}

TEST_CASE("a rollout that is over says when, and no wave") {
  Json rollout = parsed(rollout_text);
  rollout["state"] = "done";
  rollout["ended_s"] = 1795969934;
  rollout["why"] = "all waves are through";
  const std::string text = joined(rollout_lines(rollout, 10));
  CHECK(text.starts_with("shop v42: done (all waves are through)\n"));
  CHECK(text.find("wave 2 after 31 s, done after 1 min 02 s") != std::string::npos);
}

TEST_CASE("what others wrote steers no terminal and breaks no line") {
  Json rollout = parsed(rollout_text);
  rollout["tag"] = "v\x1b[2J";
  rollout["why"] = "one\ntwo";
  rollout["by"] = "\u202e";
  rollout["unsettled"] = Json::array({Json{{"host", "w\r1"}, {"stage", "\t"}, {"why", "\x07"}}});
  rollout["plan"]["groups"] = Json::array({"a\nb"});
  for (const std::string& line : rollout_lines(rollout, 10)) {
    CAPTURE(line);
    CHECK(line.find_first_of("\x1b\n\r\t\x07") == std::string::npos);
    CHECK(line.find("\u202e") == std::string::npos);
  }
  const Json record = {
      {"number", 1}, {"at", 0}, {"by", "x\n"}, {"record", "\x1b"}, {"a\nb", "c\nd"}};
  CHECK(audit_line(record).find_first_of("\x1b\n") == std::string::npos);
}

TEST_CASE("answers of another shape are shown as far as they go") {
  for (
      const char* text :
      {"{}", "[]", "null", R"({"rollouts":3,"releases":"x","agents":{},"counts":[],"plan":7})",
       R"({"rollouts":[1,null],"releases":[[],{}],"agents":[{"apps":[3]},"x"],"unsettled":[1]})"}) {
    const Json answer = parsed(text);
    CAPTURE(text);
    CHECK(!joined(rollout_lines(answer, 10)).empty());
    CHECK(!joined(release_lines(answer)).empty());
    CHECK(!releases_table(answer).empty());
    CHECK(!history_table(answer).empty());
    CHECK(!agents_table(answer).empty());
    CHECK(!waiting_table(answer).empty());
    CHECK(!audit_line(answer).empty());
  }
}

TEST_CASE("releases: how far the coordinator's copy is, and what is revoked") {
  const std::string table = releases_table(parsed(R"({"releases":[
    {"app":"shop","tag":"v41","number":1,"serial":1,"revoked":true,"by":"ann@x","at_s":1795969872,
     "total_bytes":1048576,"copy":"complete","hosts_ready":3,"hosts_active":2},
    {"app":"shop","tag":"v42","number":2,"serial":2,"revoked":false,"by":"ann@x","at_s":1795969872,
     "total_bytes":1048576,"copy":"fetching","copy_bytes":524288,"hosts_ready":0,
     "hosts_active":0}]})"));
  CHECK(table ==
        "APP   TAG  NUMBER  SERIAL  SIZE   COPY     READY  ACTIVE  PUBLISHED             BY\n"
        "shop  v41  1       1       1 MiB  revoked  3      2       2026-11-29T16:31:12Z  ann@x\n"
        "shop  v42  2       2       1 MiB  50%      0      0       2026-11-29T16:31:12Z  ann@x");
}

TEST_CASE("agents: a row for each app, with what is wrong there") {
  const std::string table = agents_table(parsed(R"({"agents":[
    {"host":"w1","rack":"r7","groups":["web","eu"],"present":true,"heard_s_ago":3,"version":"1.2",
     "free_bytes":1073741824,"apps":[
       {"app":"shop","active_tag":"v42","phase":"idle","healthy":true,"failure":"none","text":""},
       {"app":"blog","active_tag":"","phase":"idle","healthy":false,"failure":"health",
        "text":"HTTP 503"}]},
    {"host":"w2","rack":"","groups":[],"present":false,"apps":[]}]})"));
  CHECK(table ==
        "HOST  RACK  GROUPS  AGENT    HEARD  VERSION  FREE   APP   ACTIVE  STATE              "
        "WHY\n"
        "w1    r7    web,eu  present  3.0 s  1.2      1 GiB  shop  v42     idle, healthy      -\n"
        "w1    r7    web,eu  present  3.0 s  1.2      1 GiB  blog  -       idle, not healthy  "
        "health: HTTP 503\n"
        "w2    -     -       away     -      -        -      -     -       -                  -");
}

TEST_CASE("agents: nothing active is not unhealthy, and a bare failure has words") {
  const std::string table = agents_table(parsed(R"({"agents":[
    {"host":"w1","present":true,"apps":[
    {"app":"a","active_tag":null,"phase":"idle","healthy":false,"failure":"none","text":""},
    {"app":"b","active_tag":"v2","phase":"idle","healthy":true,"failure":"older","text":""},
    {"app":"c","active_tag":"v2","phase":"idle","healthy":true,"failure":"revoked",
     "text":""}]}]})"));
  CHECK(table.find("idle, nothing active  -\n") != std::string::npos);
  CHECK(table.find("not healthy") == std::string::npos);
  CHECK(table.find("its serial is lower than that of what runs there") != std::string::npos);
  CHECK(table.find("--allow-older") != std::string::npos);
  CHECK(table.find("it is revoked") != std::string::npos);
}

TEST_CASE("what is offered for a rollout that is held can be done") {
  Json rollout = parsed(rollout_text);
  CHECK(held_advice(rollout, true).find("`undo`") != std::string::npos);
  CHECK(held_advice(rollout, true).find("--allow-older") == std::string::npos);
  CHECK(held_advice(rollout, false).find("undo") == std::string::npos);
  rollout["unsettled"] = Json::array(
      {Json{{"host", "w1"},
            {"stage", "failed"},
            {"why", "refused the release: its serial is lower than that of what runs there"}}});
  CHECK(held_advice(rollout, true).find("`murder rollout start shop v42 --allow-older`") !=
        std::string::npos);
}

TEST_CASE("a record of the log in one line") {
  CHECK(audit_line(parsed(R"({"number":7,"record":"told","at":1795969872,"by":"","app":"shop",
    "host":"w1","back":false,"text":"two words"})")) ==
        "7  2026-11-29T16:31:12Z  coordinator  told  app=shop host=w1 back=false "
        "text=\"two words\"");
}

TEST_CASE("the exit status says how a rollout ended") {
  CHECK(exit_of_state("done") == 0);
  CHECK(exit_of_state("held") == exit_held);
  CHECK(exit_of_state("aborted") == exit_aborted);
  CHECK(exit_of_state("undone") == exit_undone);
  for (const char* state : {"running", "paused", "aborting", "undoing", "", "x"}) {
    CHECK_FALSE(exit_of_state(state));
  }
}

TEST_CASE("what is answered to the question of ^C") {
  CHECK(parse_choice("l") == Choice::leave);
  CHECK(parse_choice("leave") == Choice::leave);
  CHECK(parse_choice("p ") == Choice::pause);
  CHECK(parse_choice("abort\r") == Choice::abort);
  CHECK(parse_choice("u") == Choice::undo);
  CHECK(parse_choice("w") == Choice::watch);
  for (const char* text : {"", " ", "x", "leaving", "P"}) {
    CHECK_FALSE(parse_choice(text));
  }
}

TEST_CASE("a rollout that waits says for what and how long still") {
  Json rollout = parsed(rollout_text);
  rollout["waits_for"] = "bake";
  rollout["waits_s"] = 3.2;
  CHECK(rollout_headline(rollout) == "shop v42: running, wave 2 of 3, baking, 4.0 s left");
  rollout["waits_for"] = "begin_time";
  rollout["waits_s"] = 90.0;
  rollout["plan"]["begin_wall_s"] = 1795969872;
  CHECK(rollout_headline(rollout) ==
        "shop v42: running, wave 2 of 3, waits for 2026-11-29T16:31:12Z (1 min 30 s left)");
  rollout["waits_for"] = "quorum";
  rollout["plan"]["quorum"] = "50%";
  CHECK(rollout_headline(rollout) ==
        "shop v42: running, wave 2 of 3, waits until 50% of the hosts have the release");
  rollout["waits_for"] = "what is not known here";
  CHECK(rollout_headline(rollout) == "shop v42: running, wave 2 of 3");
}

TEST_CASE("a release that is revoked says why, in the list as well") {
  Json release = {{"app", "shop"},
                  {"tag", "v2"},
                  {"revoked", true},
                  {"revoked_by", "ann"},
                  {"revoked_at_s", 1795969872},
                  {"revoked_why", "loses orders"}};
  const std::string shown = joined(release_lines(release));
  CHECK(shown.find("revoked at 2026-11-29T16:31:12Z by ann") != std::string::npos);
  CHECK(shown.find("loses orders") != std::string::npos);
  CHECK(releases_table({{"releases", Json::array({release})}}).find("loses orders") !=
        std::string::npos);
  release["revoked_why"] = "";
  CHECK(releases_table({{"releases", Json::array({release})}}).find("REVOKED FOR") ==
        std::string::npos);
}

}  // namespace murder::cli
