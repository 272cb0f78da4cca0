#include "cli/commands/manual/manual_page.h"

#include <doctest/doctest.h>

#include "cli/fleet/config_keys.h"

using namespace murder::cli;

namespace {

const ManualEdition edition{.version = "1.2.3", .date = "November 29, 2026"};

CommandDescription sample() {
  CommandDescription command{.name = "load",
                             .full_name = "murder load",
                             .text = {.description = "Load a thing. Twice. Exit status: 0"}};
  command.text.example = "murder load -x";
  command.arguments = {{.value_name = "THING", .help = "What", .is_required = true}};
  command.options = {
      {.names = {"--to", "--into"},
       .value_name = "DIR",
       .help = "Where",
       .group = "Options",
       .default_text = "/tmp"},
      {.names = {"-q", "--quiet"}, .help = "Say less", .group = "Common options"},
      {.names = {"--rate"}, .value_name = "RATE", .help = "How fast", .group = "Network"},
  };
  return command;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("manual page: a command with everything it has") {
  const std::string page = command_page(sample(), edition);
  CHECK(has(page, ".Dd November 29, 2026\n.Dt MURDER-LOAD 1\n"));
  CHECK(has(page, ".Nm murder-load\n.Nd load a thing\n"));
  CHECK(has(page, ".Nm murder Cm load\n.Op Fl \\-to Ar DIR\n.Op Ar options\n.Ar THING\n"));
  CHECK(has(page, "Load a thing.\nTwice.\n"));
  CHECK(!has(page, "Exit status:"));
  CHECK(has(page, ".It Fl \\-to , Fl \\-into Ar DIR\nWhere.\nDefault: \\fB/tmp\\fP.\n"));
  CHECK(has(page, ".Ss Network\n"));
  CHECK(has(page, ".It Fl q , Fl \\-quiet\n"));
  CHECK(page.find(".Ss Network") < page.find(".Ss Common options"));
  CHECK(has(page, ".It Li 2\n"));
  CHECK(has(page, "murder load \\-x\n"));
}

TEST_CASE("manual page: options that all tasks have are listed once") {
  CommandDescription fleet{.name = "fleet", .full_name = "murder fleet"};
  for (const char* name : {"one", "two"}) {
    CommandDescription task = sample();
    task.name = name;
    task.full_name = std::string("murder fleet ") + name;
    fleet.commands.push_back(task);
  }
  fleet.commands[1].options[0].help = "Elsewhere";
  const std::string page = command_page(fleet, edition);
  CHECK(has(page, ".Ss one\n"));
  CHECK(has(page, "Elsewhere.\n"));
  CHECK(page.find("How fast.") == page.rfind("How fast."));
  CHECK(has(page, ".Xr murder-fleet-two 1"));
  CHECK(has(page, ".Xr murder.toml 5"));
}

TEST_CASE("manual page: dates as manuals have them") {
  CHECK(*manual_date("2026-01-09") == "January 9, 2026");
  for (const char* wrong :
       {"", "2026-13-01", "2026-00-01", "2026-01-32", "26-01-01", "2026/01/01"}) {
    CAPTURE(wrong);
    CHECK(!manual_date(wrong));
  }
}

TEST_CASE("filled page: lists come from the description, and wrong names are errors") {
  CommandDescription program{.name = "murder", .full_name = "murder"};
  program.commands.push_back(sample());
  const auto filled = [&](const std::string& page) { return filled_page(page, program, edition); };
  CHECK(*filled("a @VERSION@ @DATE@ @DATE@") == "a 1.2.3 November 29, 2026 November 29, 2026\n");
  CHECK(*filled(".\\\" @commands load") ==
        ".Bl -tag -width Ds\n.It Xr murder-load 1\nLoad a thing.\n.El\n");
  CHECK(has(*filled(".\\\" @options load --quiet"), ".It Fl q , Fl \\-quiet\nSay less.\n"));
  CHECK(!has(*filled(".\\\" @options load"), "quiet"));
  CHECK(has(*filled(".\\\" @keys roles"), ".It Va peer"));
  for (const char* wrong : {".\\\" @commands lode", ".\\\" @options load --nothing",
                            ".\\\" @options", ".\\\" @keys nothing", ".\\\" @what"}) {
    CAPTURE(wrong);
    CHECK(!filled(wrong));
  }
}

TEST_CASE("filled page: a list without names has what was not listed yet") {
  CommandDescription program{.name = "murder", .full_name = "murder"};
  program.commands = {sample(), sample()};
  program.commands[1].name = "save";
  program.commands[1].full_name = "murder save";
  const auto page = filled_page(".\\\" @commands save\n.\\\" @commands\n", program, edition);
  REQUIRE(page);
  CHECK(page->find("murder-save") == page->rfind("murder-save"));
  CHECK(page->find("murder-save") < page->find("murder-load"));
}
