#include "cli/fleet/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "cli/fleet/config_keys.h"
#include "cli/fleet/own_file.h"
#include "cli/fleet/plan/fleet_bounds.h"
#include "cli/ui/parse_toml.h"
#include "cli/ui/suggestion.h"
#include "cli/ui/toml_library.h"
#include "engine/archive/file.h"
#include "engine/base/port_range.h"
#include "engine/base/units.h"
#include "engine/trust/statement.h"

namespace murder::fleet {
namespace {

constexpr const char* default_path = "murder.toml";

// Reads one murder.toml. Every method that can fail returns a Status that names the line.
class Reader {
 public:
  explicit Reader(std::string path) { config_.path = std::move(path); }

  Result<Config> read(const toml::table& root) {
    if (Status known = check_keys(root, {"murder", "roles", "fleet"}); !known) {
      return fail(known.error());
    }
    for (const auto& [name, read_table] :
         {std::pair("murder", &Reader::read_murder), std::pair("roles", &Reader::read_roles),
          std::pair("fleet", &Reader::read_fleet)}) {
      const toml::node* node = root.get(name);
      if (node == nullptr) {
        continue;
      }
      if (!node->is_table()) {
        return wrong(*node, fmt::format("'{}' must be a table: [{}]", name, name));
      }
      if (Status read = (this->*read_table)(*node->as_table()); !read) {
        return fail(read.error());
      }
    }
    return std::move(config_);
  }

 private:
  std::string where(const toml::node& node) const {
    return fmt::format("{}:{}", config_.path, static_cast<uint64_t>(node.source().begin.line));
  }

  tl::unexpected<Error> wrong(const toml::node& node, std::string_view why) const {
    return fail(ErrorCode::invalid_input, fmt::format("{}: {}", where(node), why));
  }

  Status check_keys(const toml::table& table, const std::vector<std::string>& known) const {
    for (const auto& [key, value] : table) {
      const std::string name(key.str());
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        const std::string near = cli::nearest_word(name, known);
        return fail(ErrorCode::invalid_input,
                    fmt::format("{}:{}: there is no '{}' here{}", config_.path,
                                static_cast<uint64_t>(key.source().begin.line), name,
                                near.empty() ? "" : fmt::format(": did you mean '{}'?", near)));
      }
    }
    return {};
  }

