// The keys of agent.toml: what the reader takes, and what agent.toml(5) says of each.
#pragma once

#include <array>

#include "cli/ui/config_key.h"

namespace murder::cli {

inline constexpr std::string_view agent_table = "agent";  // the file itself
inline constexpr std::string_view agent_app_table = "app";

inline constexpr std::array agent_config_keys = {
    ConfigKey{agent_table, "coordinators", "ADDRESSES",
              "Where the agent connects to, as \"HOST:PORT\" or \"HOST\" (port 8998), or "
              "\"https://HOST:PORT\", with \"#pin=SHA256:...\" behind it where no authority of "
              "this host vouches for it: one, or a list. It takes whichever of them answers and "
              "leads."},
    ConfigKey{agent_table, "host", "NAME",
              "What coordinators call this host (default: its host name)."},
    ConfigKey{agent_table, "groups", "NAMES",
              "Groups that this host is in, for rollouts to some of the fleet: one, or a list."},
    ConfigKey{agent_table, "rack", "NAME",
              "Where this host stands: most of what it fetches then comes from hosts of the same "
              "rack, and rollouts bound how many of a rack are down."},
    ConfigKey{agent_table, "state", "DIR",
              "Where the agent keeps what it knows, and archives as long as they are needed: on a "
              "disk, with room for an archive (default: what systemd names, else "
              "/var/lib/murder-agent)."},
    ConfigKey{agent_table, "temp_path", "DIR",
              "Where archives are kept as long as they are needed, which is there already "
              "(default: in `state`)."},
    ConfigKey{agent_table, "keep_archives", "BOOLEAN",
              "With `murder agent --once`: archives stay in `temp_path` (default: false)."},
    ConfigKey{agent_table, "fleet_key", "FILE",
              "Take part with hosts alone that prove a key of this file, made by `murder key "
              "new-fleet` (default: /etc/murder/fleet.key, if it is there)."},
    ConfigKey{agent_table, "open", "BOOLEAN",
              "Take part with everybody, and use no key (default: false)."},
    ConfigKey{agent_table, "host_key", "FILE",
              "The host's private ssh key, of type ed25519, which signs for the agent's where a "
              "coordinator wants that (`murder tracker --enrol known_hosts:FILE`; default: "
              "/etc/ssh/ssh_host_ed25519_key)."},
    ConfigKey{
        agent_table, "transport", "WAY",
        "How releases are fetched and served: \"plain\", or \"tls\", encrypted with the fleet "
        "key. All hosts of a fleet have the same (default: tls where the key file has a line "
        "`transport tls`, else plain)."},
    ConfigKey{agent_table, "allowed_signers", "FILE",
              "Who may sign releases (default: /etc/murder/allowed_signers; where that is missing, "
              "releases need no signature)."},
    ConfigKey{agent_table, "ip", "ADDRESS",
              "This host's address for other peers (default: the one its connection to the "
              "coordinator leaves from)."},
    ConfigKey{agent_table, "peer_port", "RANGE",
              "TCP port for peers, or a range of which the first free one is taken, such as "
              "\"51000-51099\" (default: any free one)."},
    ConfigKey{agent_table, "seed_for", "TIME",
              "How long a release is served to others after it was fetched (default: 30s)."},
    ConfigKey{agent_table, "metrics_file", "FILE",
              "Write metrics to this file, for the textfile collector of node-exporter."},
    ConfigKey{agent_table, "app", "TABLE",
              "An app that this host takes is a table [app.NAME], see below. At least one."},
    ConfigKey{agent_app_table, "to", "DIR",
              "The directory of its releases: DIR/TAG each, and the link DIR/current to the one "
              "that is active. Required."},
    ConfigKey{agent_app_table, "keep_releases", "NUMBER",
              "How many releases stay, besides the current one and the one before it (default: "
              "5)."},
    ConfigKey{agent_app_table, "owner", "USER[:GROUP]",
              "Whom releases belong to (default: whoever runs the agent)."},
    ConfigKey{agent_app_table, "user", "USER[:GROUP]",
              "Fetch and serve as this user: only what places a release keeps root's rights "
              "(default: whoever runs the agent)."},
    ConfigKey{agent_app_table, "xattrs", "BOOLEAN", "Keep extended attributes (default: false)."},
    ConfigKey{agent_app_table, "keep_setid", "BOOLEAN",
              "Keep set-user-id and set-group-id bits (default: false)."},
    ConfigKey{
        agent_app_table, "max_unpacked", "SIZE",
        "Refuse a release that unpacks to more, such as \"10GB\"; \"0\" is no limit (default: "
        "the size that its torrent states)."},
    ConfigKey{
        agent_app_table, "metrics_file", "FILE",
        "Write the metrics of each fetch to this file, as `murder peer --metrics-file` does."},
    ConfigKey{agent_app_table, "record", "BOOLEAN",
              "With `murder agent --once`: releases are among those that may be activated and "
              "removed (default: true)."},
    ConfigKey{agent_app_table, "application", "NAME",
              "Releases must be signed for this application, where they must be signed (default: "
              "the name of the table; \"\" is any)."},
    ConfigKey{
        agent_app_table, "before_activate", "COMMAND",
        "Run by `sh -c` before a release becomes current, not on the way back. When it fails, "
        "the release before stays."},
    ConfigKey{agent_app_table, "after_activate", "COMMAND",
              "Run by `sh -c` whenever a release has become current, also on the way back. When it "
              "fails, the host goes back."},
    ConfigKey{agent_app_table, "after_activate_timeout", "TIME",
              "The command and what it started are ended after this time (default: 5m)."},
    ConfigKey{agent_app_table, "health", "COMMAND",
              "Run by `sh -c` again and again: the app is healthy when it ends with status 0."},
    ConfigKey{agent_app_table, "health_url", "URL",
              "The app is healthy when this http:// URL is answered with a status from 200 to 299. "
              "Not with health."},
    ConfigKey{agent_app_table, "health_timeout", "TIME",
              "A check that takes longer has failed (default: 10s)."},
    ConfigKey{agent_app_table, "download_limit", "RATE",
              "Fetch at most this much a second, such as \"400MB\" or \"2gbit\" (default: no "
              "limit)."},
    ConfigKey{agent_app_table, "upload_limit", "RATE",
              "Serve others at most this much a second (default: no limit)."},
    ConfigKey{agent_app_table, "no_sync", "BOOLEAN",
              "Do not wait for the disk: what a power cut leaves of a release may be broken "
              "(default: false)."},
    ConfigKey{agent_app_table, "unsafe_please_delete", "BOOLEAN",
              "Remove what lies in a release's place and was not put there by murder (default: "
              "false)."},
};

}  // namespace murder::cli
