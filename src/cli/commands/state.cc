// murder state: what a coordinator's state holds, and putting a copy of one back.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

#include "cli/commands/command_list.h"
#include "cli/ui/command.h"
#include "coordinator/store/open_store.h"
#include "coordinator/store/put_back.h"
#include "engine/base/random_word.h"

namespace murder::cli {
namespace {

struct StateOptions {
  std::string state;
  bool log = false;
  std::optional<uint64_t> audit;
  bool put_back = false;
};

Status take_number(const std::string& text, StateOptions* options) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return fail(ErrorCode::invalid_input, "expected the number of a record");
  }
  options->audit = number;
  return {};
}

// All lines at once are too much for one value.
void print_line(const std::string& line, CommandContext& context) {
  if (context.json) {
    context.print_json_text(line + "\n");
  } else {
    context.print(line);
  }
}

Result<int> print_log(store::RecordStore& store, CommandContext& context) {
  const Result<std::vector<std::string>> lines = store.load();
  if (!lines) {
    return fail(lines.error());
  }
  for (const std::string& line : *lines) {
    print_line(line, context);
  }
  return exit_done;
}

Result<int> print_audit(store::RecordStore& store, uint64_t from, CommandContext& context) {
  constexpr size_t lines_at_once = 1000;
  while (true) {
    const Result<std::vector<store::AuditLine>> lines = store.read_audit(from, lines_at_once);
    if (!lines) {
      return fail(lines.error());
    }
    if (lines->empty()) {
      return exit_done;
    }
    for (const store::AuditLine& line : *lines) {
      // Records have a number of their own, of something else.
      print_line(fmt::format("{{\"number\":{},\"change\":{}}}", line.number, line.line), context);
    }
    from = lines->back().number + 1;
  }
}

Result<int> print_summary(store::RecordStore& store, CommandContext& context) {
  const Result<std::vector<std::string>> lines = store.load();
  if (!lines) {
    return fail(lines.error());
  }
  const Result<std::vector<store::AuditLine>> oldest = store.read_audit(1, 1);
  const Result<std::vector<InfoHash>> torrents = store.list_torrents();
  if (!oldest || !torrents) {
    return fail(!oldest ? oldest.error() : torrents.error());
  }
  const std::string leader = store.leader_address();
  const uint64_t first = oldest->empty() ? 0 : oldest->front().number;
  context.print(fmt::format("state:     {}", store.name()));
  context.print(fmt::format("leader:    {}", leader.empty() ? "none" : leader));
  context.print(fmt::format("records:   {}, of which {} are kept", store.last_number(),
                            first == 0 ? 0 : store.last_number() - first + 1));
  context.print(fmt::format("a start reads {} lines, {} of them from a snapshot", lines->size(),
                            store.snapshot_line_count()));
  context.print(fmt::format("torrents:  {}", torrents->size()));
  Json hashes = Json::array();
  for (const InfoHash& info_hash : *torrents) {
    hashes.push_back(info_hash.hex());
  }
  context.print_json({{"state", store.name()},
                      {"leader", leader},
                      {"last_number", store.last_number()},
                      {"oldest_number", first},
                      {"lines", lines->size()},
                      {"snapshot_lines", store.snapshot_line_count()},
                      {"torrents", hashes}});
  return exit_done;
}

Result<int> put_back(const StateOptions& options, CommandContext& context) {
  Result<std::unique_ptr<store::RecordStore>> store = store::open_store(options.state);
  if (!store) {
    return fail(store.error());
  }
  const Result<uint64_t> origin = random_word();
  const Result<bool> leads = (*store)->try_lead("murder state");
  if (!origin || !leads) {
    return fail(!origin ? origin.error() : leads.error());
  }
  if (!*leads) {
    return fail(ErrorCode::conflict,
                fmt::format("a coordinator runs with this state ({}): stop it first",
                            (*store)->leader_address()));
  }
  const Status done = store::mark_as_put_back(**store, std::max<uint64_t>(*origin, 1));
  (*store)->resign();
  if (!done) {
    return fail(done.error());
  }
  context.print(
      "agents will take this state for another one than they have followed: start the "
      "coordinator");
  context.print_json({{"state", (*store)->name()}, {"put_back", true}});
  return exit_done;
}

Result<int> run_state(const StateOptions& options, CommandContext& context) {
  const int modes = (options.log ? 1 : 0) + (options.audit ? 1 : 0) + (options.put_back ? 1 : 0);
  if (modes > 1) {
    return context.wrong_usage("--log, --audit and --put-back exclude each other");
  }
  if (options.put_back) {
    return put_back(options, context);
  }
  Result<std::unique_ptr<store::RecordStore>> store =
      store::open_store(options.state, store::Access::look);
  if (!store) {
    return fail(store.error());
  }
  if (options.log) {
    return print_log(**store, context);
  }
  return options.audit ? print_audit(**store, *options.audit, context)
                       : print_summary(**store, context);
}

}  // namespace

void add_state_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<StateOptions>(
      app, context,
      {.name = "state",
       .description = "Show what a coordinator's state holds, also beside one that runs with it",
       .details =
           "STATE is what `murder tracker --state` takes: a directory, sqlite:FILE, or "
           "etcd:http://HOST:PORT,... Without an option it tells how much is there and who leads. "
           "Nothing is changed but by --put-back.\n\n"
           "A copy of a state that is put back is older than what agents were told last, and they "
           "pass over what is older. After --put-back they take it for another state and follow "
           "it. The coordinator must not run.",
       .example = "murder state /var/lib/murder-tracker\n"
                  "murder state etcd:http://h1:2379,http://h2:2379 --audit 1000",
       .see_also = {"murder-tracker(1)"}},
      run_state);
  command.add_option("STATE", options.state, "The state of a coordinator")
      .type_name("STATE")
      .required()
      .completes(ValueKind::path);
  command.add_flag("--log", options.log,
                   "Print the lines that a coordinator reads when it starts: the snapshot and the "
                   "records behind it, as JSON");
  command
      .add_parsed(
          "--audit", [own = &options](const std::string& text) { return take_number(text, own); },
          "Print all records that are kept, from number N on, as JSON lines")
      .type_name("N");
  command.add_flag("--put-back", options.put_back,
                   "This is a copy that was put back: have agents follow it");
}

}  // namespace murder::cli
