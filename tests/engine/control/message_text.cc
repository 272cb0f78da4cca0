#include "engine/control/message_text.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "engine/control/bounds.h"
#include "engine/control/link_messages.h"

using namespace murder;
using namespace murder::control;
using namespace std::chrono_literals;

namespace {

const InfoHash message_hash =
    InfoHash::from_hex("00112233445566778899aabbccddeeff00112233").value();
const InfoHash other_hash = InfoHash::from_hex("ff112233445566778899aabbccddeeff00112233").value();

Report some_report() {
  return {.host = "w1.example.org",
          .rack = "r7",
          .groups = {"web", "eu"},
          .apps = {{.app = "shop",
                    .phase = Phase::checking_return,
                    .active = message_hash,
                    .is_unconfirmed = true,
                    .ready = {message_hash, other_hash},
                    .progress = UINT64_MAX,
                    .attempt = 11,
                    .failed_attempt = 11,
                    .failure = Reason::health,
                    .text = "exit status 7: \"no \xc3\xa4nswer\"",
                    .switched_from = other_hash},
                   {.app = "db", .is_healthy = true}},
          .greeting = {.session = UINT64_MAX - 1, .number = 3},
          .number = 42};
}

Wanted some_wanted() {
  return {.origin = 7,
          .revision = 8,
          .greeting = {.session = 9, .number = 10},
          .heard_number = 41,
          .apps = {{.app = "shop",
                    .release = message_hash,
                    .serial = 5,
                    .attempt = 12,
                    .activate = true,
                    .confirmed = true,
                    .allow_older = true,
                    .min_healthy = 10s,
                    .healthy_deadline = 5min,
                    .confirm_within = 1500ms,
                    .revoked = {other_hash}},
                   {.app = "db"}}};
}

std::string changed(std::string text, std::string_view from, std::string_view to) {
  const size_t place = text.find(from);
  REQUIRE(place != std::string::npos);
  return text.replace(place, from.size(), to);
}

}  // namespace

TEST_CASE("a report is read as it was written") {
  const std::string text = text_of(some_report());
  CHECK(text.find('\n') == std::string::npos);
  const Result<Report> again = parse_report(text);
  REQUIRE(again.has_value());
  CHECK(text_of(*again) == text);
  CHECK(again->host == "w1.example.org");
  CHECK(again->greeting == some_report().greeting);
  CHECK(again->number == 42);
  REQUIRE(again->apps.size() == 2);
  const AppReport& shop = again->apps[0];
  CHECK(shop.phase == Phase::checking_return);
  CHECK(shop.active == message_hash);
  CHECK(shop.ready == std::vector{message_hash, other_hash});
  CHECK(shop.progress == UINT64_MAX);
  CHECK(shop.failure == Reason::health);
  CHECK(shop.text == some_report().apps[0].text);
  CHECK(shop.switched_from == other_hash);
  CHECK_FALSE(again->apps[1].active.has_value());
  CHECK_FALSE(again->apps[1].switched_from.has_value());
}

TEST_CASE("what is wanted is read as it was written") {
  const Result<Wanted> again = parse_wanted(text_of(some_wanted()));
  REQUIRE(again.has_value());
  CHECK(again->origin == 7);
  CHECK(again->revision == 8);
  CHECK(again->heard_number == 41);
  CHECK(again->greeting == some_wanted().greeting);
  CHECK(again->apps == some_wanted().apps);
}

TEST_CASE("a message has the names that other programs rely on") {
  CHECK(text_of(Wanted{.origin = 1, .apps = {{.app = "db"}}}) ==
        R"({"type":"wanted","origin":1,"revision":0,"greeting":{"session":0,"number":0},)"
        R"("heard_number":0,"apps":[{"app":"db","release":null,"serial":0,"attempt":0,)"
        R"("activate":false,"confirmed":false,"allow_older":false,"min_healthy_ms":0,)"
        R"("healthy_deadline_ms":0,"confirm_within_ms":0,"revoked":[]}]})");
  CHECK(text_of(Report{.host = "w1", .apps = {{.app = "db"}}}) ==
        R"({"type":"report","host":"w1","rack":"","groups":[],"apps":[{"app":"db",)"
        R"("phase":"idle","active":null,"is_healthy":false,"is_unconfirmed":false,"ready":[],)"
        R"("progress":0,"attempt":0,"failed_attempt":0,"failure":"none","text":""}],)"
        R"("greeting":{"session":0,"number":0},"number":0})");
}