  // Leaves the target alone when the key is not there.
  template <typename Target>
  Status take_text(const toml::table& table, const char* key, Target& target) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
      return {};
    }
    const auto* text = node->as_string();
    if (text == nullptr || text->get().find('\0') != std::string::npos) {
      return wrong(*node, fmt::format("{} must be a text in quotes", key));
    }
    target = text->get();
    return {};
  }

  // A text, or a list of them.
  Status take_texts(const toml::table& table, const char* key,
                    std::vector<std::string>& target) const {
    const toml::node* node = table.get(key);
    const toml::array* list = node != nullptr ? node->as_array() : nullptr;
    if (list == nullptr) {
      std::string text;
      const Status taken = take_text(table, key, text);
      if (taken && !text.empty()) {
        target.push_back(std::move(text));
      }
      return taken;
    }
    for (const toml::node& each : *list) {
      const auto* text = each.as_string();
      if (text == nullptr || text->get().find('\0') != std::string::npos) {
        return wrong(each, fmt::format("{} must be a list of texts in quotes", key));
      }
      target.push_back(text->get());
    }
    return {};
  }

  // node-exporter's collector reads nothing else.
  Status take_metrics_file(const toml::table& table, std::string& target) const {
    if (Status taken = take_text(table, "metrics_file", target); !taken || target.empty()) {
      return taken;
    }
    const bool is_whole = target.starts_with('/') || target.starts_with("~/");
    if (!is_whole || !target.ends_with(".prom")) {
      return wrong(*table.get("metrics_file"),
                   fmt::format("metrics_file is a path on the hosts that begins with / or ~/ and "
                               "ends with .prom, not {}",
                               target));
    }
    return {};
  }

  Status take_application(const toml::table& table) {
    std::string& application = config_.variables.application;
    if (Status taken = take_text(table, "application", application);
        !taken || application.empty()) {
      return taken;
    }
    const Status valid = trust::validate_application(application);
    return valid ? Status() : wrong(*table.get("application"), valid.error().text);
  }

  Status take_transport(const toml::table& table) {
    std::string& transport = config_.variables.transport;
    if (Status taken = take_text(table, "transport", transport); !taken || transport.empty()) {
      return taken;
    }
    return transport == "plain" || transport == "tls"
               ? Status()
               : wrong(*table.get("transport"),
                       fmt::format("transport is plain or tls, not {}", transport));
  }

  template <typename Number, typename Target>
  Status take_number(const toml::table& table, const char* key, Number least, Number most,
                     Target& target) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
      return {};
    }
    const auto* number = node->as_integer();
    if (number == nullptr || number->get() < int64_t{least} || number->get() > int64_t{most}) {
      return wrong(*node, fmt::format("{} must be a number from {} to {}", key, least, most));
    }
    target = static_cast<Number>(number->get());
    return {};
  }

  Status take_yes_or_no(const toml::table& table, const char* key,
                        std::optional<bool>& target) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
      return {};
    }
    if (!node->is_boolean()) {
      return wrong(*node, fmt::format("{} must be true or false", key));
    }
    target = node->as_boolean()->get();
    return {};
  }

  // "51000-51099", or a number.
  Status take_ports(const toml::table& table, const char* key, std::string& target) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
      return {};
    }
    const auto* number = node->as_integer();
    const auto* text = node->as_string();
    const Result<PortRange> ports =
        PortRange::parse(number != nullptr ? fmt::format("{}", number->get())
                         : text != nullptr ? text->get()
                                           : std::string());
    if (!ports) {
      return wrong(*node, fmt::format("{}: {}", key, ports.error().text));
    }
    target = ports->text();
    return {};
  }

  // "10s", or a number of seconds.
  Status take_duration(const toml::table& table, const char* key,
                       std::optional<Duration>& target) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
      return {};
    }
    const auto* number = node->as_integer();
    const auto* text = node->as_string();
    const Result<Duration> duration =
        parse_duration(number != nullptr ? fmt::format("{}", number->get())
                       : text != nullptr ? text->get()
                                         : std::string());
    if (!duration) {
      return wrong(*node, fmt::format("{} must be a time like \"10s\" or \"5m\"", key));
    }
    target = *duration;
    return {};
  }

  static Status first_error(std::initializer_list<Status> all) {
    for (const Status& status : all) {
      if (!status) {
        return status;
      }
    }
    return {};
  }

  Status read_murder(const toml::table& table) {
    Variables& variables = config_.variables;
    return first_error(
        {check_keys(table, keys_of("murder")), take_ports(table, "peer_port", variables.peer_port),
         take_text(table, "default_tag", variables.default_tag),
         take_text(table, "default_seeder_files_path", variables.default_seeder_files_path),
         take_text(table, "default_destination_path", variables.default_destination_path),
         take_text(table, "remote_murder_path", variables.remote_murder_path),
         take_text(table, "default_temp_path", variables.default_temp_path),
         take_metrics_file(table, variables.metrics_file),
         take_text(table, "sign_key", variables.sign_key), take_application(table),
         take_transport(table), take_texts(table, "coordinator", config_.coordinators),
         take_number<uint16_t>(table, "tracker_port", 1, 65535, variables.tracker_port)});
  }

  Status read_fleet(const toml::table& table) {
    ReachDefaults& reach = config_.reach;
    return first_error(
        {check_keys(table, keys_of("fleet")), take_yes_or_no(table, "become", reach.become),
         take_text(table, "launcher", reach.launcher), take_text(table, "ssh", reach.ssh),
         take_number<uint32_t>(table, "forks", 1, limits::forks_max, reach.forks),
         take_number<uint32_t>(table, "retries", 0, limits::retries_max, reach.retries),
         take_duration(table, "connect_timeout", reach.connect_timeout),
         take_duration(table, "command_timeout", reach.command_timeout)});
  }

  Status read_roles(const toml::table& table) {
    if (Status known = check_keys(table, keys_of("roles")); !known) {
      return known;
    }
    for (const auto& [name, role] :
         {std::pair("tracker", &config_.trackers), std::pair("seeder", &config_.seeders),
          std::pair("peer", &config_.peers)}) {
      const toml::node* node = table.get(name);
      if (node == nullptr) {
        continue;
      }
      if (const toml::array* list = node->as_array()) {
        for (const toml::node& each : *list) {
          if (Status read = read_entry(each, *role); !read) {
            return read;
          }
        }
      } else if (Status read = read_entry(*node, *role); !read) {
        return read;
      }
    }
    return {};
  }

  Status read_entry(const toml::node& node, std::vector<HostEntry>& role) const {
    HostEntry entry{.where = where(node)};
    if (const auto* text = node.as_string()) {
      entry.node_set = text->get();
      role.push_back(std::move(entry));
      return {};
    }
    const toml::table* table = node.as_table();
    if (table == nullptr) {
      return wrong(node, "a host is \"w01\", \"w[01-20]\" or { host = \"w01\", port = 2222 }");
    }
    if (table->get("host") == nullptr) {
      return wrong(node, "host is missing");
    }
    Status read = first_error(
        {check_keys(*table, keys_of(host_table)), take_text(*table, "host", entry.node_set),
         take_text(*table, "address", entry.address),
         take_number<uint16_t>(*table, "port", 1, 65535, entry.port),
         take_text(*table, "user", entry.user), take_text(*table, "ip", entry.ip),
         take_text(*table, "rack", entry.rack), take_yes_or_no(*table, "become", entry.become),
         take_yes_or_no(*table, "no_release", entry.no_release)});
    if (!read) {
      return read;
    }
    role.push_back(std::move(entry));
    return {};
  }

  Config config_;
};

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& path) {
  const Result<toml::table> table = cli::parse_toml(text, path);
  if (!table) {
    return fail(table.error());
  }
  return Reader(path).read(*table);
}

Result<Config> load_config(const std::string& option) {
  const std::string path = option.empty() ? default_path : option;
  Result<io::Fd> fd = io::Fd();
  if (option.empty()) {
    if (access(default_path, F_OK) != 0) {
      return Config{};
    }
    // Nobody named it: it must be one of ours.
    fd = open_trusted_file(default_path);
  }
  if (!fd) {
    return fail(fd.error());
  }
  const Result<std::string> text =
      archive::read_whole_file(option.empty() ? path_of(*fd) : path, limits::config_bytes_max);
  if (!text) {
    return fail(text.error());
  }
  return parse_config(*text, path);
}

}  // namespace murder::fleet
