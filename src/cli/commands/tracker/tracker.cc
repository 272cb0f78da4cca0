// murder tracker: tells the peers of a swarm about each other.
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <optional>
#include <string>

#include "cli/commands/command_list.h"
#include "cli/commands/swarm_options.h"
#include "cli/commands/tracker/coordinator_process.h"
#include "cli/commands/tracker/tracker_config.h"
#include "cli/commands/tracker/tracker_control.h"
#include "cli/commands/tracker/tracker_service.h"
#include "cli/commands/tracker/tracker_settings.h"
#include "cli/ui/background.h"
#include "cli/ui/command.h"
#include "cli/ui/metrics_option.h"
#include "engine/base/host_name.h"
#include "engine/host/control.h"
#include "engine/host/control_keeper.h"
#include "engine/host/metrics_file.h"
#include "engine/host/peer_outcome.h"
#include "engine/host/processes.h"
#include "engine/host/run_directory.h"
#include "tracker/tracker_server.h"

namespace murder::cli {
namespace {

struct TrackerCommandOptions {
  TrackerWords words;
  std::string metrics_path;
  bool background = false;
  bool takes_deploys_only = false;
};

class TrackerStatus final : public host::StatusSource {
 public:
  explicit TrackerStatus(tracker::TrackerServer& server) : server_(server) {}

  host::ProcessStatus status() override {
    host::ProcessStatus status{.kind = std::string(host::kind_tracker), .phase = "serving"};
    for (const Endpoint& endpoint : server_.endpoints()) {
      status.address += (status.address.empty() ? "" : ", ") + endpoint.text();
    }
    if (Result<Json> details = parse_json(server_.status_json())) {
      status.details = std::move(*details);
      status.peers = static_cast<uint32_t>(count_member(status.details, "peers"));
    }
    return status;
  }
  void request_stop() override { server_.stop(); }