TEST_CASE("a later version's members are skipped") {
  const std::string report = changed(text_of(some_report()), R"("rack":)", R"("new":[{}],"rack":)");
  CHECK(parse_report(report).has_value());
  const std::string app = changed(text_of(some_wanted()), R"("serial":5)", R"("serial":5,"x":{})");
  const Result<Wanted> wanted = parse_wanted(app);
  REQUIRE(wanted.has_value());
  CHECK(wanted->apps == some_wanted().apps);
}

TEST_CASE("a report that is not whole or out of bounds is refused") {
  const std::string good = text_of(some_report());
  for (const auto& each : std::initializer_list<std::pair<const char*, const char*>>{
           {R"("type":"report")", R"("type":"wanted")"},
           {R"("host":"w1.example.org")", R"("host":"w1 example")"},
           {R"("host":"w1.example.org",)", ""},
           {R"("groups":["web","eu"])", R"("groups":["web","../eu ?"])"},
           {R"("groups":["web","eu"])", R"("groups":"web")"},
           {R"("app":"shop")", R"("app":"-shop")"},
           {R"("app":"shop")", R"("app":"db")"},
           {R"("phase":"checking-return")", R"("phase":"flying")"},
           {R"("active":"00)", R"("active":"0")"},
           {R"("active":"00)", R"("active":"0)"},
           {R"("is_unconfirmed":true)", R"("is_unconfirmed":1)"},
           {R"("attempt":11)", R"("attempt":-1)"},
           {R"("attempt":11)", R"("attempt":1.5)"},
           {R"("failure":"health")", R"("failure":"")"},
           {R"("text":"exit)", R"("text":"\u001b exit)"},
           {R"("greeting":{"session")", R"("greeting":{"meeting")"},
           {R"("number":42})", R"("number":42)"},
       }) {
    const char* from = each.first;
    const char* to = each.second;
    INFO(from, " -> ", to);
    const Result<Report> report = parse_report(changed(good, from, to));
    REQUIRE_FALSE(report.has_value());
    CHECK_FALSE(report.error().text.empty());
  }
  CHECK_FALSE(parse_report("").has_value());
  CHECK_FALSE(parse_report("[]").has_value());
  CHECK_FALSE(
      parse_report(good + std::string(limits::control_agent_message_bytes_max, ' ')).has_value());
}

