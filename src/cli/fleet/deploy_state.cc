#include "cli/fleet/deploy_state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "engine/archive/piece_size.h"
#include "engine/base/json.h"
#include "engine/base/small_file.h"

namespace murder::fleet {
namespace {

constexpr size_t state_bytes_max = 64 * 1024 * 1024;

std::vector<std::string> texts_of(const Json& json, const char* key) {
  std::vector<std::string> texts;
  if (json.contains(key) && json[key].is_array()) {
    for (const Json& entry : json[key]) {
      if (entry.is_text()) {
        texts.push_back(entry.text());
      }
    }
  }
  return texts;
}

}  // namespace

Status check_same_release(const std::optional<DeployState>& before, const std::string& source,
                          const std::string& info_hash) {
  return !before || before->info_hash == info_hash
             ? Status()
             : fail(ErrorCode::conflict,
                    fmt::format("{} is not what was deployed as {}: it has changed since (info "
                                "hash {}, was {}); give it another tag",
                                source, before->tag, info_hash, before->info_hash));
}

std::string encode_deploy_state(const DeployState& state) {
  return json_text({{"tag", state.tag},
                    {"destination_path", state.destination_path},
                    {"info_hash", state.info_hash},
                    {"hosts_expected", state.hosts_expected},
                    {"activated", state.is_activated},
                    {"done", state.done},
                    {"failed", state.failed}}) +
         "\n";
}

Result<DeployState> decode_deploy_state(const std::string& text) {
  const Result<Json> json = parse_json(text);
  if (!json) {
    return fail(json.error());
  }
  DeployState state{.tag = text_member(*json, "tag"),
                    .destination_path = text_member(*json, "destination_path"),
                    .info_hash = text_member(*json, "info_hash")};
  if (!json->is_object() || state.tag.empty() || state.info_hash.empty()) {
    return fail(ErrorCode::invalid_input, "this is not the state of a deploy");
  }
  const uint64_t hosts_expected = count_member(*json, "hosts_expected");
  if (hosts_expected <= archive::hosts_expected_max) {
    state.hosts_expected = static_cast<uint32_t>(hosts_expected);
  }
  state.is_activated = json->contains("activated") && (*json)["activated"] == true;
  state.done = texts_of(*json, "done");
  state.failed = texts_of(*json, "failed");
  return state;
}

std::string deploy_state_directory() {
  const char* state_home = std::getenv("XDG_STATE_HOME");
  if (state_home != nullptr && state_home[0] == '/') {
    return std::string(state_home) + "/murder";
  }
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr && home[0] != '\0' ? home : "/root") + "/.local/state/murder";
}

Result<DeployStateFile> DeployStateFile::open(const std::string& tag) {
  const std::string directory = deploy_state_directory();
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return fail_errno(error.value(), fmt::format("cannot make {} (set XDG_STATE_HOME to keep the "
                                                 "state of deploys elsewhere)",
                                                 directory));
  }
  const std::string path = fmt::format("{}/deploy-{}.json", directory, tag);
  const std::string lock_path = path + ".lock";
  io::Fd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.is_open()) {
    return fail_errno(errno, "cannot open " + lock_path);
  }
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::conflict,
                fmt::format("another deploy of {} is at work on this machine (it holds {})", tag,
                            lock_path));
  }
  return DeployStateFile(path, std::move(lock));
}

Result<std::optional<DeployState>> DeployStateFile::read() const {
  const Result<std::string> text = read_small_file(path_, state_bytes_max);
  if (!text && text.error().code == ErrorCode::not_found) {
    return std::optional<DeployState>();
  }
  if (!text) {
    return fail(text.error());
  }
  Result<DeployState> state = decode_deploy_state(*text);
  if (!state) {
    return fail(state.error().code,
                fmt::format("{} is damaged ({}): remove it", path_, state.error().text));
  }
  return std::optional<DeployState>(std::move(*state));
}

Status DeployStateFile::write(const DeployState& state) const {
  return write_small_file(path_, encode_deploy_state(state));
}

}  // namespace murder::fleet
