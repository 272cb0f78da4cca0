#include "cli/fleet/plan/shell_words.h"

#include <doctest/doctest.h>
#include <stdio.h>

namespace murder::fleet {
namespace {

using Words = std::vector<std::string>;

// What sh makes of a line: its words, each behind a newline-free mark.
std::string words_of_sh(const std::string& quoted) {
  const std::string line = "printf '<%s>' " + quoted;
  FILE* pipe = popen(line.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  char buffer[4096];
  for (size_t count = 1; count > 0;) {
    count = fread(buffer, 1, sizeof(buffer), pipe);
    output.append(buffer, count);
  }
  CHECK(pclose(pipe) == 0);
  return output;
}

}  // namespace

TEST_CASE("a shell reads back exactly the words that were quoted") {
  std::string all_bytes;
  for (int byte = 1; byte < 256; ++byte) {
    all_bytes += static_cast<char>(byte);
  }
  const Words words = {"plain", "",      "two words", "it's",        "''",     "$HOME", "`id`",
                       "a\nb",  "~",     "*",         "a=b",         "-x=y",   "!",     "\\",
                       "\"q\"", "{a,b}", "#",         "caf\xC3\xA9", all_bytes};
  std::string expected;
  for (const std::string& word : words) {
    expected += "<" + word + ">";
  }
  CHECK(words_of_sh(quote_words(words)) == expected);
}

TEST_CASE("words that need no quotes have none") {
  CHECK(quote_words(Words{"/opt/murder/murder", "peer", "--to=/srv/app", "v42.1_x@y"}) ==
        "/opt/murder/murder peer --to=/srv/app v42.1_x@y");
  CHECK(quote_word("A=b") == "'A=b'");  // the first word of a line would be an assignment
}

TEST_CASE("splitting undoes quoting") {
  const Words words = {"ssh", "-F", "/a b/c", "it's", "", "\\", "\"", "a\nb"};
  const auto split = split_words(quote_words(words));
  REQUIRE(split);
  CHECK(*split == words);
}

TEST_CASE("splitting knows both kinds of quotes and backslashes") {
  CHECK(split_words(R"(ssh  -F "a \"b\" \n" 'c\d' e\ f g'h'"i")").value() ==
        Words{"ssh", "-F", R"(a "b" \n)", R"(c\d)", "e f", "ghi"});
  CHECK(split_words(" \t ").value().empty());
  CHECK_FALSE(split_words("ssh 'x"));
  CHECK_FALSE(split_words("ssh \"x\\\""));
}

TEST_CASE("a shell is needed for what is more than words") {
  CHECK_FALSE(needs_shell("ssh -F 'my file' -o ProxyJump=gate"));
  for (const char* text : {"ssh -F ~/x", "ssh -F $HOME/x", "FOO=1 ssh", "a | b", "ssh *"}) {
    CAPTURE(text);
    CHECK(needs_shell(text));
  }
}

}  // namespace murder::fleet
