#include "cli/fleet/rollout/agent_start.h"

#include <fmt/format.h>

#include "engine/control/names.h"

namespace murder::fleet {
namespace {

// A SYN that is lost is sent again after 1 s and 3 s: longer than that.
constexpr std::string_view agent_connect_within = "4s";

// A basic string of TOML.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char each : text) {
    const auto byte = static_cast<unsigned char>(each);
    if (each == '"' || each == '\\') {
      out += '\\';
      out += each;
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += each;
    }
  }
  return out + '"';
}

class Lines {
 public:
  void text(std::string_view key, std::string_view value) {
    if (!value.empty()) {
      lines += fmt::format("{} = {}\n", key, quoted(value));
    }
  }
  void flag(std::string_view key, bool is_set) {
    lines += is_set ? fmt::format("{} = true\n", key) : "";
  }
  void rate(std::string_view key, uint64_t bytes) {
    if (bytes > 0) {
      lines += fmt::format("{} = \"{}B\"\n", key, bytes);
    }
  }

  std::string lines;
};

CommandLine once_command(std::string_view remote_murder_path, const AgentWords& words) {
  return CommandLine::murder(remote_murder_path, "agent")
      .flag("--once")
      .option("--token", words.token)
      .option("--tag", words.tag)
      .option("--owner", words.owner)
      .option("--origin", words.origin);
}

}  // namespace

std::string agent_config_text(const AgentStart& start) {
  Lines text;
  text.lines = fmt::format("coordinators = [{}]\n", quoted(start.coordinator));
  text.text("host", start.host);
  text.text("ip", start.ip);
  text.text("rack", start.rack);
  text.text("peer_port", start.peer_port);
  text.text("temp_path", start.temp_path);
  text.text("transport", start.transport);
  text.flag("keep_archives", start.keep_archives);
  text.lines += fmt::format("[app.{}]\n", quoted(start.app));
  text.text("to", start.to);
  text.text("owner", start.placing.owner);
  text.text("user", start.placing.user);
  text.flag("xattrs", start.placing.xattrs);
  text.flag("keep_setid", start.placing.keep_setid);
  if (start.placing.unpacked_bytes_max != cli::PlacingOptions::unpacked_bytes_by_torrent) {
    text.text("max_unpacked", fmt::format("{}", start.placing.unpacked_bytes_max));
  }
  text.text("metrics_file", start.metrics_file);
  text.lines += start.is_recorded ? "" : "record = false\n";
  text.lines += fmt::format("application = {}\n", quoted(start.application));
  text.lines += fmt::format("keep_releases = {}\n", start.keep_releases);
  text.rate("download_limit", start.limits.download);
  text.rate("upload_limit", start.limits.upload);
  text.flag("no_sync", start.no_sync);
  text.flag("unsafe_please_delete", start.unsafe_please_delete);
  text.text("health", start.health);
  text.text("before_activate", start.before_activate);
  text.text("after_activate", start.after_activate);
  return text.lines;
}

std::string agent_start_command(std::string_view remote_murder_path, const AgentWords& words) {
  return once_command(remote_murder_path, words)
      .flag("--background")
      .option("--connect-within", agent_connect_within)
      .flag("--quiet")
      .flag("--json")
      .text();
}

std::string agent_channel_command(std::string_view remote_murder_path, const AgentWords& words) {
  return once_command(remote_murder_path, words).flag("--stdio").flag("--quiet").text();
}

std::string relay_command(std::string_view remote_murder_path, uint16_t port) {
  return CommandLine::murder(remote_murder_path, "relay")
      .option("--coordinator", fmt::format("127.0.0.1:{}", port))
      .flag("--channels")
      .flag("--quiet")
      .text();
}

std::string agent_name_of(const Host& host, uint32_t number) {
  return control::validate_host(host.name) ? host.name : fmt::format("host-{}", number);
}

}  // namespace murder::fleet
