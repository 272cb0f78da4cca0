// The keys of murder.toml: what the reader takes, and what murder.toml(5) says of each. Where a
// text is empty, it is what `murder deploy --help` says of the option of that name.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "cli/ui/config_key.h"

namespace murder::fleet {

using cli::ConfigKey;

inline constexpr std::string_view host_table = "host";

inline constexpr std::array config_keys = {
    ConfigKey{"murder", "default_tag", "TEXT", "The release, where no --tag is given."},
    ConfigKey{"murder", "default_seeder_files_path", "PATH",
              "The directory or file to deploy, where no SOURCE is given. A relative path is taken "
              "from the working directory of `murder`."},
    ConfigKey{"murder", "default_destination_path", "DIR",
              "The directory of releases on the hosts, where no --to is given: a release goes to "
              "DIR/TAG. It begins with / or with ~/."},
    ConfigKey{"murder", "remote_murder_path", "DIR", ""},
    ConfigKey{"murder", "default_temp_path", "DIR",
              "Where archives and torrents are, on the hosts and on this machine, where no "
              "--temp-path is given (default: /tmp). The environment variable `temp_path` comes "
              "before it."},
    ConfigKey{"murder", "tracker_port", "PORT", ""},
    ConfigKey{"murder", "peer_port", "RANGE", ""},
    ConfigKey{
        "murder", "metrics_file", "PATH",
        "Where peers write metrics on their hosts, for the textfile collector of node-exporter "
        "(`murder peer --metrics-file`). It begins with / or with ~/, ends with .prom, and "
        "stays when the deploy has ended."},
    ConfigKey{"murder", "sign_key", "KEY",
              "What releases are signed with: the file of a private key, or of the public one of a "
              "key that the ssh-agent has (~/ is the home). With it `deploy` and `fleet "
              "create-torrent` sign; `create --sign` and `sign` use it where no key is named."},
    ConfigKey{"murder", "application", "TEXT",
              "What the releases are releases of, in what is signed, where no --app is given. "
              "Hosts that were told another one refuse them."},
    ConfigKey{"murder", "transport", "WAY",
              "How hosts pass releases to each other, where no --transport is given: plain, or "
              "tls, encrypted with the fleet key, which every host then needs in "
              "/etc/murder/fleet.key (default: what the key file says, else plain)."},
    ConfigKey{"murder", "coordinator", "TEXT",
              "The coordinator, HOST:PORT, https://HOST:PORT or ssh://HOST, that `release`, "
              "`rollout`, `agents` and "
              "`audit` ask; a list of several in the order in which they are tried (default: "
              "127.0.0.1:8998). The environment variable `MURDER_COORDINATOR` comes before it."},
    ConfigKey{"roles", "tracker", "HOSTS",
              "Where the tracker runs; several may be named (default: the first peer that "
              "answers)."},
    ConfigKey{"roles", "seeder", "HOSTS",
              "Where the release is served from (default: the first peer that answers)."},
    ConfigKey{"roles", "peer", "HOSTS", "The hosts that receive releases."},
    ConfigKey{host_table, "host", "HOSTS", "A name or a node set. The only key that is required."},
    ConfigKey{host_table, "address", "TEXT",
              "What ssh is given in place of the name: a host name, an address, or an alias of "
              "`ssh_config`."},
    ConfigKey{host_table, "port", "PORT", "The port of ssh."},
    ConfigKey{host_table, "user", "TEXT", "The user of ssh."},
    ConfigKey{host_table, "ip", "ADDRESS",
              "The address at which other hosts reach this one, where it is not the one at which "
              "ssh reached it."},
    ConfigKey{host_table, "rack", "TEXT",
              "The rack in which the hosts stand: a release crosses into each rack about once."},
    ConfigKey{host_table, "become", "BOOLEAN",
              "Run everything on these hosts as root, by `sudo -n`, which asks for nothing."},
    ConfigKey{host_table, "no_release", "BOOLEAN",
              "The host has a role, and does not receive releases."},
    ConfigKey{"fleet", "launcher", "TEXT", ""},
    ConfigKey{"fleet", "ssh", "TEXT", ""},
    ConfigKey{"fleet", "become", "BOOLEAN", ""},
    ConfigKey{"fleet", "forks", "NUMBER", ""},
    ConfigKey{"fleet", "retries", "NUMBER", ""},
    ConfigKey{"fleet", "connect_timeout", "TIME", ""},
    ConfigKey{"fleet", "command_timeout", "TIME", ""},
};

[[nodiscard]] inline std::vector<std::string> keys_of(std::string_view table) {
  return cli::keys_of(config_keys, table);
}

}  // namespace murder::fleet
