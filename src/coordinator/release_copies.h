// The coordinator's own copies of releases: fetched and served by processes of their own, so that
// any host may go, the publisher's first of all.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/copy_process.h"
#include "coordinator/copy_state.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/base/types.h"

namespace murder::coordinator {

struct CopiesOptions {
  std::string directory;  // each copy has a directory in it, named by its info hash
  CopyProgram program;
};

// Starts, looks at and ends the processes on a thread of its own, since that blocks. Those that an
// earlier coordinator started and left are used; what is not wanted any more is removed. At most
// limits::copies_max. The destructor ends them.
class ReleaseCopies {
 public:
  // Error: no thread can be started, or the directory cannot be made.
  [[nodiscard]] static Result<std::unique_ptr<ReleaseCopies>> start(const CopiesOptions& options);
  ReleaseCopies(const ReleaseCopies&) = delete;
  ReleaseCopies& operator=(const ReleaseCopies&) = delete;
  ~ReleaseCopies();

  // Of the following, from one thread. All that are wanted from now on.
  void want(const std::vector<InfoHash>& releases);
  // Of those, the ones whose torrent is not known here.
  [[nodiscard]] std::vector<InfoHash> lacking_torrents() const;
  // What copies are started with from now on; those that run with other arguments are started
  // again.
  void use_arguments(std::vector<std::string> arguments);
  void give_torrent(const InfoHash& info_hash, std::string torrent);
  [[nodiscard]] CopyState copy_of(const InfoHash& info_hash) const;
  // What went wrong since this was asked last, a line each.
  [[nodiscard]] std::vector<std::string> take_warnings();

 private:
  struct Copy {
    std::string torrent;  // until it is written
    bool has_torrent = false;
    CopyState state;
    Instant try_not_before{};
    Duration pause{};  // after the next failure
  };

  explicit ReleaseCopies(const CopiesOptions& options) : options_(options) {}
  void run();
  void tend(const InfoHash& info_hash);
  void keep_up(const InfoHash& info_hash, const std::string& directory);
  void remove_others();
  void stop_all();
  [[nodiscard]] std::string directory_of(const InfoHash& info_hash) const;

  mutable std::mutex mutex_;
  CopiesOptions options_;  // its directory does not change, the program does: with mutex_
  std::condition_variable wake_;
  std::map<InfoHash, Copy> copies_;  // with mutex_, as the following
  std::vector<std::string> warnings_;
  bool is_known_ = false;  // what is wanted
  bool changed_ = false;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace murder::coordinator
