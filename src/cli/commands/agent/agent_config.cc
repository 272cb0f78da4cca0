#include "cli/commands/agent/agent_config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "agent/bounds.h"
#include "cli/commands/agent/agent_config_keys.h"
#include "cli/ui/parse_toml.h"
#include "cli/ui/toml_reader.h"
#include "engine/archive/file.h"
#include "engine/base/fd.h"
#include "engine/base/host_name.h"
#include "engine/base/own_file.h"
#include "engine/base/port_range.h"
#include "engine/base/printable.h"
#include "engine/base/rack.h"
#include "engine/base/units.h"
#include "engine/codec/url.h"
#include "engine/control/bounds.h"
#include "engine/control/names.h"
#include "engine/host/owner.h"
#include "engine/host/run_as.h"
#include "engine/tls/server_trust.h"
#include "engine/trust/statement.h"
#include "tracker/tracker_server.h"

namespace murder::cli {
namespace {

constexpr uint64_t agent_config_bytes_max = 1024 * 1024;
constexpr int64_t keep_releases_max = 1000;

// "~" and what is below it, as a shell has it: whoever deploys names places of another host.
std::string with_home(const std::string& path) {
  if (path != "~" && !path.starts_with("~/")) {
    return path;
  }
  const char* home = std::getenv("HOME");
  const passwd* user = home == nullptr ? getpwuid(geteuid()) : nullptr;
  const std::string directory = home != nullptr ? home : user != nullptr ? user->pw_dir : "";
  return directory.empty() ? path : directory + path.substr(1);
}

// Reads one agent.toml. Every method that can fail returns a Status that names the line.
class AgentReader : private TomlReader {
 public:
  AgentReader(std::string path, AgentKind kind)
      : TomlReader(std::move(path)),
        kind_(kind),
        keep_releases_min_(kind == AgentKind::of_a_deploy ? 0 : 1) {}

  Result<agent::AgentOptions> read(const toml::table& root) {
    options_.is_of_a_deploy = kind_ == AgentKind::of_a_deploy;
    for (const Status& status :
         {check_keys(root, keys_of(agent_config_keys, agent_table)), take_coordinators(root),
          take_names(root), take_paths(root), take_swarm(root), take_apps(root)}) {
      if (!status) {
        return fail(status.error());
      }
    }
    return std::move(options_);
  }

 private:
  // Text in quotes, not empty.
  Status take_text(const toml::table& table, const char* key, std::string& target) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
      return {};
    }
    const std::string* text = text_in(*node);
    if (text == nullptr) {
      return wrong(*node, fmt::format("{} must be a text in quotes", key));
    }
    target = *text;
    return {};
  }

