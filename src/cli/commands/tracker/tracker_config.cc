#include "cli/commands/tracker/tracker_config.h"

#include <fmt/format.h>

#include "cli/commands/tracker/bounds.h"
#include "cli/commands/tracker/tracker_config_keys.h"
#include "cli/ui/parse_toml.h"
#include "cli/ui/toml_reader.h"
#include "engine/archive/file.h"
#include "engine/http/bounds.h"
#include "tracker/bounds.h"

namespace murder::cli {
namespace {

constexpr size_t listen_addresses_max = 64;

// Reads one tracker.toml. Every method that can fail returns a Status that names the line.
class TrackerReader : private TomlReader {
 public:
  explicit TrackerReader(std::string path) : TomlReader(std::move(path)) {}

  Result<TrackerConfig> read(const toml::table& root) {
    for (const Status& status :
         {check_keys(root, keys_of(tracker_config_keys, tracker_table)), take_listen(root),
          take_port(root), take_racks(root), take_idle(root), take_key(root),
          take_certificate(root), take_state(root), take_limits(root)}) {
      if (!status) {
        return fail(status.error());
      }
    }
    return std::move(config_);
  }

 private:
  Status add_listen(const toml::node& node) {
    const std::string* text = text_in(node);
    if (text == nullptr) {
      return wrong(node, "listen must be an address like \"10.0.0.7:8998\", or a list of them");
    }
    if (config_.listen.size() >= listen_addresses_max) {
      return wrong(node, fmt::format("listen has more than {} addresses", listen_addresses_max));
    }
    config_.listen.push_back(*text);
    return {};
  }

  Status take_listen(const toml::table& table) {
    const toml::node* node = table.get("listen");
    if (node == nullptr) {
      return {};
    }
    const toml::array* list = node->as_array();
    if (list == nullptr) {
      return add_listen(*node);
    }
    for (const toml::node& each : *list) {
      if (Status added = add_listen(each); !added) {
        return added;
      }
    }
    return list->empty() ? Status(wrong(*node, "listen is empty: name an address, or leave it out"))
                         : Status();
  }

  template <typename Number>
  Status take_number(const toml::table& table, const char* key, int64_t least, int64_t most,
                     std::optional<Number>& target) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
      return {};
    }
    const auto* number = node->as_integer();
    if (number == nullptr || number->get() < least || number->get() > most) {
      return wrong(*node, fmt::format("{} must be a number from {} to {}", key, least, most));
    }
    target = static_cast<Number>(number->get());
    return {};
  }

  Status take_port(const toml::table& table) {
    return take_number(table, "port", 0, UINT16_MAX, config_.port);
  }

  Status take_idle(const toml::table& table) {
    const toml::node* node = table.get("end_when_idle");
    if (node == nullptr) {
      return {};
    }
    const Result<Duration> duration = duration_in(*node);
    if (!duration) {
      return wrong(*node, "end_when_idle must be a time like \"10m\" or \"2h\"");
    }
    config_.idle_max = *duration;
    return {};
  }

  Status take_key(const toml::table& table) {
    const toml::node* path = table.get("fleet_key");
    const toml::node* open = table.get("open");
    if (path != nullptr) {
      const std::string* text = text_in(*path);
      if (text == nullptr) {
        return wrong(*path, "fleet_key must be the path of a file");
      }
      config_.fleet_key_path = *text;
    }
    if (open != nullptr) {
      if (!open->is_boolean()) {
        return wrong(*open, "open must be true or false");
      }
      config_.is_open = open->as_boolean()->get();
    }
    return config_.is_open && path != nullptr
               ? Status(wrong(*open, "open = true and fleet_key do not go together"))
               : Status();
  }

  Status take_certificate(const toml::table& root) {
    Status taken =
        take_place(root, "tls_cert", "tls_cert must be the path of a file", config_.tls_cert_path);
    return taken ? take_place(root, "tls_key", "tls_key must be the path of a file",
                              config_.tls_key_path)
                 : taken;
  }

  Status take_place(const toml::table& root, const char* key, const char* demand,
                    std::string& place) const {
    const toml::node* node = root.get(key);
    if (node == nullptr) {
      return {};
    }
    const std::string* text = text_in(*node);
    if (text == nullptr) {
      return wrong(*node, demand);
    }
    place = *text;
    return {};
  }

