#include "cli/fleet/activation.h"

#include "cli/fleet/plan/remote_command.h"
#include "cli/fleet/steps.h"

namespace murder::fleet {

std::vector<HostIndex> activate(Work& work, std::span<const HostIndex> hosts,
                                const ActivationOptions& options) {
  const std::string command = CommandLine::murder(murder_path_of(work), "activate")
                                  .word(options.tag)
                                  .path_option("--to", options.destination_path)
                                  .flag("--rollback", options.is_rollback)
                                  .flag("--no-sync", options.no_sync)
                                  .flag("--quiet")
                                  .flag("--json")
                                  .text();
  std::vector<HostIndex> done;
  const Step step{.stage = options.is_rollback ? "rollback" : "activate"};
  for (const HostResult& result :
       work.run_and_note(hosts, step, [&](const Host&) { return command; })) {
    done.push_back(result.host);
  }
  return done;
}

void remove_old_releases(Work& work, std::span<const HostIndex> hosts,
                         const std::string& destination_path, uint32_t keep) {
  const std::string command = CommandLine::murder(murder_path_of(work), "releases")
                                  .path_option("--to", destination_path)
                                  .option("--keep", std::to_string(keep))
                                  .flag("--quiet")
                                  .flag("--json")
                                  .text();
  (void)work.run_and_note(hosts, {.stage = "keep-releases"}, [&](const Host&) { return command; });
}

std::vector<HostReleases> list_releases(Work& work, std::span<const HostIndex> hosts,
                                        const std::string& destination_path) {
  const std::string command = CommandLine::murder(murder_path_of(work), "releases")
                                  .path_option("--to", destination_path)
                                  .flag("--json")
                                  .text();
  std::vector<HostReleases> list;
  for (const HostResult& result :
       work.run_and_note(hosts, {.stage = "releases"}, [&](const Host&) { return command; })) {
    const Json json = json_output(result);
    HostReleases releases{.host = result.host,
                          .current = text_member(json, "current"),
                          .previous = text_member(json, "previous"),
                          .previous_problem = text_member(json, "previous_problem")};
    if (json.contains("releases") && json["releases"].is_array()) {
      for (const Json& release : json["releases"]) {
        releases.releases.push_back(release.is_text() ? release.text()
                                                      : text_member(release, "tag", "?"));
      }
    }
    list.push_back(std::move(releases));
  }
  return list;
}

}  // namespace murder::fleet
