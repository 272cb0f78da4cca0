#include "cli/fleet/deployment.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/control.h"
#include "cli/fleet/activation.h"
#include "cli/fleet/plan/node_set.h"
#include "cli/fleet/plan/remote_command.h"
#include "cli/fleet/tasks.h"
#include "cli/fleet/tracker_use.h"
#include "engine/http/blocking_client.h"

namespace murder::fleet {
namespace {

constexpr Duration tracker_answer_timeout = std::chrono::seconds(3);
// Peers are stopped at the end of the deploy; should this machine vanish, they end by themselves.
constexpr Duration peers_seed_for = abandoned_after;

bool tracker_answers(const std::string& announce_url) {
  const Result<http::Reply> reply =
      http::blocking_request(status_url(announce_url), {.timeout = tracker_answer_timeout});
  if (!reply || reply->status != 200) {
    return false;
  }
  const Result<cli::Json> status = cli::parse_json(reply->body);
  return status && cli::text_member(*status, "kind") == cli::kind_tracker;
}

bool contains(std::span<const HostIndex> hosts, HostIndex host) {
  return std::find(hosts.begin(), hosts.end(), host) != hosts.end();
}

void add_missing(std::vector<HostIndex>& hosts, std::span<const HostIndex> more) {
  hosts.insert(hosts.end(), more.begin(), more.end());
  std::sort(hosts.begin(), hosts.end());
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
}

std::string folded_names(const Work& work, std::span<const HostIndex> hosts) {
  std::vector<std::string> names;
  for (const HostIndex host : hosts) {
    names.push_back(work.inventory().at(host).name);
  }
  return fold_node_set(names);
}

}  // namespace

Deployment::Deployment(Work& work, const DeployOptions& options, std::optional<DeployState> before)
    : work_(work), options_(options), before_(std::move(before)) {}

DeployOutcome Deployment::run(std::span<const HostIndex> hosts) {
  outcome_.fatal = prepare_and_peer(hosts);
  if (outcome_.fatal) {
    make_current();
  }
  clean_up();
  return std::move(outcome_);
}

Status Deployment::stopped_by_user() const {
  return work_.is_interrupted() ? Status(fail(ErrorCode::interrupted, "interrupted")) : Status();
}

Status Deployment::prepare_and_peer(std::span<const HostIndex> hosts) {
  work_.meet(work_.inventory().trackers);  // the torrent tells others where they are
  outcome_.hosts_expected = hosts_expected();
  if (!options_.on_seeder) {
    if (Status packed = pack(); !packed) {
      return packed;
    }
  }
  if (Status distributed = distribute_program(hosts); !distributed) {
    return distributed;
  }
  if (Status tracked = have_trackers(); !tracked) {
    return tracked;
  }
  if (Status seeded = seed(); !seeded) {
    return seeded;
  }
  peer();
  return {};
}

Status Deployment::pack() {
  Result<PrivateDirectory> directory = PrivateDirectory::make(options_.local_temp_path);
  if (!directory) {
    return fail(directory.error());
  }
  directory_.emplace(std::move(*directory));
  Result<PackedRelease> release =
      pack_here(work_, options_.source, options_.tag, directory_->path(),
                work_.inventory().tracker_urls(), hosts_expected(), options_.packing);
  if (!release) {
    return fail(release.error());
  }
  release_.emplace(std::move(*release));
  outcome_.info_hash = release_->torrent.info_hash.hex();
  return check_same_release();
}

// Those that come in later take the release as it is: other pieces would make it another one.
uint32_t Deployment::hosts_expected() const {
  return before_ && before_->hosts_expected != 0 ? before_->hosts_expected
                                                 : hosts_expected_in(work_.inventory());
}

// Hosts of one deploy have the same release, also those that came in later.
Status Deployment::check_same_release() const {
  if (before_ && before_->info_hash != outcome_.info_hash) {
    return fail(
        ErrorCode::conflict,
        fmt::format("{} is not what was deployed as {}: it has changed since (info hash {}, "
                    "was {}); give it a tag of its own",
                    options_.source, options_.tag, outcome_.info_hash, before_->info_hash));
  }
  return stopped_by_user();
}

Status Deployment::distribute_program(std::span<const HostIndex> hosts) {
  peers_.assign(hosts.begin(), hosts.end());
  if (options_.no_distribute) {
    work_.meet(peers_);
    outcome_.other_names = drop_other_names(work_, peers_);
    return stopped_by_user();
  }
  std::vector<HostIndex> all(hosts.begin(), hosts.end());
  add_missing(all, work_.inventory().trackers);
  if (!options_.local_seeder) {
    add_missing(all, work_.inventory().seeders);
  }
  const Result<Distribution> distribution = distribute(work_, all);
  if (!distribution) {
    return fail(distribution.error());
  }
  const std::vector<HostIndex> ready = distribution->all();
  std::erase_if(peers_, [&ready](HostIndex host) { return !contains(ready, host); });
  outcome_.other_names = drop_other_names(work_, peers_);
  if (peers_.empty()) {
    return fail(ErrorCode::io, "no host could be given the program");
  }
  return stopped_by_user();
}

Status Deployment::have_trackers() {
  const std::vector<HostIndex>& hosts = work_.inventory().trackers;
  const std::vector<std::string> urls = work_.inventory().tracker_urls();
  std::vector<HostIndex> silent;
  for (size_t index = 0; index < hosts.size(); ++index) {
    if (!tracker_answers(urls[index])) {
      silent.push_back(hosts[index]);
    }
  }
  if (silent.empty()) {
    return stopped_by_user();
  }
  TrackerStart start = start_trackers(work_, silent, abandoned_after);
  trackers_started_ = std::move(start.started);
  if (Status stopped = stopped_by_user(); !stopped) {
    return stopped;
  }
  const size_t usable =
      hosts.size() - silent.size() + trackers_started_.size() + start.ran_already.size();
  if (usable == 0) {
    return fail(ErrorCode::io, "no tracker answers, and none could be started");
  }
  if (!trackers_started_.empty()) {
    work_.context().note(
        fmt::format("started the tracker on {}", folded_names(work_, trackers_started_)));
  }
  return {};
}

Status Deployment::seed() {
  const std::vector<std::string> urls = work_.inventory().tracker_urls();
  const auto cannot_seed = [this] {
    const Status stopped = stopped_by_user();
    return stopped ? Status(fail(ErrorCode::io, "no seeder could be started")) : stopped;
  };
  if (options_.local_seeder) {
    Result<std::unique_ptr<Work>> here = work_on_this_machine(work_, directory_->path());
    if (!here) {
      return fail(here.error());
    }
    here_ = std::move(*here);
    const std::vector<HostIndex>& self = here_->inventory().seeders;
    const std::vector<HostIndex> idle = check_idle(*here_, self, options_.tag);
    const std::vector<HostIndex> serving = start_seeders(
        *here_, idle, *release_, options_.tag, directory_->path(), options_.limits, touched_here_);
    for (const HostFailure& failure : here_->failures()) {
      work_.context().warn(fmt::format("{}: {}", failure.name, failure.reason));
    }
    return serving.empty() ? cannot_seed() : stopped_by_user();
  }
  std::vector<HostIndex> ready = check_idle(work_, work_.inventory().seeders, options_.tag);
  if (ready.empty()) {
    return cannot_seed();
  }
  touched_ = ready;
  if (options_.on_seeder) {
    Result<PackedRelease> release =
        pack_on_seeders(work_, options_.source, options_.tag, options_.temp_path, ready, urls,
                        hosts_expected(), options_.packing);
    if (!release) {
      const Status stopped = stopped_by_user();
      return stopped ? Status(fail(release.error())) : stopped;
    }
    release_.emplace(std::move(*release));
    outcome_.info_hash = release_->torrent.info_hash.hex();
    if (Status same = check_same_release(); !same) {
      return same;
    }
  } else {
    ready = send_archive(work_, ready, *release_, options_.temp_path, options_.timeout);
  }
  const std::vector<HostIndex> serving = start_seeders(
      work_, ready, *release_, options_.tag, options_.temp_path, options_.limits, touched_);
  return serving.empty() ? cannot_seed() : stopped_by_user();
}

void Deployment::peer() {
  PeeringResult result = run_peering(work_, peers_,
                                     {.tag = options_.tag,
                                      .destination_path = options_.destination_path,
                                      .temp_path = options_.temp_path,
                                      .to_is_directory = is_file() && !options_.no_tag_directory,
                                      .no_tag_directory = options_.no_tag_directory,
                                      .unsafe_please_delete = options_.unsafe_please_delete,
                                      .record = options_.activate || options_.keep_releases,
                                      .take_over = true,
                                      .no_sync = options_.no_sync,
                                      .seed_for = peers_seed_for,
                                      .stall_timeout = options_.stall_timeout,
                                      .timeout = options_.timeout,
                                      .limits = options_.limits,
                                      .placing = options_.placing},
                                     release_->torrent);
  outcome_.done = std::move(result.done);
  outcome_.already = std::move(result.already);
  add_missing(touched_, result.touched);
}

std::vector<HostIndex> Deployment::hosts_that_have_it() const {
  std::vector<HostIndex> hosts = outcome_.done;
  if (before_ && !before_->is_activated) {
    for (const std::string& name : before_->done) {
      if (const std::optional<HostIndex> host = work_.inventory().find(name)) {
        add_missing(hosts, std::span(&*host, 1));
      }
    }
  }
  return hosts;
}

uint32_t Deployment::host_count() const {
  const size_t names =
      before_ ? before_->done.size() + before_->failed.size() : work_.inventory().peers.size();
  return static_cast<uint32_t>(names - std::min(names, outcome_.other_names.size()));
}

void Deployment::make_current() {
  if (work_.is_interrupted() || outcome_.done.empty()) {
    outcome_.not_activated = options_.activate ? "nothing was activated" : "";
    return;
  }
  const bool was_activated = before_ && before_->is_activated;
  if (options_.activate || was_activated) {
    const std::vector<HostIndex> hosts = hosts_that_have_it();
    const uint32_t all = host_count();
    const uint32_t needed = options_.quorum ? options_.quorum->hosts_needed(all) : all;
    const auto have =
        static_cast<uint32_t>(was_activated ? before_->done.size() + hosts.size() : hosts.size());
    if (have < needed && !was_activated) {
      outcome_.not_activated =
          fmt::format("not activated: {} of {} hosts have it, {} are needed", have, all, needed);
    } else {
      const std::vector<HostIndex> active = activate(work_, hosts,
                                                     {.tag = options_.tag,
                                                      .destination_path = options_.destination_path,
                                                      .no_sync = options_.no_sync});
      outcome_.is_activated = !active.empty();
      std::erase_if(outcome_.done, [&active](HostIndex host) { return !contains(active, host); });
    }
  }
  if (options_.keep_releases && outcome_.not_activated.empty() && !work_.is_interrupted()) {
    remove_old_releases(work_, outcome_.done, options_.destination_path, *options_.keep_releases);
  }
}

// --- end -----------------------------------------------------------------------------------------

void Deployment::clean_up() {
  work_.view().clear();
  if (work_.is_interrupted()) {
    work_.context().note("interrupted: ending what was started (^C again: leave it)");
  }
  if (here_ != nullptr && !touched_here_.empty()) {
    clean_hosts(*here_, touched_here_, directory_->path());
  }
  if (!touched_.empty()) {
    clean_hosts(work_, touched_, options_.temp_path);
  }
  if (!trackers_started_.empty()) {
    stop_own_trackers();
  }
}

void Deployment::clean_hosts(Work& work, std::span<const HostIndex> hosts,
                             const std::string& temp_path) {
  CommandLine line =
      CommandLine::murder(murder_path_of(work), options_.keep_temp_files ? "stop" : "clean");
  line.word(options_.tag);
  if (options_.keep_temp_files) {
    line.flag("--if-running");
  } else {
    line.path_option("--temp-path", temp_path).flag("--stop").flag("--path-is-file", is_file());
  }
  line.flag("--quiet").flag("--json");
  const Step step{.stage = "clean-up", .is_cleaning_up = true};
  std::vector<HostIndex> left;
  for (const HostResult& result : work.run(hosts, step, [&](const Host&) { return line.text(); })) {
    if (!result.is_ok()) {
      left.push_back(result.host);
      work.context().warn(
          fmt::format("clean-up on {}: {}", work.inventory().at(result.host).name, result.reason));
    }
  }
  if (!left.empty()) {
    work.context().warn(
        fmt::format("something of {0} may be left on {1}: `murder fleet stop-all-peering`, "
                    "`stop-seeding tag={0}` and `clean-temp-files tag={0}` remove it",
                    options_.tag, folded_names(work, left)));
  }
}

void Deployment::stop_own_trackers() {
  const Step step{.stage = "stop-tracker", .is_cleaning_up = true};
  const std::string status =
      CommandLine::murder(murder_path_of(work_), "status").flag("--json").text();
  std::vector<HostIndex> idle;
  for (const HostResult& result :
       work_.run(trackers_started_, step, [&](const Host&) { return status; })) {
    const cli::Json told = json_output(result);
    const cli::Json* tracker = tracker_on(told, work_.variables().tracker_port);
    std::string reason =
        tracker == nullptr ? "" : reason_to_keep_after(*tracker, outcome_.info_hash);
    if (result.is_ok() && !told.contains("processes")) {
      reason = "it does not tell what is distributed through it";
    }
    if (reason.empty()) {
      idle.push_back(result.host);
    } else {
      work_.context().warn(fmt::format("the tracker on {} is left running: {}",
                                       work_.inventory().at(result.host).name, reason));
    }
  }
  const std::string stop = stop_tracker_command(work_).flag("--if-running").flag("--quiet").text();
  for (const HostResult& result : work_.run(idle, step, [&](const Host&) { return stop; })) {
    if (!result.is_ok()) {
      work_.context().warn(fmt::format("the tracker on {} may still run: {}",
                                       work_.inventory().at(result.host).name, result.reason));
    }
  }
}

}  // namespace murder::fleet
