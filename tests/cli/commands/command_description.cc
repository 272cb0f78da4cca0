#include "cli/commands/command_description.h"

#include <doctest/doctest.h>

#include <set>

using namespace murder::cli;

TEST_CASE("description: the whole program, with tasks, values, groups and defaults") {
  const CommandDescription program = describe_program();
  const CommandDescription* create = program.find_command("create");
  REQUIRE(create != nullptr);
  CHECK(create->page_name() == "murder-create");
  REQUIRE(create->arguments.size() == 1);
  CHECK(create->arguments[0].value_name == "SOURCE");
  CHECK(create->arguments[0].is_required);
  const OptionDescription* temp_path = create->find_option("--temp-path");
  REQUIRE(temp_path != nullptr);
  CHECK(temp_path->kind == ValueKind::directory);
  CHECK(temp_path->default_text == "/tmp");
  const OptionDescription* quiet = create->find_option("-q");
  REQUIRE(quiet != nullptr);
  CHECK(quiet->long_name() == "--quiet");
  CHECK(!quiet->takes_value());
  CHECK(quiet->group == common_group);
  const CommandDescription* task = program.find_command("fleet")->find_command("peer");
  REQUIRE(task != nullptr);
  CHECK(task->page_name() == "murder-fleet-peer");
  CHECK(task->find_option("--host")->kind == ValueKind::hosts);
  CHECK(task->find_option("--host")->may_repeat);
  CHECK(!task->text.exit_statuses.empty());
}

TEST_CASE("description: one command alone is the same as among all") {
  const CommandDescription program = describe_program();
  for (const CommandDescription& command : program.commands) {
    CAPTURE(command.name);
    const CommandDescription alone = describe_program(command.name);
    REQUIRE(alone.commands.size() == 1);
    CHECK(alone.commands[0].options == command.options);
    CHECK(alone.commands[0].arguments == command.arguments);
  }
}

TEST_CASE("description: every command has the texts that its manual page needs") {
  for (const CommandDescription& command : describe_program().commands) {
    CAPTURE(command.name);
    CHECK(!command.text.details.empty());
    CHECK(!command.text.example.empty());
    CHECK(!command.text.see_also.empty());
    CHECK(command.find_option("--help")->group == common_group);
  }
}

TEST_CASE("description: sentences") {
  CHECK(unwrapped("a\nb") == "a b");
  CHECK(first_sentence("One thing. Another.") == "One thing");
  CHECK(first_sentence("v1.2 of\nit.") == "v1.2 of it");
  CHECK(first_sentence("").empty());
  CHECK(purpose_of("Bring it to every host there is: pack, send. Then") ==
        "Bring it to every host there is");
  CHECK(purpose_of("Check it: a, b") == "Check it: a, b");
}
