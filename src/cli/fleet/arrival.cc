#include "cli/fleet/arrival.h"

#include "cli/fleet/plan/remote_command.h"
#include "cli/fleet/report.h"
#include "cli/fleet/steps.h"
#include "engine/hash/sha1.h"

namespace murder::fleet {

Arrival::Arrival(DeployRun& run)
    : run_(run),
      connect_kind_(run.kind("connect")),
      install_kind_(run.kind("distribute-files")),
      return_kind_(run.kind("connect")) {
  return_kind_.retries = limits::retries_max;
  if (run.options.quorum) {
    connect_kind_.retry_until = run.started_at + dead_host_wait;
  }
}

Status Arrival::start(std::span<const HostIndex> hosts) {
  const std::string directory = murder_path_of(run_.work);
  if (run_.options.no_distribute) {
    compare_ = CommandLine::murder(directory, "--version").text();
  } else {
    // The file that this process runs, also when its name stands for a newer build by now.
    Result<MappedFile> program = MappedFile::open("/proc/self/exe");
    if (!program) {
      return fail(program.error());
    }
    program_.emplace(std::move(*program));
    const std::string sum = hash::sha1(as_bytes_of(program_->bytes())).hex();
    compare_ = compare_program_command(directory, sum);
    install_ = install_program_command(directory, sum);
    install_kind_.input = program_->bytes();
  }
  for (const HostIndex host : hosts) {
    run_.add(host, connect_kind_, compare_);
  }
  return {};
}

void Arrival::start_again(HostIndex host) {
  run_.at(host).reach = Reach::unknown;
  return_kind_.retry_until = monotonic_now() + (run_.options.quorum ? dead_host_wait : reboot_wait);
  run_.add(host, return_kind_, compare_);
}

void Arrival::ready(HostIndex host) {
  DeployHost& here = run_.at(host);
  here.reach = Reach::ready;
  here.moved_at = monotonic_now();
  if (here.state == HostState::connecting) {
    here.state = HostState::waiting;
  }
  if (!first_ready_at_) {
    first_ready_at_ = here.moved_at;
  }
}

void Arrival::lost(const HostResult& result) {
  run_.at(result.host).reach = Reach::lost;
  if (!run_.at(result.host).has_failed) {
    run_.fail_host(result);
  }
}

void Arrival::give_up(HostIndex host, const std::string& reason) {
  run_.at(host).reach = Reach::lost;
  run_.fail_host(host, connect_kind_.stage, reason);
  run_.runner.stop(host, &connect_kind_);
  run_.runner.stop(host, &install_kind_);
  run_.runner.stop(host, &return_kind_);
}

bool Arrival::take(const JobKind& kind, const HostResult& result) {
  if (&kind != &connect_kind_ && &kind != &install_kind_ && &kind != &return_kind_) {
    return false;
  }
  const bool has_program =
      result.is_ok() &&
      (&kind == &install_kind_ || run_.options.no_distribute || has_same_program(result));
  run_.times.end(kind.stage, monotonic_now());
  if (!result.is_ok() || run_.at(result.host).reach == Reach::lost) {
    HostResult told = result;
    if (&kind == &return_kind_) {
      told.reason = "lost in the middle, and not reached again: " + result.reason;
    }
    lost(told);
  } else if (has_program) {
    ready(result.host);
  } else {
    run_.add(result.host, install_kind_, install_);
  }
  return true;
}

}  // namespace murder::fleet
