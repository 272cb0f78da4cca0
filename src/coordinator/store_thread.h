// The coordinator's store on a thread of its own, since it blocks.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "coordinator/store/record_store.h"
#include "engine/base/callback.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/control/record.h"
#include "engine/control/state.h"
#include "engine/io/notifier.h"

namespace murder::coordinator {

// --- What is asked of it, and what it answers to each, in the order they were asked --------------

struct ClaimLead {
  std::string own_address;
};
struct LeadClaimed {
  Result<bool> leads;
  std::string leader;  // where it is, if another one leads
};

struct KeepLead {};
struct LeadKept {
  Result<bool> leads;  // an error: it does for the moment
};

struct LoadState {};
struct StateLoaded {
  Result<control::State> state;
};

struct AppendRecords {
  std::vector<control::Record> records;
};
struct RecordsAppended {
  Status done;
  std::vector<control::Record> records;
  uint64_t last_number = 0;  // of the log
  bool wants_snapshot = false;
};

struct WriteSnapshot {
  control::State state;
};
struct SnapshotWritten {
  Status done;
};

struct PutTorrent {
  InfoHash info_hash;
  std::string bytes;
};
struct TorrentPut {
  InfoHash info_hash;
  Status done;
  std::string bytes;
};

struct GetTorrent {
  InfoHash info_hash;
};
struct TorrentGot {
  InfoHash info_hash;
  Result<std::string> bytes;
};

struct ReadAudit {
  uint64_t from = 0;
  size_t max = 0;
  uint64_t reader = 0;  // comes back with the answer
};
struct AuditRead {
  Result<std::vector<store::AuditLine>> lines;
  uint64_t reader = 0;
};

using StoreRequest = std::variant<ClaimLead, KeepLead, LoadState, AppendRecords, WriteSnapshot,
                                  PutTorrent, GetTorrent, ReadAudit>;
using StoreReply = std::variant<LeadClaimed, LeadKept, StateLoaded, RecordsAppended,
                                SnapshotWritten, TorrentPut, TorrentGot, AuditRead>;

// Belongs to the thread of `reactor`, on which the target is called. What was asked for is done in
// its order, also after this object was told to end: the destructor waits for it, and drops the
// answers, and gives the lead back. Who asks bounds how much waits.
class StoreThread {
 public:
  using Target = Callback<void(StoreReply)>;

  // Error: no thread can be started.
  [[nodiscard]] static Result<std::unique_ptr<StoreThread>> start(
      io::Reactor& reactor, std::unique_ptr<store::RecordStore> store, Target target);
  StoreThread(const StoreThread&) = delete;
  StoreThread& operator=(const StoreThread&) = delete;
  ~StoreThread();

  void ask(StoreRequest request);

 private:
  StoreThread(io::Reactor& reactor, std::unique_ptr<store::RecordStore> store, Target target);
  void run();
  void trim_if_due();
  void answer(io::Notifier& notifier);

  std::unique_ptr<store::RecordStore> store_;  // of the thread, once it runs
  Target target_;
  io::Notifier notifier_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<StoreRequest> requests_;  // with mutex_, as the following
  std::vector<StoreReply> replies_;
  bool ends_ = false;
  Instant trim_at_ = instant_never;  // of the thread
  std::thread thread_;
};

// What the store answers to one request. Blocks.
[[nodiscard]] StoreReply serve(store::RecordStore& store, StoreRequest request);

}  // namespace murder::coordinator
