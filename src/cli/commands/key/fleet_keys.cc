// murder key new-fleet.
#include "cli/commands/key/key.h"
#include "engine/base/random_word.h"

namespace murder::cli {
namespace {

struct NewKeyOptions {};

Result<int> run_new_fleet(const NewKeyOptions&, CommandContext& context) {
  return print_new_key(trust::KeyKind::fleet, context);
}

}  // namespace

Result<int> print_new_key(trust::KeyKind kind, const CommandContext& context) {
  trust::Secret secret{};
  if (const Status filled = fill_random(secret); !filled) {
    return fail(filled.error());
  }
  const std::string text = trust::key_text(kind, secret);
  context.print(text);
  context.print_json({{"key", text}});
  return exit_done;
}

void add_fleet_key_tasks(ArgumentParser key, CommandContext& context) {
  add_command<NewKeyOptions>(
      key, context,
      {.name = "new-fleet",
       .description = "Print a new fleet key",
       .details = "Hosts that have it exchange releases among themselves, and with nobody else; a "
                  "tracker that has it answers them alone. "
                  "Every host gets the same file, readable by its owner alone. To change the key "
                  "while hosts run, add the new one as a second line everywhere, then put it "
                  "first everywhere, then remove the old one: the first is proven to others, both "
                  "are accepted. Processes read the file when they start.\n\n"
                  "With a line `transport tls` in the file, hosts pass releases to each other "
                  "encrypted, and in no other way.",
       .example = "(umask 077; murder key new-fleet > /etc/murder/fleet.key)",
       .files = {{"/etc/murder/fleet.key", "Where `seed`, `peer` and `tracker` look for it."}},
       .see_also = {"murder-tracker(1)", "murder-seed(1)", "murder-peer(1)"}},
      run_new_fleet);
}

}  // namespace murder::cli
