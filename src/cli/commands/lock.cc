// murder lock and murder unlock: what `murder deploy` does on the hosts of seeder and tracker
// before it begins and when it has ended.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "cli/commands/command_list.h"
#include "cli/commands/coordinate/deploy_place.h"
#include "cli/commands/tracker_start.h"
#include "cli/fleet/tracker_use.h"
#include "cli/ui/command.h"
#include "engine/base/tag.h"
#include "engine/base/utc_text.h"
#include "engine/host/bounded_read.h"
#include "engine/host/control.h"
#include "engine/host/deploy_key.h"
#include "engine/host/deploy_lock_file.h"
#include "engine/host/processes.h"
#include "engine/trust/bounds.h"
#include "engine/trust/fleet_key.h"

namespace murder::cli {
namespace {

constexpr Duration stop_wait_max = std::chrono::seconds(15);

struct LockOptions {
  std::string tag;
  std::string app;
  std::string token;
  std::string owner;
  std::string why;
  std::string origin;
  Duration lease = std::chrono::seconds(90);
  uint16_t port = 8998;
  std::string tracker_listen;
  Duration tracker_idle_max{};
  std::vector<std::string> replaced;
  std::vector<std::string> ousted;
  bool is_mark = false;
  bool is_renewal = false;
  bool has_key = false;
  bool drops_key = false;
};

struct UnlockOptions {
  std::string token;
  std::string info_hash;
  uint16_t port = 8998;
};

bool runs_seeder(const std::vector<host::RunningProcess>& processes, const std::string& tag) {
  return std::ranges::any_of(processes, [&tag](const host::RunningProcess& process) {
    return process.kind() == host::kind_seeder && process.tag() == tag;
  });
}

bool runs_tracker(const std::vector<host::RunningProcess>& processes, uint16_t port) {
  return std::ranges::any_of(processes, [port](const host::RunningProcess& process) {
    return process.kind() == host::kind_tracker && host::listens_on(process.status, port);
  });
}

// In one command with the lock: another one would cost a deploy a way to the host and back.
void add_tracker(const LockOptions& options, const CommandContext& context, Json& json) {
  const Result<Json> started = start_tracker({.listen = options.tracker_listen,
                                              .idle_max = options.tracker_idle_max,
                                              .run_directory = context.run_directory,
                                              .deploys_only = options.has_key});
  json["tracker_started"] = started.has_value();
  if (!started) {
    json["tracker_trouble"] = started.error().text;
  }
}

// On standard input: neither a command line nor an environment is private.
Result<std::string> read_deploy_key() {
  const Result<std::string> text =
      host::read_bounded(STDIN_FILENO, "standard input", limits::fleet_key_file_bytes_max);
  if (!text) {
    return fail(text.error());
  }
  const std::string line = text->substr(0, text->find('\n'));
  const Result<trust::TypedKey> key = trust::parse_key(line);
  if (!key || key->kind != trust::KeyKind::fleet) {
    return fail(ErrorCode::invalid_input, "standard input: not a fleet key");
  }
  return line;
}

// The tracker of the port has the key from now on, or it is told why not. What deploys that are
// gone had claimed by theirs becomes free.
void tell_tracker(const host::RunDirectory& directory, const LockOptions& options,
                  const host::LockReply& reply, Json& json) {
  Status told =
      fail(ErrorCode::not_found,
           fmt::format("no tracker that listens on port {} is one of this user's", options.port));
  for (const host::RunningProcess& process : host::list_processes(directory)) {
    if (process.kind() == host::kind_tracker && host::listens_on(process.status, options.port)) {
      told = host::tell_deploy_key(directory, process, options.token, reply.lock.fleet_key);
      for (const std::string& gone : reply.gone) {
        static_cast<void>(host::tell_deploy_key(directory, process, gone, ""));
      }
    }
  }
  json["key_taken"] = told.has_value();
  if (!told) {
    json["key_trouble"] = told.error().text;
  }
}

Result<int> run_lock(const LockOptions& options, CommandContext& context) {
  if (Status valid = validate_tag(options.tag); !valid) {
    return context.wrong_usage(valid.error().text);
  }
  const Result<host::RunDirectory> directory = host::RunDirectory::open(context.run_directory);
  if (!directory) {
    return fail(directory.error());
  }
  const Result<std::string> key = options.has_key ? read_deploy_key() : std::string();
  if (!key) {
    return fail(key.error());
  }
  const std::vector<host::RunningProcess> processes = host::list_processes(*directory);
  const auto lease_s = std::chrono::ceil<std::chrono::seconds>(options.lease).count();
  const host::LockRequest request{
      .lock = {.token = options.token,
               .app = options.app,
               .tag = options.tag,
               .owner = options.owner,
               .since = utc_text_now(),
               .why = options.why,
               .origin = options.origin,
               .until_s = static_cast<uint64_t>(std::max<int64_t>(lease_s, 1)),
               .is_mark = options.is_mark,
               .fleet_key = *key},
      .tracker_runs = runs_tracker(processes, options.port),
      .seeder_runs = runs_seeder(processes, options.tag),
      .is_renewal = options.is_renewal,
      .drops_key = options.drops_key,
      .replaced = options.replaced,
      .ousted = options.ousted};
  const Result<host::LockReply> kept = host::keep_lock(*directory, request);
  if (!kept) {
    return fail(kept.error());
  }
  const host::LockReply& reply = *kept;
  Json json = {{"state", host::lock_state_name(reply.state)}, {"processes", Json::array()}};
  json[reply.state == host::LockState::held ? "lock" : "holder"] =
      json_of(reply.state == host::LockState::held ? reply.lock : reply.holder);
  for (const host::RunningProcess& process : processes) {
    Json status = process.status;
    status["pid"] = process.pid;
    json["processes"].push_back(std::move(status));
  }
  if (reply.state == host::LockState::held && !options.tracker_listen.empty() &&
      !request.tracker_runs) {
    add_tracker(options, context, json);
  }
  if (reply.state == host::LockState::held && options.has_key) {
    tell_tracker(*directory, options, reply, json);
  }
  context.print_json(json);
  if (reply.state == host::LockState::held) {
    context.print(fmt::format("locked for {}", options.why));
    return exit_done;
  }
  context.note(fmt::format("murder lock: {} by {} since {} is at work", reply.holder.why,
                           reply.holder.owner, reply.holder.since));
  return exit_failed;
}

// What keeps the tracker running though no deploy needs it; empty: it was ended, or there is none.
Result<std::string> end_tracker(const host::RunDirectory& directory, const UnlockOptions& options,
                                const DeployPlace::Coordinator& left) {
  for (const host::RunningProcess& process : host::list_processes(directory)) {
    const bool is_others = left.port == options.port && process.pid != left.pid;
    if (process.kind() != host::kind_tracker || !host::listens_on(process.status, options.port) ||
        is_others) {
      continue;
    }
    std::string reason = process.problem.empty()
                             ? fleet::reason_to_keep_after(process.status, options.info_hash)
                             : "whether others need it is not known: " + process.problem;
    if (!reason.empty()) {
      return reason;
    }
    if (Status stopped = host::stop_process(directory, process, stop_wait_max); !stopped) {
      return fail(stopped.error());
    }
  }
  return std::string();
}

// At another port than the fleet's nobody else uses the one that a lost `coordinate` has left.
Status end_left_coordinator(const host::RunDirectory& directory, const UnlockOptions& options,
                            const DeployPlace::Coordinator& left) {
  if (left.port == 0 || left.port == options.port) {
    return {};
  }
  for (const host::RunningProcess& process : host::list_processes(directory)) {
    if (process.pid == left.pid && process.kind() == host::kind_tracker &&
        host::listens_on(process.status, left.port)) {
      return host::stop_process(directory, process, stop_wait_max);
    }
  }
  return {};
}

// The tracker stays for others, and the deploy's key ends. One that takes no keys has none.
void forget_key(const host::RunDirectory& directory, const UnlockOptions& options) {
  for (const host::RunningProcess& process : host::list_processes(directory)) {
    if (process.kind() == host::kind_tracker && host::listens_on(process.status, options.port)) {
      static_cast<void>(host::tell_deploy_key(directory, process, options.token, ""));
    }
  }
}

Result<int> run_unlock(const UnlockOptions& options, CommandContext& context) {
  const Result<host::RunDirectory> directory =
      host::RunDirectory::open_existing(context.run_directory);
  Json json = {{"tracker", "left"}};
  if (directory) {
    const Result<host::Unlocked> unlocked = host::give_lock_back(*directory, options.token);
    if (!unlocked) {
      return fail(unlocked.error());
    }
    forget_key(*directory, options);
    const DeployPlace::Coordinator left =
        DeployPlace::left_coordinator(directory->path(), options.token);
    if (Status ended = end_left_coordinator(*directory, options, left); !ended) {
      return fail(ended.error());
    }
    DeployPlace::remove_left(directory->path(), options.token);
    if (unlocked->ends_tracker) {
      const Result<std::string> reason = end_tracker(*directory, options, left);
      if (!reason) {
        return fail(reason.error());
      }
      host::DeployLockFile file(*directory);
      host::settle_tracker(file.locks(), options.token,
                           reason->empty() ? host::TrackerEnd::ended : host::TrackerEnd::needed);
      if (Status saved = file.save(); !saved) {
        return fail(saved.error());
      }
      json["tracker"] = reason->empty() ? "ended" : "needed";
      json["reason"] = *reason;
    }
  } else if (directory.error().code != ErrorCode::not_found) {
    return fail(directory.error());
  }
  context.print("unlocked");
  context.print_json(json);
  return exit_done;
}

}  // namespace

void add_lock_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<LockOptions>(
      app, context,
      {.name = "lock",
       .description = "Used by murder deploy: one deploy of a tag and of a directory at a time",
       .details = "A deploy runs this on the host of the seeder, where the lock is held, "
                  "whichever machine the deploy was started from. A lock that is not renewed "
                  "ends after 90 s, so a deploy whose machine vanished is in nobody's way. To "
                  "take over from one that is at work there is `murder deploy --take-over`; "
                  "this command is not meant to be run by hand.",
       .example = "murder lock v42 --app /srv/app --token 1 --owner alice@laptop",
       .see_also = {"murder-unlock(1)", "murder-deploy(1)"},
       .has_telling_exit_code = true},
      run_lock);
  command.add_option("TAG", options.tag, "The release").required();
  command.add_option("--app", options.app, "The directory of releases").required();
  command.add_option("--token", options.token, "Names the deploy").required();
  command.add_option("--owner", options.owner, "Who deploys: user@host");
  command.add_option("--why", options.why, "What for");
  command.add_option("--origin", options.origin, "The process that deploys");
  command.add_duration("--for", options.lease, "How long, unless it is renewed; default 90s");
  command.add_option("--port", options.port, "Of the tracker that the deploy uses")
      .in_range(1, 65535);
  command
      .add_option("--start-tracker", options.tracker_listen,
                  "Then start a tracker there, unless one listens on the port")
      .type_name("HOST:PORT");
  command.add_duration("--end-when-idle", options.tracker_idle_max,
                       "Of that tracker, as murder tracker has it; default: never");
  command.add_option("--replace", options.replaced, "The token of a deploy that is gone");
  command.add_option("--take-over", options.ousted,
                     "The token of a deploy that may be at work: it ends when it hears of this");
  command.add_flag("--mark", options.is_mark, "Excludes nobody: the tracker is needed");
  command.add_flag("--renew", options.is_renewal, "An error if it was taken over");
  command.add_flag("--with-key", options.has_key,
                   "Standard input is the fleet key of the deploy, for the tracker here");
  command.add_flag("--without-key", options.drops_key, "The deploy has no key any more");
}

void add_unlock_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<UnlockOptions>(
      app, context,
      {.name = "unlock",
       .description =
           "Used by murder deploy: ends its lock, and the tracker that it started unless\n"
           "another deploy or release needs that",
       .details = "The counterpart of `murder lock`, for `murder deploy`. It is not meant to "
                  "be run by hand.",
       .example = "murder unlock --token 1",
       .see_also = {"murder-lock(1)", "murder-deploy(1)"},
       .has_telling_exit_code = true},
      run_unlock);
  command.add_option("--token", options.token, "Names the deploy").required();
  command.add_option("--after", options.info_hash, "The release that was deployed");
  command.add_option("--port", options.port, "Of the tracker").in_range(1, 65535);
}

}  // namespace murder::cli