TEST_CASE("what is wanted and not whole or out of bounds is refused") {
  const std::string good = text_of(some_wanted());
  for (const auto& each : std::initializer_list<std::pair<const char*, const char*>>{
           {R"("release":"00)", R"("release":"/)"},
           {R"("app":"shop")", R"("app":"shop\u0000")"},
           {R"("app":"shop")", R"("app":"db")"},
           {R"("activate":true)", R"("activate":"yes")"},
           {R"("min_healthy_ms":10000)", R"("min_healthy_ms":99999999999999)"},
           {R"("revoked":["ff)", R"("revoked":["fg)"},
           {R"("heard_number":41,)", ""},
       }) {
    const char* from = each.first;
    const char* to = each.second;
    INFO(from, " -> ", to);
    CHECK_FALSE(parse_wanted(changed(good, from, to)).has_value());
  }
}

TEST_CASE("the longest report and the longest message to an agent fit") {
  Report report = some_report();
  report.apps.clear();
  report.groups.clear();
  for (uint32_t index = 0; index < limits::control_list_max + 3; ++index) {
    const std::string name = std::string(limits::control_name_bytes_max - 2, 'n');
    const std::string unique =
        name + static_cast<char>('a' + index % 26) + static_cast<char>('a' + index / 26);
    report.groups.push_back(unique);
    report.apps.push_back({.app = unique,
                           .phase = Phase::checking_return,
                           .active = message_hash,
                           .ready = std::vector<InfoHash>(100, message_hash),
                           .progress = UINT64_MAX,
                           .attempt = UINT64_MAX,
                           .failed_attempt = UINT64_MAX,
                           .failure = Reason::nothing_before,
                           .text = std::string(1000, '"'),
                           .switched_from = other_hash});
  }
  const std::string text = text_of(report);
  CHECK(text.size() <= limits::control_agent_message_bytes_max);
  const Result<Report> again = parse_report(text);
  REQUIRE(again.has_value());
  CHECK(again->apps.size() == limits::control_list_max);
  CHECK(again->apps[0].ready.size() == limits::control_ready_max);

  Wanted wanted;
  for (const AppReport& app : again->apps) {
    wanted.apps.push_back({.app = app.app,
                           .release = message_hash,
                           .serial = UINT64_MAX,
                           .attempt = UINT64_MAX,
                           .healthy_deadline = limits::control_duration_max,
                           .revoked = std::vector<InfoHash>(200, message_hash)});
  }
  const Result<Wanted> read = parse_wanted(text_of(wanted));
  REQUIRE(read.has_value());
  CHECK(read->apps[0].revoked.size() == limits::control_revoked_told_max);
}

TEST_CASE("messages of a link are read as what they are") {
  const Challenge challenge{.nonce = std::string(64, 'a'), .coordinator = "t1:8998"};
  const Result<CoordinatorMessage> to_agent = parse_coordinator_message(text_of(challenge));
  REQUIRE(to_agent.has_value());
  CHECK(std::get<Challenge>(*to_agent) == challenge);
  const Result<CoordinatorMessage> refused =
      parse_coordinator_message(text_of(Refused{.text = "w1 is another agent's name\n"}));
  REQUIRE(refused.has_value());
  CHECK(std::get<Refused>(*refused).text == "w1 is another agent's name\\n");
  const Ended ended{.text = "undone", .keep_partial = true};
  CHECK(std::get<Ended>(*parse_coordinator_message(text_of(ended))) == ended);
  CHECK_FALSE(std::get<Ended>(*parse_coordinator_message(R"({"type":"ended"})")).keep_partial);
  CHECK(std::holds_alternative<Wanted>(*parse_coordinator_message(text_of(some_wanted()))));
  CHECK(std::holds_alternative<UnknownMessage>(*parse_coordinator_message(R"({"type":"new"})")));

  const Hello hello{.host = "w1",
                    .version = "1.2",
                    .key = "ssh-ed25519 AAAA",
                    .signature = "AAAA",
                    .session = UINT64_MAX,
                    .once = true};
  const Result<AgentMessage> to_coordinator = parse_agent_message(text_of(hello));
  REQUIRE(to_coordinator.has_value());
  CHECK(std::get<Hello>(*to_coordinator) == hello);
  CHECK_FALSE(
      std::get<Hello>(*parse_agent_message(R"({"type":"hello","host":"w1","session":1})")).once);
  const Facts facts{.version = "1.2", .free_bytes = 5};
  CHECK(std::get<Facts>(*parse_agent_message(text_of(facts))) == facts);
  Facts of_a_deploy = facts;
  of_a_deploy.warnings = {"no room for attributes"};
  of_a_deploy.in_the_way = true;
  of_a_deploy.keep_trouble = "read-only";
  CHECK(std::get<Facts>(*parse_agent_message(text_of(of_a_deploy))) == of_a_deploy);
  of_a_deploy.warnings.assign(100, std::string(1000, 'x'));
  const Facts bounded = std::get<Facts>(*parse_agent_message(text_of(of_a_deploy)));
  CHECK(bounded.warnings.size() == limits::control_warnings_max);
  CHECK(bounded.warnings[0].size() <= limits::control_text_bytes_max);
  CHECK(std::holds_alternative<Report>(*parse_agent_message(text_of(some_report()))));
  CHECK(std::holds_alternative<UnknownMessage>(*parse_agent_message(R"({"type":"wanted"})")));
}

TEST_CASE("heartbeats are read as they are written, and as others may write them") {
  for (const uint64_t number : {uint64_t{0}, uint64_t{7}, UINT64_MAX}) {
    CHECK(std::get<Alive>(*parse_agent_message(text_of(Alive{number}))) == Alive{number});
    CHECK(std::get<HeardAgain>(*parse_coordinator_message(text_of(HeardAgain{number}))) ==
          HeardAgain{number});
  }
  CHECK(text_of(Alive{12}) == R"({"type":"alive","number":12})");
  CHECK(text_of(HeardAgain{12}) == R"({"type":"heard","heard_number":12})");
  CHECK(std::get<Alive>(*parse_agent_message(R"({ "number": 5, "more": {}, "type": "alive" })")) ==
        Alive{5});
  CHECK(std::get<HeardAgain>(*parse_coordinator_message(
            R"({"type":"heard","heard_number":5,"more":[]})")) == HeardAgain{5});
  for (const char* number :
       {"", "-1", "01", "5.5", "\"5\"", "null", "18446744073709551616", "5x"}) {
    INFO(number);
    CHECK_FALSE(parse_agent_message(fmt::format(R"({{"type":"alive","number":{}}})", number)));
    CHECK_FALSE(
        parse_coordinator_message(fmt::format(R"({{"type":"heard","heard_number":{}}})", number)));
  }
  CHECK_FALSE(parse_agent_message(R"({"type":"alive"})"));
  CHECK_FALSE(parse_agent_message(R"({"type":"alive","number":5}})"));
}

TEST_CASE("who takes heartbeats in short says so, and an older one does not") {
  Challenge challenge{.nonce = std::string(64, 'a'), .coordinator = "t1", .takes_alive = true};
  CHECK(std::get<Challenge>(*parse_coordinator_message(text_of(challenge))) == challenge);
  challenge.takes_alive = false;
  CHECK(text_of(challenge).find("alive") == std::string::npos);
  Hello hello{.host = "w1", .session = 1, .takes_heard = true};
  CHECK(std::get<Hello>(*parse_agent_message(text_of(hello))) == hello);
  hello.takes_heard = false;
  CHECK(text_of(hello).find("heard") == std::string::npos);
}

TEST_CASE("messages of a link that are not whole are refused") {
  for (const char* bad : {"", "{}", "[]", R"({"type":1})", R"({"type":"challenge"})",
                          R"({"type":"challenge","nonce":"ab"})", R"({"type":"wanted"})"}) {
    INFO(bad);
    CHECK_FALSE(parse_coordinator_message(bad).has_value());
  }
  for (const char* bad :
       {"", "{}", "null", R"({"type":"hello"})", R"({"type":"hello","host":"w1"})",
        R"({"type":"hello","host":"w 1","session":1})",
        R"({"type":"hello","host":"w1","session":"1"})",
        R"({"type":"hello","host":"w1","session":1,"key":"a\nb"})", R"({"type":"report"})"}) {
    INFO(bad);
    CHECK_FALSE(parse_agent_message(bad).has_value());
  }
}

TEST_CASE("a text that is passed on stays as it is") {
  Report report = some_report();
  report.apps[0].text = "a \\n in a path C:\\dir";
  const Result<Report> again = parse_report(text_of(report));
  REQUIRE(again.has_value());
  CHECK(again->apps[0].text == report.apps[0].text);
  report.apps[0].text = "two\nlines \x1b[31m";
  CHECK(parse_report(text_of(report))->apps[0].text == "two\\nlines \\x1b[31m");
}
