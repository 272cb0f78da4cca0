#include "agent/commands.h"

#include <fmt/format.h>

#include <utility>

namespace murder::agent {
namespace {

Words begin(const CommandPlace& at, const char* command) {
  return {at.program, command, "--json", "--quiet", "--run-dir", at.place.run};
}

void add_option(Words& words, const char* name, const std::string& value) {
  if (!value.empty()) {
    words.emplace_back(name);
    words.push_back(value);
  }
}

}  // namespace

Words fetch_command(const CommandPlace& at, const FetchWords& what) {
  Words words = begin(at, "peer");
  words.push_back(what.torrent);
  for (const char* flag : {"--to-is-directory", "--background", "--follow", "--join"}) {
    words.emplace_back(flag);
  }
  add_option(words, "--to", at.app.to);
  add_option(words, "--app", at.app.application.value_or(at.app.name));
  add_option(words, "--owner", at.app.owner);
  add_option(words, "--user", at.app.user);
  add_option(words, "--metrics-file", at.app.metrics_file);
  add_option(words, "--max-unpacked", at.app.max_unpacked);
  add_option(words, "--temp-path", at.place.archives);
  add_option(words, "--download-limit", at.app.download_limit);
  add_option(words, "--upload-limit", at.app.upload_limit);
  add_option(words, "--label", at.agent.host);
  add_option(words, "--rack", at.agent.rack);
  add_option(words, "--ip", at.agent.ip);
  add_option(words, "--peer-port", at.agent.peer_port);
  add_option(words, "--fleet-key", at.agent.is_open ? "" : at.agent.fleet_key);
  add_option(words, "--transport", at.agent.transport);
  add_option(words, "--allowed-signers", at.agent.allowed_signers);
  for (const codec::ServerPlace& coordinator : at.agent.coordinators) {
    add_option(words, "--tracker", coordinator.url("/announce"));
  }
  add_option(words, "--seed-for", fmt::format("{}s", at.agent.seed_for / std::chrono::seconds(1)));
  if (at.agent.is_open) {
    words.emplace_back("--open");
  }
  for (const auto& [is_set, flag] : {std::pair{what.allow_older, "--allow-older"},
                                     {at.app.is_recorded, "--record"},
                                     {at.app.xattrs, "--xattrs"},
                                     {at.app.keep_setid, "--keep-setid"},
                                     {at.app.no_sync, "--no-sync"},
                                     {at.app.unsafe_please_delete, "--unsafe-please-delete"}}) {
    if (is_set) {
      words.emplace_back(flag);
    }
  }
  return words;
}

Words activate_command(const CommandPlace& at, const std::string& tag, bool is_rollback) {
  Words words = begin(at, "activate");
  words.push_back(tag);
  add_option(words, "--to", at.app.to);
  if (is_rollback) {
    words.emplace_back("--rollback");
  }
  return words;
}

Words keep_command(const CommandPlace& at) {
  Words words = begin(at, "releases");
  add_option(words, "--to", at.app.to);
  add_option(words, "--keep", fmt::format("{}", at.app.keep_releases));
  return words;
}

Words remove_command(const CommandPlace& at, const std::string& tag) {
  Words words = begin(at, "releases");
  add_option(words, "--to", at.app.to);
  add_option(words, "--remove", tag);
  return words;
}

Words clean_command(const CommandPlace& at, const CleanWords& what) {
  Words words = begin(at, "clean");
  words.push_back(what.tag);
  add_option(words, "--temp-path", at.place.archives);
  if (what.is_file) {
    words.emplace_back("--path-is-file");
  }
  if (what.stop) {
    words.emplace_back("--stop");
  }
  if (what.keep_partial) {
    words.emplace_back("--keep-partial");
  }
  return words;
}

Words hook_environment(const AppOptions& app, std::string_view tag, std::string_view info_hash) {
  return {fmt::format("MURDER_APP={}", app.name), fmt::format("MURDER_TAG={}", tag),
          fmt::format("MURDER_INFO_HASH={}", info_hash),
          fmt::format("MURDER_DIR={}/{}", app.to, tag),
          fmt::format("MURDER_CURRENT={}/current", app.to)};
}

}  // namespace murder::agent
