#include "cli/commands/completion/completion_point.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace murder::cli;

namespace {

CompletionPoint at(const std::vector<std::string>& words) {
  return completion_point(describe_program(words.size() > 1 ? words.front() : ""), words);
}

std::vector<std::string> words_of(const CompletionPoint& point) {
  std::vector<std::string> words;
  for (const Candidate& candidate : point.candidates) {
    words.push_back(candidate.word);
  }
  return words;
}

bool offers(const CompletionPoint& point, const std::string& word) {
  const std::vector<std::string> words = words_of(point);
  return std::find(words.begin(), words.end(), word) != words.end();
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("completion: commands and tasks, by how they begin") {
  CHECK(words_of(at({"de"})) == Words{"deploy"});
  CHECK(offers(at({""}), "fleet"));
  CHECK(words_of(at({"fleet", "stop-all-s"})) == Words{"stop-all-seeding"});
  CHECK(words_of(at({"nothing", ""})).empty());
  CHECK(words_of(at({"fleet", "nothing", "--"})).empty());
  CHECK(offers(at({"--v"}), "--version"));
}

TEST_CASE("completion: options, but for those that were given") {
  CHECK(offers(at({"peer", "--"}), "--to"));
  CHECK(!offers(at({"peer", "--to", "/srv", "--"}), "--to"));
  CHECK(offers(at({"peer", "--to", "/srv", "--"}), "--json"));
  CHECK(offers(at({"create", "--tracker", "a", "--tr"}), "--tracker"));  // may be repeated
  CHECK(words_of(at({"peer", "--port"})) == Words{"--port"});  // a further name of --peer-port
  CHECK(!at({"peer", "--to"}).candidates[0].description.empty());
}

TEST_CASE("completion: the value of an option, behind it or behind =") {
  CompletionPoint point = at({"peer", "--to", "/sr"});
  CHECK(point.kind == ValueKind::directory);
  CHECK(point.typed == "/sr");
  CHECK(point.before.empty());
  point = at({"peer", "--to=/sr"});
  CHECK(point.kind == ValueKind::directory);
  CHECK(point.typed == "/sr");
  CHECK(point.before == "--to=");
  CHECK(words_of(at({"peer", "--send-path", "s"})) == Words{"splice"});
  CHECK(words_of(at({"peer", "--send-path=s"})) == Words{"--send-path=splice"});
  CHECK(at({"peer", "--json="}).candidates.empty());  // a flag
  CHECK(at({"peer", "--nothing="}).candidates.empty());
  CHECK(at({"peer", "--seed-for", ""}).candidates.empty());
}

TEST_CASE("completion: arguments in their order") {
  CHECK(at({"seed", ""}).kind == ValueKind::torrent);
  CHECK(at({"seed", "a.torrent", ""}).kind == ValueKind::path);
  CHECK(at({"seed", "--rack", "r7", ""}).kind == ValueKind::torrent);
  CHECK(at({"stop", ""}).kind == ValueKind::running_tag);
  CHECK(at({"activate", ""}).kind == ValueKind::placed_tag);
  // Behind all of them there are options.
  CHECK(offers(at({"wait", "v42", ""}), "--timeout"));
  CHECK(at({"wait", "v42", "x"}).candidates.empty());
  // Behind -- there are none.
  CHECK(at({"seed", "--", "-"}).kind == ValueKind::torrent);
  CHECK(at({"seed", "--", "-"}).candidates.empty());
}

TEST_CASE("completion: what was said before is known") {
  const CompletionPoint point = at({"activate", "--to", "/srv/app", "--link=live", ""});
  CHECK(point.value_of("--to") == "/srv/app");
  CHECK(point.value_of("--link") == "live");
  CHECK(point.value_of("--run-dir").empty());
}

TEST_CASE("completion: Murder's way to write options of fleet commands") {
  CompletionPoint point = at({"fleet", "peer", "tag=v4"});
  CHECK(point.kind == ValueKind::any_tag);
  CHECK(point.before == "tag=");
  CHECK(point.typed == "v4");
  point = at({"fleet", "peer", "destination_path=/srv", "tag="});
  CHECK(point.value_of("--destination-path") == "/srv");
  point = at({"fleet", "start_seeding", "--host", "w"});
  CHECK(point.kind == ValueKind::hosts);
}

TEST_CASE("completion: the last of a list of hosts") {
  const auto split = [](const std::string& typed) {
    CompletionPoint point{.before = "--host=", .typed = typed};
    split_host_list(point);
    return point.before + "|" + point.typed;
  };
  CHECK(split("w1") == "--host=|w1");
  CHECK(split("w1,w[1,2],x") == "--host=w1,w[1,2],|x");
  CHECK(split("w[1,2") == "--host=|w[1,2");
  CHECK(split("w[1-9]!w") == "--host=w[1-9]!|w");
  CHECK(split("]],") == "--host=|]],");
}

TEST_CASE("completion: words without the quotes of a shell") {
  CHECK(unquoted_word("plain") == "plain");
  CHECK(unquoted_word("'w[0") == "w[0");
  CHECK(unquoted_word("\"a b\"c") == "a bc");
  CHECK(unquoted_word("a\\ b\\[1\\]") == "a b[1]");
  CHECK(unquoted_word("'a\\b'") == "a\\b");
  CHECK(unquoted_word("\"a\\\"b\\n\"") == "a\"b\\n");
  CHECK(unquoted_word("end\\") == "end");
  CHECK(unquoted_word("'it'\\''s'") == "it's");
  CHECK(unquoted_word("").empty());
}
