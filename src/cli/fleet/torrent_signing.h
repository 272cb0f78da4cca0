// The signing of a release that a command of the fleet made: on this machine, where the keys are,
// also when it was packed on a host.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/fleet/local_torrent.h"
#include "cli/fleet/plan/inventory.h"
#include "cli/signing/signing.h"
#include "cli/ui/command.h"
#include "engine/archive/observer.h"
#include "engine/base/json.h"

namespace murder::fleet {

// What signs, and what it says besides what the release is.
struct ReleaseSigning {
  cli::SigningKey key;
  cli::SigningOptions statement;
};

// nullopt: it is not signed, since neither --sign nor sign_key of murder.toml is there. Errors: the
// key cannot be used, or --app and the like are for nothing (invalid_input).
[[nodiscard]] Result<std::optional<ReleaseSigning>> signing_of(const cli::SigningOptions& options,
                                                               const Variables& variables);

// An error of signing_of(), as a command returns it.
[[nodiscard]] tl::unexpected<Error> refuse_signing(const Error& error,
                                                   cli::CommandContext& context);

// What is signed of a torrent that was made on a host: the SHA-256 is what `murder create --digest
// --json` told there.
[[nodiscard]] Result<cli::SignedSubject> subject_of(const LocalTorrent& torrent,
                                                    const Json& created, const std::string& tag);

struct SignedTorrent {
  LocalTorrent torrent;
  std::string signature_file;  // the content of NAME.torrent.sig
  std::string text;            // for people
};

// Asks for a passphrase or a touch if the key wants that, however long it takes.
[[nodiscard]] Result<SignedTorrent> sign_torrent(const LocalTorrent& torrent,
                                                 const ReleaseSigning& signing,
                                                 const cli::SignedSubject& subject,
                                                 const cli::SigningFront& front);

// The same on a thread, while hosts are looked after.
//
//   running -> ended; the thread is joined by result() or the destructor (which cancels)
class TorrentSigning {
 public:
  TorrentSigning(LocalTorrent torrent, ReleaseSigning signing, cli::SignedSubject subject);
  TorrentSigning(const TorrentSigning&) = delete;
  TorrentSigning& operator=(const TorrentSigning&) = delete;
  ~TorrentSigning();

  [[nodiscard]] bool has_ended() const { return has_ended_.load(std::memory_order_acquire); }
  // What ssh-keygen said since the last call.
  [[nodiscard]] std::vector<std::string> take_notes();
  // Once, after its end.
  [[nodiscard]] Result<SignedTorrent> result();

 private:
  LocalTorrent torrent_;
  ReleaseSigning signing_;
  cli::SignedSubject subject_;
  archive::CancelFlag cancel_;
  std::atomic<bool> has_ended_{false};
  std::mutex mutex_;
  std::vector<std::string> notes_;
  std::optional<Result<SignedTorrent>> result_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace murder::fleet
