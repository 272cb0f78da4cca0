#include "cli/fleet/deploy_lease.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/fleet/deploy_lock_text.h"
#include "cli/fleet/own_process.h"
#include "cli/fleet/plan/printed_command.h"
#include "cli/fleet/plan/remote_command.h"
#include "cli/fleet/steps.h"

namespace murder::fleet {
namespace {

// Of a deploy whose machine vanished.
constexpr std::chrono::seconds lease(90);
constexpr Duration renew_interval = std::chrono::seconds(25);
constexpr Duration confirmed_for = std::chrono::seconds(2);

}  // namespace

DeployLease::DeployLease(DeployRun& run)
    : run_(run),
      lock_kind_(run.kind("lock")),
      renew_kind_(run.kind("lock")),
      key_kind_(run.kind("lock")),
      unlock_kind_(run.kind("clean-up")),
      own_key_line_(run.key.empty() ? "" : run.key + "\n"),
      owner_(user_at_host()),
      origin_(encode_origin(own_origin())),
      is_key_settled_(run.key.empty()) {
  lock_kind_.input = own_key_line_;
  unlock_kind_.cancel = &run.work.interrupts().cleaning_up();
}

std::string DeployLease::command(HostIndex host, bool is_renewal, bool with_key) const {
  CommandLine line = CommandLine::murder(murder_path_of(run_.work), "lock");
  line.word(run_.options.tag)
      .option("--app", run_.options.destination_path)
      .option("--token", run_.token)
      .option("--owner", owner_)
      .option("--why",
              fmt::format("deploy of {} to {}", run_.options.tag, run_.options.destination_path))
      .option("--origin", origin_)
      .option("--port", fmt::format("{}", run_.work.variables().tracker_port))
      .option("--for", fmt::format("{}s", lease.count()))
      .flag("--mark", hosts_.at(host.raw).is_mark)
      .flag("--renew", is_renewal)
      .flag("--with-key", with_key)
      .flag("--without-key", run_.key.empty() && !own_key_line_.empty());
  if (hosts_.at(host.raw).has_tracker_role && !is_renewal) {
    line.option("--start-tracker", tracker_listen_address(run_.work.variables().tracker_port))
        .option("--end-when-idle", seconds_text(abandoned_after));
  }
  for (const std::string& token : replaced_) {
    line.option("--replace", token);
  }
  for (const std::string& token : ousted_) {
    line.option("--take-over", token);
  }
  return line.flag("--quiet").flag("--json").text();
}

void DeployLease::ask(HostIndex host, bool is_mark, bool with_tracker) {
  hosts_[host.raw] = {.is_mark = is_mark, .has_tracker_role = with_tracker};
  renew_at_ = monotonic_now() + renew_interval;
  run_.add(host, lock_kind_, command(host, false, !own_key_line_.empty()));
}

const LeasedHost* DeployLease::held(HostIndex host) const {
  const auto found = hosts_.find(host.raw);
  return found != hosts_.end() && found->second.is_held ? &found->second : nullptr;
}

void DeployLease::renew_if_due(Instant now) {
  if (hosts_.empty() || now < renew_at_) {
    return;
  }
  renew_at_ = now + renew_interval;
  for (const auto& [index, host] : hosts_) {
    if (host.is_held) {
      run_.add(HostIndex{index}, renew_kind_, command(HostIndex{index}, true, false));
    }
  }
}

// Once each host that holds the lock has answered, or is lost.
void DeployLease::settle_key() {
  if (is_key_settled_) {
    return;
  }
  const std::string* found = nullptr;
  for (const auto& [index, host] : hosts_) {
    if (host.is_mark) {
      continue;
    }
    if (!host.is_held && run_.at(HostIndex{index}).reach != Reach::lost) {
      return;
    }
    found = host.is_held && found == nullptr ? &host.lock.fleet_key : found;
  }
  if (found == nullptr) {
    return;
  }
  is_key_settled_ = true;
  run_.key = *found;
  key_line_ = run_.key + "\n";
  key_kind_.input = key_line_;
  for (const auto& [index, host] : hosts_) {
    bring_key(HostIndex{index});
  }
}

// To a host whose lock, and tracker, have another one.
void DeployLease::bring_key(HostIndex index) {
  LeasedHost& host = hosts_[index.raw];
  if (!is_key_settled_ || run_.key.empty() || !host.is_held || host.lock.fleet_key == run_.key) {
    return;
  }
  host.lock.fleet_key = run_.key;
  host.key_taken = false;
  host.key_trouble.clear();
  run_.add(index, key_kind_, command(index, true, true));
}

void DeployLease::confirm(Instant now) {
  if (now - confirmed_at_ < confirmed_for) {
    return;
  }
  for (const auto& [index, host] : hosts_) {
    if (host.is_held && !host.is_mark) {
      run_.add(HostIndex{index}, renew_kind_, command(HostIndex{index}, true, false));
    }
  }
}

void DeployLease::release(const std::string& info_hash) {
  CommandLine line = CommandLine::murder(murder_path_of(run_.work), "unlock");
  line.option("--token", run_.token)
      .option("--port", fmt::format("{}", run_.work.variables().tracker_port));
  if (!info_hash.empty()) {
    line.option("--after", info_hash);
  }
  const std::string text = line.flag("--quiet").flag("--json").text();
  for (const auto& [index, host] : hosts_) {
    if (host.is_held) {
      run_.add(HostIndex{index}, unlock_kind_, text);
    }
  }
}

bool DeployLease::take(const JobKind& kind, const HostResult& result) {
  if (&kind == &lock_kind_ || &kind == &renew_kind_ || &kind == &key_kind_) {
    take_reply(result, &kind != &lock_kind_);
  } else if (&kind == &unlock_kind_) {
    take_unlocked(result);
  } else {
    return false;
  }
  run_.times.end(kind.stage, monotonic_now());
  return true;
}

void DeployLease::take_reply(const HostResult& result, bool is_renewal) {
  const Json reply = json_output(result);
  const std::string state = text_member(reply, "state");
  LeasedHost& host = hosts_[result.host.raw];
  if (state == host::lock_state_name(host::LockState::held)) {
    host.is_held = true;
    confirmed_at_ = host.is_mark ? confirmed_at_ : monotonic_now();
    host.lock = host::lock_of(reply["lock"]);
    if (reply.contains("key_taken")) {
      host.key_taken = reply["key_taken"] == true;
      host.key_trouble = text_member(reply, "key_trouble");
    }
    if (!is_renewal) {
      host.processes = reply["processes"];
      host.tracker_started = reply["tracker_started"] == true;
      host.tracker_trouble = text_member(reply, "tracker_trouble");
      bring_key(result.host);
    }
  } else if (!state.empty()) {
    on_busy(result.host, host::lock_of(reply["holder"]),
            state == host::lock_state_name(host::LockState::lost));
  } else if (!is_renewal && !run_.work.is_interrupted()) {
    // One that is not renewed lasts a while, and the next renewal may get through.
    run_.at(result.host).reach = Reach::lost;
    run_.fail_host(result);
  } else if (host.key_trouble.empty() && !host.key_taken) {
    host.key_trouble = result.reason;  // a key that was on its way
  }
}

void DeployLease::on_busy(HostIndex host, const host::DeployLock& holder, bool is_lost) {
  const std::optional<Origin> origin = decode_origin(holder.origin);
  const bool is_known_to_be_gone = origin && is_gone(*origin, own_origin(), start_of_process);
  const auto is_not_in = [&holder](const std::vector<std::string>& tokens) {
    return std::find(tokens.begin(), tokens.end(), holder.token) == tokens.end();
  };
  const bool is_new = is_not_in(replaced_) && is_not_in(ousted_);
  if (!is_lost && is_new && (is_known_to_be_gone || run_.options.take_over)) {
    run_.work.view().note(text_of_replacing(holder, is_known_to_be_gone));
    (is_known_to_be_gone ? replaced_ : ousted_).push_back(holder.token);
    run_.add(host, lock_kind_, command(host, false, !own_key_line_.empty()));
    return;
  }
  const std::string& name = run_.work.inventory().at(host).name;
  is_refused_ = !is_lost;
  is_tag_taken_ = holder.tag == run_.options.tag;
  trouble_ = fail(ErrorCode::conflict,
                  is_lost ? fmt::format("{} took over with a {}, since {}: this deploy ends",
                                        holder.owner, holder.why, holder.since)
                          : text_of_busy(holder, name, run_.options.own_words));
}

void DeployLease::take_unlocked(const HostResult& result) const {
  const std::string& name = run_.work.inventory().at(result.host).name;
  const Json reply = json_output(result);
  if (!result.is_ok()) {
    run_.work.view().warn(fmt::format(
        "{} is locked for up to {} s more, and its tracker may still run ({}): `{}` ends that",
        name, lease.count(), result.reason, task_command(run_.options.own_words, "stop-tracker")));
  } else if (text_member(reply, "tracker") == "needed") {
    run_.work.view().warn(
        fmt::format("the tracker on {} is left running: {}", name, text_member(reply, "reason")));
  }
}

}  // namespace murder::fleet