  Status take_state(const toml::table& root) {
    Status taken =
        take_place(root, "state", "state must be a directory, or a place such as \"sqlite:FILE\"",
                   config_.state);
    taken = taken ? take_place(root, "data", "data must be the path of a directory", config_.data)
                  : taken;
    taken = taken ? take_transport(root) : taken;
    return taken ? take_enrol(root) : taken;
  }

  Status take_transport(const toml::table& root) {
    constexpr const char* demand = "transport must be \"plain\" or \"tls\"";
    Status taken = take_place(root, "transport", demand, config_.transport);
    const std::string& way = config_.transport;
    return !taken || way.empty() || way == "plain" || way == "tls"
               ? taken
               : Status(wrong(*root.get("transport"), demand));
  }

  Status take_enrol(const toml::table& root) {
    Status taken =
        take_place(root, "enrol", "enrol must be \"tofu\", \"approve\" or \"known_hosts:FILE\"",
                   config_.enrol);
    if (!taken || config_.enrol.empty()) {
      return taken;
    }
    const Result<trust::Enrolment> enrolment = trust::parse_enrolment(config_.enrol);
    return enrolment ? Status() : Status(wrong(*root.get("enrol"), enrolment.error().text));
  }

  Status take_limits(const toml::table& root) {
    const toml::node* node = root.get("limits");
    if (node == nullptr) {
      return {};
    }
    const toml::table* table = node->as_table();
    if (table == nullptr) {
      return wrong(*node, "limits must be a table: [limits]");
    }
    for (const Status& status :
         {check_keys(*table, keys_of(tracker_config_keys, limits_table)),
          take_number(*table, "connections", 16, limits::http_connections_max,
                      config_.connections_max),
          take_number(*table, "hosts", 1, limits::tracker_peers_max, config_.hosts_max),
          take_number(*table, "releases", 1, limits::tracker_swarms_max, config_.releases_max)}) {
      if (!status) {
        return status;
      }
    }
    return {};
  }

  // The name of a file, or a table of networks.
  Status take_racks(const toml::table& root) {
    const toml::node* node = root.get("racks");
    if (node == nullptr) {
      return {};
    }
    if (const std::string* text = text_in(*node)) {
      config_.racks_path = *text;
      return {};
    }
    const toml::table* table = node->as_table();
    if (table == nullptr) {
      return wrong(*node, "racks must be the path of a file, or a table [racks]");
    }
    std::string lines;
    for (const auto& [key, value] : *table) {
      if (Status added = add_rack(key, value, lines); !added) {
        return added;
      }
    }
    Result<tracker::RackTable> racks = tracker::RackTable::parse(lines, path());
    if (!racks) {
      return fail(racks.error());  // two rules for one network: it names both racks
    }
    config_.racks = std::move(*racks);
    return {};
  }

  Status add_rack(const toml::key& key, const toml::node& value, std::string& lines) const {
    const auto* rack = value.as_string();
    if (rack == nullptr) {
      return wrong(value, fmt::format("the rack of {} must be a text in quotes", key.str()));
    }
    const std::string line = fmt::format("{} {}\n", key.str(), rack->get());
    constexpr std::string_view separators = "\n#";
    if (line.find_first_of(separators) != line.size() - 1) {
      return wrong(key.source(),
                   fmt::format("'{}' = '{}' is not a network and a rack", key.str(), rack->get()));
    }
    // By itself, so that the error is of this line.
    if (const Result<tracker::RackTable> alone = tracker::RackTable::parse(line, ""); !alone) {
      constexpr std::string_view place = ":1: ";
      return wrong(key.source(), std::string_view(alone.error().text).substr(place.size()));
    }
    lines += line;
    return {};
  }

  TrackerConfig config_;
};

}  // namespace

Result<TrackerConfig> parse_tracker_config(std::string_view text, const std::string& path) {
  const Result<toml::table> table = parse_toml(text, path);
  if (!table) {
    return fail(table.error());
  }
  return TrackerReader(path).read(*table);
}

Result<TrackerConfig> load_tracker_config(const std::string& path) {
  const Result<std::string> text = archive::read_whole_file(path, limits::tracker_config_bytes_max);
  if (!text) {
    return fail(text.error());
  }
  return parse_tracker_config(*text, path);
}

}  // namespace murder::cli