 private:
  tracker::TrackerServer& server_;
};

// A tracker of this host at one of the ports that were asked for, as a sentence; else empty.
std::string tracker_there(const tracker::TrackerOptions& options, const CommandContext& context) {
  const Result<host::RunDirectory> directory =
      host::RunDirectory::open_existing(context.run_directory);
  if (!directory) {
    return {};
  }
  for (const host::RunningProcess& process : host::list_processes(*directory)) {
    const std::string places = text_member(process.status, "address") + ",";
    for (const Endpoint& endpoint : options.listen) {
      if (process.kind() == host::kind_tracker &&
          places.find(fmt::format(":{},", endpoint.port)) != std::string::npos) {
        return fmt::format(
            "; a tracker listens on {} already (process {}, `murder stop --tracker` "
            "ends it)",
            text_member(process.status, "address"), process.pid);
      }
    }
  }
  return {};
}

host::FinalReport report_of(const tracker::TrackerServer& server,
                            const std::optional<tls::KeyPin>& pin) {
  host::FinalReport report;
  Json listen = Json::array();
  for (const Endpoint& endpoint : server.endpoints()) {
    listen.push_back(endpoint.text());
    report.text += fmt::format("{}tracker listens on {} (peers announce to {}://{}/announce)",
                               report.text.empty() ? "" : "\n", endpoint.text(),
                               server.is_https() ? "https" : "http", place_for_others(endpoint));
  }
  report.json = {{"kind", host::kind_tracker}, {"pid", getpid()}, {"listen", listen}};
  if (pin) {
    report.text += fmt::format("\nclients may pin its key: #pin={}", tls::pin_text(*pin));
    report.json["pin"] = tls::pin_text(*pin);
  }
  return report;
}

// Whoever has a deploy's key makes releases known to its tracker: its peers may come before its
// seeder does. The operator's key is for orders to its coordinator.
tracker::TrackerOptions server_options_of(const TrackerSettings& settings) {
  tracker::TrackerOptions options = settings.tracker;
  if (options.tunables.fleet_keys && settings.deploy_lease > Duration::zero()) {
    options.tunables.fleet_keys->opener = {};
  }
  return options;
}

Result<int> serve(const TrackerWords& words, const TrackerSettings& settings,
                  const std::string& metrics_path, const CommandContext& context,
                  host::Parent& parent) {
  Result<std::unique_ptr<tracker::TrackerServer>> server =
      tracker::TrackerServer::create(server_options_of(settings));
  if (!server) {
    const bool is_taken = server.error().code == ErrorCode::conflict;
    return fail(server.error().code,
                server.error().text + (is_taken ? tracker_there(settings.tracker, context) : ""));
  }
  tracker::TrackerServer& tracker = **server;
  auto control = host::ControlKeeper::create(
      tracker.reactor(), context.run_directory,
      callback<&tracker::TrackerServer::serve_control_instead>(&tracker));
  if (!control) {
    return fail(control.error());
  }
  TrackerStatus source(**server);
  TrackerControl handler(source, **server);
  if (Status status = (*server)->serve_control((*control)->release_fd(), handler); !status) {
    return fail(status.error());
  }
  // Their timers are of the server's reactor as well.
  Result<std::unique_ptr<CoordinatorProcess>> coordinator =
      CoordinatorProcess::create(tracker, settings, parent);
  if (!coordinator) {
    return fail(coordinator.error());
  }
  std::optional<TrackerService> service;
  service.emplace(tracker, words, settings, (*coordinator)->plane(), parent);
  (*coordinator)->set_service(&*service);
  const std::optional<tls::ServerContext>& certificate = settings.tracker.tunables.certificate;
  host::FinalReport report =
      report_of(**server, certificate ? std::optional(certificate->pin()) : std::nullopt);
  report.is_in_journal = service->has_journal();
  parent.finish(report);
  service->started();
  std::unique_ptr<host::MetricsKeeper> metrics;
  if (!metrics_path.empty()) {
    metrics = std::make_unique<host::MetricsKeeper>(
        tracker.reactor(), metrics_path, callback<&tracker::TrackerServer::metrics>(&tracker),
        parent);
  }
  (*server)->run();
  service->stopping();
  if (metrics != nullptr) {
    metrics->finish(tracker.metrics());
    metrics.reset();
  }
  coordinator->reset();
  service.reset();
  control->reset();
  server->reset();  // before the handler it refers to
  return exit_done;
}

Result<int> run_tracker(const TrackerCommandOptions& options, CommandContext& context) {
  for (const std::string& text : options.words.listen) {
    if (const Result<Endpoint> endpoint = parse_listen(text, tracker::port_default); !endpoint) {
      return context.wrong_usage(fmt::format("--listen {}", endpoint.error().text));
    }
  }
  if (!options.words.enrol.empty()) {
    if (const auto enrolment = trust::parse_enrolment(options.words.enrol); !enrolment) {
      return context.wrong_usage(fmt::format("--enrol {}", enrolment.error().text));
    }
  }
  if (options.words.deploy_lease > Duration::zero() && options.words.state.empty()) {
    return context.wrong_usage("--once-for is of a coordinator: give it a state (--state memory:)");
  }
  if (options.words.is_open && !options.words.fleet_key_path.empty()) {
    return context.wrong_usage("--open and --fleet-key do not go together");
  }
  Result<TrackerSettings> settings = tracker_settings(options.words);
  if (!settings) {
    return fail(settings.error());
  }
  settings->tracker.takes_deploys_only = options.takes_deploys_only;
  if (const std::string warning = settings_warning(*settings, std::time(nullptr));
      !warning.empty()) {
    context.warn(warning);
  }
  const WorkOptions work = {
      .mode = options.background ? RunMode::worker : RunMode::foreground,
      .log_name = host::tracker_log_name(std::to_string(settings->tracker.listen.front().port))};
  const std::string metrics_path = metrics_path_of(options.metrics_path);
  return run_work(context, work, [&](host::Parent& parent) {
    return serve(options.words, *settings, metrics_path, context, parent);
  });
}

constexpr const char* tracker_details =
    "Seeders and peers announce themselves to the tracker by the info hash of "
    "their torrent, and it answers with the neighbours that each should connect "
    "to. The release itself never passes through it. One tracker serves any "
    "number of releases at the same time, and needs no configuration for a new "
    "one.\n\n"
    "It keeps everything in memory. After a restart the hosts announce "
    "themselves again, and what was fetched meanwhile is not lost: hosts keep "
    "the neighbours they have.\n\n"
    "`http://HOST:8998/` shows in a browser how far the hosts of each release "
    "are, `/status.json` the same for programs, and `/metrics` for Prometheus. "
    "With a fleet key only hosts that have the same key announce and read, and "
    "holders of the viewer's key (`murder key viewer`) read; others get status 403. "
    "Without one whoever reaches the port can read these pages and announce a host: "
    "let only the fleet reach it.\n\n"
    "With --state it is a coordinator as well: agents (`murder-agent`(8)) connect to "
    "the same port, and operators publish releases and roll them out with "
    "`murder release` and `murder rollout`. Without a fleet key it takes their orders from "
    "this machine alone, with --open from anywhere; with one from whoever has it or, once there is "
    "one, the operator key (`murder key new-operator`).\n\n"
    "With --tls-cert and --tls-key it speaks https, and nothing else, at its port: trackers are "
    "`https://HOST:8998/announce` in torrents then, and coordinators `https://HOST:8998`. Who does "
    "not have the authority of the certificate pins its key: `#pin=SHA256:...` behind the URL, "
    "as it is shown when the tracker starts. SIGHUP reads both files again.\n\n"
    "As a service of the packages it is `murder-tracker.service`, which reads "
    "`/etc/murder/tracker.toml`.";

}  // namespace

void add_tracker_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<TrackerCommandOptions>(
      app, context,
      {.name = "tracker",
       .description = "Tell the hosts of a release about each other",
       .details = tracker_details,
       .example = "murder tracker --listen '[::]:8998' --background",
       .environment = {fleet_key_item},
       .files = {{"/etc/murder/tracker.toml",
                  "What `murder-tracker.service` is configured by, see `tracker.toml`(5)."}},
       .see_also = {"murder-seed(1)", "murder-status(1)", "murder-stop(1)", "murder-release(1)",
                    "murder-rollout(1)", "murder-agents(1)", "murder-state(1)", "tracker.toml(5)",
                    "murder-agent(8)"},
       .has_telling_exit_code = true},
      run_tracker);
  command
      .add_option("--listen", options.words.listen,
                  "Address and port to listen on; may be repeated. Default: [::]:8998, all "
                  "addresses, IPv6 and IPv4")
      .type_name("HOST:PORT");
  command
      .add_option("--config", options.words.config_path,
                  "Read tracker.toml; the options here come before what it says. SIGHUP reads it "
                  "again")
      .type_name("FILE");
  command
      .add_option("--racks", options.words.racks_path,
                  "Lines of a network and its rack, \"10.1.0.0/16 r7\", for hosts that do not say "
                  "--rack themselves")
      .type_name("FILE");
  add_fleet_key_options(command, options.words.fleet_key_path, options.words.is_open);
  command
      .add_option("--tls-cert", options.words.tls_cert_path,
                  "Speak https in place of http: the certificate, in PEM format, and behind it "
                  "those between it and its authority; SIGHUP reads it again")
      .type_name("FILE");
  command
      .add_option("--tls-key", options.words.tls_key_path,
                  "The key of that certificate, in PEM format, which others cannot read")
      .type_name("FILE");
  add_metrics_option(command, options.metrics_path);
  command.add_duration("--end-when-idle", options.words.idle_max,
                       "End when it knew no host and nobody asked for this long; default: never");
  command
      .add_option("--state", options.words.state,
                  "Be a coordinator of rollouts as well, and keep what it knows in this directory "
                  "(or at sqlite:FILE, or etcd:URL,URL,... which several coordinators share)")
      .type_name("DIR");
  command
      .add_option("--data", options.words.data,
                  "Where the coordinator keeps its own copies of releases; default: beside its "
                  "state, if that is on this machine")
      .type_name("DIR");
  command
      .add_option("--enrol", options.words.enrol,
                  "How the coordinator learns which key is whose agent's: tofu, the first key that "
                  "comes with a name has it (default), approve, an operator approves each, or "
                  "known_hosts:FILE, the host's ssh key signs for it")
      .type_name("HOW");
  command.add_duration("--once-for", options.words.deploy_lease,
                       "Used by murder deploy: be the coordinator of one deploy, and end when "
                       "nobody on this host asked it for something for this long");
  command.add_flag("--background", options.background,
                   "Return when it listens; it continues in the background");
  command.add_flag("--deploys-only", options.takes_deploys_only,
                   "Used by murder deploy: refuse who has no key, of the fleet or of a deploy");
}

}  // namespace murder::cli
