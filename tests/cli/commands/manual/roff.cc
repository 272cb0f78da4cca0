#include "cli/commands/manual/roff.h"

#include <doctest/doctest.h>

using murder::cli::roff_argument;
using murder::cli::roff_literal;
using murder::cli::roff_text;

TEST_CASE("roff text: a sentence begins a line, options and what is typed stand out") {
  CHECK(roff_text("Say --to DIR. Then `murder wait` tells.") ==
        "Say \\%\\fB\\-\\-to\\fP DIR.\nThen \\fBmurder wait\\fP tells.\n");
  CHECK(roff_text("Is it (here)? Yes.") == "Is it (here)?\nYes.\n");
  // A period within what is typed, or within a word, ends nothing.
  CHECK(roff_text("Run `a. b` at 0.5 s or so.") == "Run \\fBa. b\\fP at 0.5 s or so.\n");
}

TEST_CASE("roff text: nothing in it is a request or an escape") {
  CHECK(roff_text(".SH here") == "\\&.SH here\n");
  CHECK(roff_text("'quoted' \\fB") == "\\&'quoted' \\efB\n");
  CHECK(roff_text("a~b ^C") == "a\\(tib \\(haC\n");
  // Also where a line is broken before it.
  const std::string text = roff_text(std::string(76, 'x') + " .so y");
  CHECK(text == std::string(76, 'x') + "\n\\&.so y\n");
}

TEST_CASE("roff text: paragraphs and lines that stay as they are") {
  CHECK(roff_text("One.\n\nTwo\nthree.") == "One.\n.Pp\nTwo three.\n");
  CHECK(roff_text("See:\n\n  a -b\n  c\n\nEnd.") ==
        "See:\n.Bd -literal -offset indent\na \\-b\nc\n.Ed\n.Pp\nEnd.\n");
}

TEST_CASE("roff text: an unclosed backquote is a character") {
  CHECK(roff_text("a `b") == "a \\(gab\n");
}

TEST_CASE("roff literal: hyphens and quotes can be copied") {
  CHECK(roff_literal("murder fleet 'w[1-3]'\n.x") ==
        ".Bd -literal -offset indent\nmurder fleet \\(aqw[1\\-3]\\(aq\n\\&.x\n.Ed\n");
}

TEST_CASE("roff line: one line, whatever its length") {
  CHECK(murder::cli::roff_line("a\nb --c. D") == "a b \\%\\fB\\-\\-c\\fP. D");
}

TEST_CASE("roff argument: one word, whatever is in it") {
  CHECK(roff_argument("-to") == "\\-to");
  CHECK(roff_argument("A B") == "\"A B\"");
  CHECK(roff_argument("a\"b") == "a\\(dqb");
  CHECK(roff_argument("") == "\"\"");
  CHECK(roff_argument("No") == "\\&No");  // a macro
  CHECK(roff_argument("N") == "N");
  CHECK(roff_argument("HOST:PORT") == "HOST:PORT");
}