  // One text, or a list of them.
  Status take_list(const toml::table& table, const char* key, size_t most,
                   std::vector<std::string>& target) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
      return {};
    }
    const toml::array* list = node->as_array();
    if (list == nullptr) {
      target.emplace_back();
      return take_text(table, key, target.back());
    }
    for (const toml::node& each : *list) {
      const std::string* text = text_in(each);
      if (text == nullptr) {
        return wrong(each, fmt::format("{} must be a list of texts in quotes", key));
      }
      if (std::find(target.begin(), target.end(), *text) != target.end()) {
        return wrong(each, fmt::format("{} names {} twice", key, *text));
      }
      target.push_back(*text);
    }
    return target.size() > most
               ? Status(wrong(*node, fmt::format("{} has more than {} entries", key, most)))
               : Status();
  }

  Status take_time(const toml::table& table, const char* key, Duration& target) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
      return {};
    }
    const Result<Duration> duration = duration_in(*node);
    if (!duration || *duration > limits::control_duration_max) {
      return wrong(*node, fmt::format("{} must be a time like \"30s\" or \"5m\"", key));
    }
    target = *duration;
    return {};
  }

  Status take_coordinators(const toml::table& root) {
    std::vector<std::string> names;
    if (Status taken = take_list(root, "coordinators", limits::agent_coordinators_max, names);
        !taken) {
      return taken;
    }
    if (names.empty()) {
      return missing("coordinators is missing: name one, as in coordinators = [\"t1:8998\"]");
    }
    for (const std::string& name : names) {
      const Result<codec::ServerPlace> place =
          codec::ServerPlace::parse(name, tracker::port_default);
      if (!place) {
        return wrong(*root.get("coordinators"),
                     fmt::format("coordinators: \"{}\": {}", name, place.error().text));
      }
      if (const auto pins = tls::parse_pins(place->pins); !pins) {
        return wrong(*root.get("coordinators"), "coordinators: " + pins.error().text);
      }
      options_.coordinators.push_back(*place);
    }
    return {};
  }

  Status take_names(const toml::table& root) {
    for (const Status& status :
         {take_text(root, "host", options_.host), take_text(root, "rack", options_.rack),
          take_list(root, "groups", limits::control_list_max, options_.groups)}) {
      if (!status) {
        return status;
      }
    }
    if (!options_.rack.empty()) {
      if (Status named = validate_rack_name(options_.rack); !named) {
        return wrong(*root.get("rack"), "rack " + named.error().text);
      }
    }
    for (const std::string& group : options_.groups) {
      if (Status named = control::validate_name(group, "group"); !named) {
        return wrong(*root.get("groups"), named.error().text);
      }
    }
    if (options_.host.empty()) {
      options_.host = own_host_name();
    }
    if (Status named = control::validate_host(options_.host); !named) {
      return root.contains("host") ? Status(wrong(*root.get("host"), named.error().text))
                                   : Status(missing(named.error().text + ": set host"));
    }
    return {};
  }

  Status take_swarm(const toml::table& root) {
    for (const Status& status :
         {take_text(root, "ip", options_.ip), take_text(root, "peer_port", options_.peer_port),
          take_time(root, "seed_for", options_.seed_for)}) {
      if (!status) {
        return status;
      }
    }
    if (Status taken = take_transport(root); !taken) {
      return taken;
    }
    const std::optional<IpAddress> address = IpAddress::parse(options_.ip);
    if (!options_.ip.empty() && (!address || address->is_unspecified())) {
      return wrong(*root.get("ip"), "ip must be a numeric address, such as \"10.0.0.7\"");
    }
    if (!options_.peer_port.empty()) {
      if (const Result<PortRange> ports = PortRange::parse(options_.peer_port); !ports) {
        return wrong(*root.get("peer_port"), "peer_port " + ports.error().text);
      }
    }
    return {};
  }

  // With TLS nothing is fetched without a key: said here, not with the first release.
  Status take_transport(const toml::table& root) {
    if (Status taken = take_text(root, "transport", options_.transport);
        !taken || options_.transport.empty()) {
      return taken;
    }
    if (options_.transport != "plain" && options_.transport != "tls") {
      return wrong(*root.get("transport"),
                   fmt::format("transport is \"plain\" or \"tls\", not \"{}\"",
                               printable_value(options_.transport)));
    }
    const auto open = root["open"].value<bool>();
    return options_.transport == "tls" && open.value_or(false)
               ? Status(wrong(*root.get("transport"),
                              "transport = \"tls\" encrypts with the fleet key: it does not go "
                              "together with open = true"))
               : Status();
  }

  Status take_path(const toml::table& table, const char* key, std::string& target) const {
    if (Status taken = take_text(table, key, target); !taken || target.empty()) {
      return taken;
    }
    if (kind_ == AgentKind::of_a_deploy) {
      target = with_home(target);
    }
    if (target.front() != '/') {
      return wrong(*table.get(key), fmt::format("{} must be an absolute path", key));
    }
    while (target.size() > 1 && target.back() == '/') {
      target.pop_back();
    }
    return {};
  }

  Status take_paths(const toml::table& root) {
    for (const Status& status : {take_path(root, "state", options_.state_directory),
                                 take_path(root, "fleet_key", options_.fleet_key),
                                 take_path(root, "host_key", options_.host_key),
                                 take_path(root, "allowed_signers", options_.allowed_signers),
                                 take_path(root, "temp_path", options_.temp_path),
                                 take_path(root, "metrics_file", options_.metrics_file)}) {
      if (!status) {
        return status;
      }
    }
    for (const Status& status :
         {take_flag(root, "open", options_.is_open),
          take_flag_of_a_deploy(root, "keep_archives", options_.keep_archives)}) {
      if (!status) {
        return status;
      }
    }
    return options_.is_open && root.contains("fleet_key")
               ? Status(wrong(*root.get("open"), "open = true and fleet_key do not go together"))
               : Status();
  }

  Status take_apps(const toml::table& root) {
    const toml::node* node = root.get("app");
    const toml::table* table = node == nullptr ? nullptr : node->as_table();
    if (node != nullptr && table == nullptr) {
      return wrong(*node, "app must be a table: [app.NAME]");
    }
    if (table == nullptr || table->empty()) {
      return missing("no app: this host takes none; add a table [app.NAME] with to = \"DIR\"");
    }
    if (table->size() > limits::control_list_max) {
      return wrong(*node, fmt::format("more than {} apps", limits::control_list_max));
    }
    for (const auto& [key, value] : *table) {
      if (Status taken = take_app(key, value); !taken) {
        return taken;
      }
    }
    return {};
  }

  Status take_app(const toml::key& key, const toml::node& value) {
    agent::AppOptions app{.name = std::string(key.str())};
    Status named = control::validate_name(app.name, "app");
    named = named ? trust::validate_application(app.name) : named;
    if (!named) {
      return wrong(key.source(), named.error().text);
    }
    const toml::table* table = value.as_table();
    if (table == nullptr) {
      return wrong(key.source(), fmt::format("{} must be a table: [app.{}]", app.name, app.name));
    }
    for (const Status& status :
         {check_keys(*table, keys_of(agent_config_keys, agent_app_table)),
          take_path(*table, "to", app.to), take_keep(*table, app), take_owner(*table, app),
          take_placing(*table, app), take_flag_of_a_deploy(*table, "record", app.is_recorded),
          take_text(*table, "before_activate", app.before_activate),
          take_text(*table, "after_activate", app.after_activate), take_application(*table, app),
          take_flag(*table, "no_sync", app.no_sync),
          take_flag(*table, "unsafe_please_delete", app.unsafe_please_delete),
          take_time(*table, "after_activate_timeout", app.hook_time_max), take_health(*table, app),
          take_limit(*table, "download_limit", app.download_limit),
          take_limit(*table, "upload_limit", app.upload_limit)}) {
      if (!status) {
        return status;
      }
    }
    if (app.to.empty()) {
      return wrong(key.source(),
                   fmt::format("app {}: to is missing: where its releases go", app.name));
    }
    for (const agent::AppOptions& other : options_.apps) {
      if (other.to == app.to) {
        return wrong(key.source(), fmt::format("apps {} and {} have the same directory {}",
                                               other.name, app.name, app.to));
      }
    }
    options_.apps.push_back(std::move(app));
    return {};
  }

  Status take_keep(const toml::table& table, agent::AppOptions& app) const {
    const toml::node* node = table.get("keep_releases");
    if (node == nullptr) {
      return {};
    }
    const auto* number = node->as_integer();
    if (number == nullptr || number->get() < keep_releases_min_ ||
        number->get() > keep_releases_max) {
      return wrong(*node, fmt::format("keep_releases must be a number from {} to {}",
                                      keep_releases_min_, keep_releases_max));
    }
    app.keep_releases = static_cast<uint32_t>(number->get());
    return {};
  }

  Status take_owner(const toml::table& table, agent::AppOptions& app) const {
    if (Status taken = take_text(table, "owner", app.owner); !taken || app.owner.empty()) {
      return taken;
    }
    const Result<archive::Owner> owner = host::parse_owner(app.owner);
    if (!owner) {
      return wrong(*table.get("owner"), "owner: " + owner.error().text);
    }
    return geteuid() != 0 && owner->user != static_cast<uid_t>(-1) && owner->user != geteuid()
               ? Status(
                     wrong(*table.get("owner"),
                           fmt::format("owner: {}: only root can give files to others", app.owner)))
               : Status();
  }

  Status take_placing(const toml::table& table, agent::AppOptions& app) const {
    for (const Status& status :
         {take_text(table, "user", app.user), take_text(table, "max_unpacked", app.max_unpacked),
          take_path(table, "metrics_file", app.metrics_file),
          take_flag(table, "xattrs", app.xattrs), take_flag(table, "keep_setid", app.keep_setid)}) {
      if (!status) {
        return status;
      }
    }
    if (!app.max_unpacked.empty() && !parse_size(app.max_unpacked)) {
      return wrong(*table.get("max_unpacked"), "max_unpacked must be a size like \"10GB\"");
    }
    const Result<host::RunAs> user =
        app.user.empty() ? Result<host::RunAs>() : host::parse_run_as(app.user);
    return user ? Status() : wrong(*table.get("user"), "user: " + user.error().text);
  }

  Status take_health(const toml::table& table, agent::AppOptions& app) const {
    for (const Status& status :
         {take_text(table, "health", app.health), take_text(table, "health_url", app.health_url),
          take_time(table, "health_timeout", app.health_time_max)}) {
      if (!status) {
        return status;
      }
    }
    if (!app.health.empty() && !app.health_url.empty()) {
      return wrong(*table.get("health_url"), "health and health_url do not go together");
    }
    if (!app.health_url.empty()) {
      if (const Result<codec::Url> url = codec::Url::parse(app.health_url); !url) {
        return wrong(*table.get("health_url"), "health_url: " + url.error().text);
      }
    }
    return app.health_time_max > Duration::zero() && app.hook_time_max > Duration::zero()
               ? Status()
               : Status(missing(fmt::format("app {}: a time limit of zero", app.name)));
  }

  Status take_limit(const toml::table& table, const char* key, std::string& limit) const {
    if (Status taken = take_text(table, key, limit); !taken) {
      return taken;
    }
    if (!limit.empty() && !parse_rate(limit)) {
      return wrong(*table.get(key),
                   fmt::format("{} must be a rate like \"400MB\" or \"2gbit\"", key));
    }
    return {};
  }

  Status take_flag(const toml::table& table, const char* key, bool& target) const {
    if (const toml::node* node = table.get(key)) {
      if (!node->is_boolean()) {
        return wrong(*node, fmt::format("{} must be true or false", key));
      }
      target = node->as_boolean()->get();
    }
    return {};
  }

  Status take_flag_of_a_deploy(const toml::table& table, const char* key, bool& target) const {
    return table.contains(key) && kind_ != AgentKind::of_a_deploy
               ? Status(wrong(*table.get(key),
                              fmt::format("{} is for an agent of a deploy (--once)", key)))
               : take_flag(table, key, target);
  }

  // "" is anything: no signature names it.
  Status take_application(const toml::table& table, agent::AppOptions& app) const {
    const toml::node* node = table.get("application");
    if (node == nullptr) {
      return {};
    }
    const auto* text = node->as_string();
    app.application = text == nullptr ? std::string("-") : text->get();
    const Status valid =
        app.application->empty() ? Status() : trust::validate_application(*app.application);
    return valid ? Status() : wrong(*node, "application: " + valid.error().text);
  }

  const AgentKind kind_;
  const int64_t keep_releases_min_;
  agent::AgentOptions options_;
};

