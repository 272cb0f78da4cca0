// What the last deploy of a tag came to, kept on this machine so that --retry-failed knows where to
// go on: $XDG_STATE_HOME/murder (else ~/.local/state/murder), deploy-TAG.json. The file is locked
// while a deploy of that tag runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/io/sockets.h"

namespace murder::fleet {

struct DeployState {
  std::string tag;
  std::string destination_path;
  std::string info_hash;
  uint32_t hosts_expected = 0;  // that the piece size was chosen for; 0: not known
  bool is_activated = false;
  std::vector<std::string> done;    // hosts that have it
  std::vector<std::string> failed;  // hosts that have not

  bool operator==(const DeployState&) const = default;
};

// Hosts of one deploy have the same release, also those that come in later. `source`: for the text.
[[nodiscard]] Status check_same_release(const std::optional<DeployState>& before,
                                        const std::string& source, const std::string& info_hash);

[[nodiscard]] std::string encode_deploy_state(const DeployState& state);
[[nodiscard]] Result<DeployState> decode_deploy_state(const std::string& text);

[[nodiscard]] std::string deploy_state_directory();

class DeployStateFile {
 public:
  // Errors: ErrorCode::conflict when another deploy of this tag runs on this machine.
  [[nodiscard]] static Result<DeployStateFile> open(const std::string& tag);

  // Nothing when no deploy of this tag has ended here.
  [[nodiscard]] Result<std::optional<DeployState>> read() const;
  [[nodiscard]] Status write(const DeployState& state) const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  DeployStateFile(std::string path, io::Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  io::Fd lock_;
};

}  // namespace murder::fleet
