#include "cli/control/coordinator_options.h"

#include <doctest/doctest.h>

#include "cli/control/coordinator_client.h"
#include "cli/control/publish.h"
#include "cli/control/run_there.h"

namespace murder::cli {
namespace {

std::string places_of(const std::vector<std::string>& words) {
  const Result<CoordinatorPlaces> places = parse_coordinators(words);
  if (!places) {
    return "refused";
  }
  std::string text;
  for (const codec::ServerPlace& place : places->coordinators) {
    text += place.word() + " ";
  }
  if (places->ssh) {
    text += "ssh " + places->ssh->destination + " port '" + places->ssh->port + "' to " +
            places->ssh->coordinator.word();
  }
  return text;
}

}  // namespace

TEST_CASE("coordinators: hosts with or without a port, several in one word, each once") {
  CHECK(places_of({"t1"}) == "t1:8998 ");
  CHECK(places_of({"t1:9000,t2", "t1:9000"}) == "t1:9000 t2:8998 ");
  CHECK(places_of({" 10.0.0.1 , [2001:db8::1]:9000"}) == "10.0.0.1:8998 [2001:db8::1]:9000 ");
}

TEST_CASE("coordinators: by https, with the keys that they may have") {
  const std::string a = "SHA256:" + std::string(43, 'A');
  const std::string b = "SHA256:" + std::string(42, 'B') + "A";
  const std::string one = "https://t1:9000#pin=" + a + "," + b;
  CHECK(places_of({one + ",t2,https://t3"}) == one + " t2:8998 https://t3:443 ");
  CHECK(places_of({"ssh://t1/" + one}) == "ssh t1 port '' to " + one);
  for (const char* wrong : {"https://t1:9000#pin=SHA256:short", "https://t1/announce",
                            "https://a@t1", "https://-t1", "https://t1;x"}) {
    CAPTURE(wrong);
    CHECK(places_of({wrong}) == "refused");
  }
}

TEST_CASE("coordinators: over ssh") {
  CHECK(places_of({"ssh://t1"}) == "ssh t1 port '' to 127.0.0.1:8998");
  CHECK(places_of({"ssh://ops@t1:2222"}) == "ssh ops@t1 port '2222' to 127.0.0.1:8998");
  CHECK(places_of({"ssh://ops@t1/"}) == "ssh ops@t1 port '' to 127.0.0.1:8998");
  CHECK(places_of({"ssh://t1/10.0.0.7:9000"}) == "ssh t1 port '' to 10.0.0.7:9000");
}

TEST_CASE("coordinators: nothing that ssh or a shell could read as something else") {
  for (const char* text : {"ssh://-oProxyCommand=x", "ssh://", "ssh://@t1", "ssh://-x@t1",
                           "ssh://a b", "ssh://t1;x", "ssh://t1/-x", "ssh://$(x)", "-t1", "t1:0",
                           "t1:99999", "t1:x", "t`x`", "http://t1:8998", "a@t1"}) {
    CAPTURE(text);
    CHECK(places_of({text}) == "refused");
  }
  CHECK(places_of({"ssh://t1", "ssh://t2"}) == "refused");
  CHECK(places_of({"ssh://t1", "t2"}) == "refused");
  CHECK(places_of(std::vector<std::string>{"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"}) == "refused");
}

TEST_CASE("the same command there: without the way to it, and with the coordinator") {
  const codec::ServerPlace place{{.host = "127.0.0.1", .port = 8998}};
  using Words = std::vector<std::string>;
  CHECK(
      words_for_there({"rollout", "pause", "shop", "--coordinator", "ssh://t1", "--json"}, place) ==
      Words{"rollout", "pause", "shop", "--json", "--coordinator=127.0.0.1:8998"});
  CHECK(
      words_for_there(
          {"agents", "--coordinator=ssh://t1", "--ssh=ssh -F x", "--config", "f", "--group", "web"},
          place) == Words{"agents", "--group", "web", "--coordinator=127.0.0.1:8998"});
  CHECK(words_for_there({"release", "show", "--coordinator", "ssh://t1", "--", "--ssh", "v1"},
                        place) ==
        Words{"release", "show", "--coordinator=127.0.0.1:8998", "--", "--ssh", "v1"});
  CHECK(words_for_there({"agents", "--coordinator"}, place) ==
        Words{"agents", "--coordinator=127.0.0.1:8998"});
}

TEST_CASE("the line for a shell there keeps every word") {
  CHECK(line_for_there({"release", "revoke", "shop", "v1", "--why", "it's $(bad)"}) ==
        R"(sh -c 'PATH="$PATH:/opt/murder" exec murder release revoke shop v1 --why '\'')"
        R"(it'\'''\\''\'''\''s $(bad)'\''')");
}

TEST_CASE("a target: values are encoded, empty ones left out") {
  CHECK(control_target("/control/release", {{"app", "shop"}, {"tag", "v 1&x=\xC3\xBC"}}) ==
        "/control/release?app=shop&tag=v%201%26x%3D%C3%BC");
  CHECK(control_target("/control/agents", {{"group", ""}, {"not_at", "v1"}}) ==
        "/control/agents?not_at=v1");
  CHECK(control_target("/control/releases", {{"app", ""}}) == "/control/releases");
}

TEST_CASE("a release names the coordinators as its trackers, this machine also by its name") {
  using Urls = std::vector<std::string>;
  CHECK(announce_urls_of({{{.host = "t1", .port = 8998}}, {{.host = "10.0.0.2", .port = 9000}}},
                         "here") ==
        Urls{"http://t1:8998/announce", "http://10.0.0.2:9000/announce"});
  CHECK(announce_urls_of({{{.host = "127.0.0.1", .port = 8998}, true, "SHA256:a"}}, "here") ==
        Urls{"https://127.0.0.1:8998/announce#pin=SHA256:a",
             "https://here:8998/announce#pin=SHA256:a"});
  CHECK(announce_urls_of({{{.host = "localhost", .port = 1}}, {{.host = "here", .port = 1}}},
                         "here") == Urls{"http://localhost:1/announce", "http://here:1/announce"});
}

}  // namespace murder::cli
