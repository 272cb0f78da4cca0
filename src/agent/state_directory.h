// What an agent keeps on its host: DIR, for its user alone.
//
//   agent.key            by which coordinators know this host (host/agent_key_file.h)
//   kept.json            what the machine was told to keep
//   lock                 locked while an agent runs
//   reserve              room for kept.json on a disk that is full
//   apps/NAME/torrents   HASH.torrent of the releases that are wanted or there
//   apps/NAME/archives   what peers fetch into
//   apps/NAME/run        the run directory of the app's peers
//
// NAME is an app's name from the configuration with what may not be in a file name escaped. Blocks,
// as all here: these are small files.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/fd.h"
#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/control/agent_app.h"

namespace murder::agent {

// A name that is no path: "shop", "a%2fb", "%2e%2e".
[[nodiscard]] std::string file_name_of(std::string_view app);

struct AppPlace {
  std::string torrents;
  std::string archives;
  std::string run;
};

class StateDirectory {
 public:
  // Makes it (0700). Errors: it belongs to another user or may be written by others; another agent
  // has it (conflict); the disk.
  [[nodiscard]] static Result<StateDirectory> open(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  // `temp_path`: where archives lie instead; empty: here.
  [[nodiscard]] Result<AppPlace> make_app_place(std::string_view app,
                                                const std::string& temp_path = {}) const;

  // What was kept last; nothing on a new host. What cannot be read is put aside, and `warning` says
  // so: the agent then begins with what it finds in place.
  [[nodiscard]] Result<control::KeptAgent> load(std::string& warning) const;
  // Durable when it returns. On a full disk it takes the place of what was put by for that.
  [[nodiscard]] Status save(const control::KeptAgent& kept) const;
  // Again, where it was used.
  void put_by() const;

 private:
  StateDirectory(std::string path, Fd fd, Fd lock)
      : path_(std::move(path)), fd_(std::move(fd)), lock_(std::move(lock)) {}

  std::string path_;
  Fd fd_;
  Fd lock_;
};

// Torrents of one app, by their info hash.
[[nodiscard]] std::string torrent_path(const AppPlace& place, const InfoHash& release);

}  // namespace murder::agent
