// Packs a release on a separate thread, while hosts are connected.
//
//   running -> ended; the thread is joined by result() or the destructor (which cancels)
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/fleet/local_torrent.h"
#include "cli/fleet/torrent_signing.h"
#include "cli/ui/tree_options.h"
#include "engine/archive/create_release.h"
#include "engine/archive/observer.h"
#include "engine/io/sockets.h"

namespace murder::fleet {

struct PackingJob {
  std::string source;
  std::string tag;
  std::string directory;  // of this machine, for archive and torrent
  uint32_t hosts_expected = 1;
  cli::PackingOptions packing;
  std::optional<ReleaseSigning> signing;
};

class Packing final : private archive::Observer {
 public:
  explicit Packing(PackingJob job);
  Packing(const Packing&) = delete;
  Packing& operator=(const Packing&) = delete;
  ~Packing() override;

  void cancel() { cancel_.set(); }
  // Readable from its end on.
  [[nodiscard]] int wake_fd() const { return wake_.get(); }
  [[nodiscard]] bool has_ended() const { return has_ended_.load(std::memory_order_acquire); }
  // 0 to 100.
  [[nodiscard]] uint32_t percent() const;
  [[nodiscard]] std::vector<std::string> take_warnings();

  // Once, after its end. The torrent names no tracker yet.
  [[nodiscard]] Result<PackedRelease> result();
  // "packed ./build: 1 MiB of 3 MiB", and who signed it. After result().
  [[nodiscard]] const std::string& note() const { return note_; }

 private:
  void progress(const archive::ByteProgress& progress) override;
  void warning(std::string_view text) override;
  void pack();
  [[nodiscard]] Status sign(LocalTorrent& torrent, const archive::CreatedRelease& created);

  PackingJob job_;
  archive::CancelFlag cancel_;
  io::Fd wake_;
  std::atomic<uint64_t> bytes_done_{0};
  std::atomic<uint64_t> bytes_total_{0};
  std::atomic<bool> has_ended_{false};
  std::mutex mutex_;
  std::vector<std::string> warnings_;
  std::string note_;
  std::optional<Result<PackedRelease>> result_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace murder::fleet