// Of several directories that systemd made (StateDirectory=) the first.
std::string state_directory_by_default() {
  const char* named = std::getenv("STATE_DIRECTORY");
  const std::string first =
      named == nullptr ? std::string() : std::string(named).substr(0, std::string(named).find(':'));
  return first.empty() ? agent_state_default : first;
}

}  // namespace

Result<agent::AgentOptions> parse_agent_config(std::string_view text, const std::string& path,
                                               AgentKind kind) {
  const Result<toml::table> table = parse_toml(text, path);
  if (!table) {
    return fail(table.error());
  }
  Result<agent::AgentOptions> options = AgentReader(path, kind).read(*table);
  if (options && options->state_directory.empty()) {
    options->state_directory = state_directory_by_default();
  }
  return options;
}

Result<agent::AgentOptions> load_agent_config(const std::string& path) {
  const Result<Fd> file = archive::open_file(path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
  if (!file) {
    return fail(file.error());
  }
  struct stat status {};
  if (fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return fail(ErrorCode::invalid_input, path + " is not a regular file");
  }
  if (Status own = check_own(status, path); !own) {
    return fail(own.error());
  }
  // The file that was looked at, whatever has its name by now.
  const Result<std::string> text = archive::read_whole_file(
      fmt::format("/proc/self/fd/{}", file->get()), agent_config_bytes_max);
  if (!text) {
    return fail(text.error());
  }
  return parse_agent_config(*text, path);
}

}  // namespace murder::cli
