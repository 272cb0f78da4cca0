// The part of `murder peer --user` that keeps the rights of root: a separate process that does
// nothing but place the release and write what root's run directory holds of it.
//
//   peer: starts the helper, gives up root, fetches, and passes the open archive
//   helper: unpacks as far as it is told that the archive is verified, places it, records it;
//   writes the outcome; at the end removes what the peer itself may not (control socket, empty log)
//
// It ends when its peer does, whatever ended that. It chooses no path by what the peer says: where
// things go was decided before, from the command line and the torrent. While it delivers, Landlock
// keeps it to the target and the run directory, and the archive is only read.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/host/helper_link.h"
#include "engine/host/helper_side.h"

namespace murder::host {

// The peer's side. One thread at a time.
class RootHelper {
 public:
  // Before any thread is started. Error: no process can be made.
  [[nodiscard]] static Result<std::unique_ptr<RootHelper>> start(const RootHelperOptions& options);
  RootHelper(const RootHelper&) = delete;
  RootHelper& operator=(const RootHelper&) = delete;
  // Waits for the helper, which ends now.
  ~RootHelper();

  [[nodiscard]] HelperLink& link() { return link_; }
  // As in peer_outcome.h.
  [[nodiscard]] Status write_outcome(const Json& outcome);
  // It was cleaned up, or is that of another peer.
  [[nodiscard]] bool is_outcome_gone();
  void forget_placing();
  // The peer ends next, and has nothing more for its log, which is removed if it is empty.
  void tell_good_end();

 private:
  RootHelper(HelperLink link, pid_t pid) : link_(std::move(link)), pid_(pid) {}
  // The answer to a request.
  [[nodiscard]] Result<Json> ask(const Json& request);

  HelperLink link_;
  pid_t pid_;
};

}  // namespace murder::host
