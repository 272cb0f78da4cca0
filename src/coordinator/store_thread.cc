#include "coordinator/store_thread.h"

#include <fmt/format.h>
#include <malloc.h>

#include <utility>

#include "coordinator/bounds.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/thread_start.h"
#include "engine/control/apply.h"
#include "engine/control/snapshot.h"

namespace murder::coordinator {
namespace {

std::vector<std::string> lines_of(const std::vector<control::Record>& records) {
  std::vector<std::string> lines;
  lines.reserve(records.size());
  for (const control::Record& record : records) {
    lines.push_back(control::text_of(record));
  }
  return lines;
}

StateLoaded load_state(store::RecordStore& store) {
  const Result<std::vector<std::string>> lines = store.load();
  if (!lines) {
    return {.state = fail(lines.error())};
  }
  std::vector<control::Record> records;
  records.reserve(lines->size());
  for (const std::string& line : *lines) {
    Result<control::Record> record = control::parse_record(line);
    if (!record) {
      return {.state = fail(record.error())};
    }
    records.push_back(std::move(*record));
  }
  return {.state = control::replay(records, monotonic_now())};
}

class Serving {
 public:
  explicit Serving(store::RecordStore& store) : store_(store) {}

  StoreReply operator()(const ClaimLead& request) {
    LeadClaimed claimed{.leads = store_.try_lead(request.own_address)};
    if (claimed.leads && !*claimed.leads) {
      claimed.leader = store_.leader_address();
    }
    return claimed;
  }
  StoreReply operator()(const KeepLead&) { return LeadKept{.leads = store_.keep_lead()}; }
  StoreReply operator()(const LoadState&) { return load_state(store_); }
  StoreReply operator()(AppendRecords& request) {
    const Status done = store_.append(lines_of(request.records));
    return RecordsAppended{.done = done,
                           .records = std::move(request.records),
                           .last_number = store_.last_number(),
                           .wants_snapshot = store_.wants_snapshot()};
  }
  StoreReply operator()(const WriteSnapshot& request) {
    const std::vector<std::string> lines = lines_of(control::snapshot_of(request.state));
    return SnapshotWritten{.done = store_.write_snapshot(lines)};
  }
  StoreReply operator()(PutTorrent& request) {
    const Status done =
        store_.put_torrent(request.info_hash, std::as_bytes(std::span(request.bytes)));
    return TorrentPut{
        .info_hash = request.info_hash, .done = done, .bytes = std::move(request.bytes)};
  }
  StoreReply operator()(const GetTorrent& request) {
    const Result<std::vector<std::byte>> bytes = store_.get_torrent(request.info_hash);
    if (!bytes) {
      return TorrentGot{.info_hash = request.info_hash, .bytes = fail(bytes.error())};
    }
    return TorrentGot{
        .info_hash = request.info_hash,
        .bytes = std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size())};
  }
  StoreReply operator()(const ReadAudit& request) {
    return AuditRead{.lines = store_.read_audit(request.from, request.max),
                     .reader = request.reader};
  }

 private:
  store::RecordStore& store_;
};

// It takes much memory for a moment, of all hosts at once.
bool is_large(const StoreRequest& request) {
  const auto* append = std::get_if<AppendRecords>(&request);
  return std::holds_alternative<WriteSnapshot>(request) ||
         std::holds_alternative<LoadState>(request) ||
         (append != nullptr && append->records.size() >= limits::store_records_large);
}

}  // namespace

StoreReply serve(store::RecordStore& store, StoreRequest request) {
  return std::visit(Serving(store), request);
}

StoreThread::StoreThread(io::Reactor& reactor, std::unique_ptr<store::RecordStore> store,
                         Target target)
    : store_(std::move(store)),
      target_(target),
      notifier_(reactor, callback<&StoreThread::answer>(this)) {}

Result<std::unique_ptr<StoreThread>> StoreThread::start(io::Reactor& reactor,
                                                        std::unique_ptr<store::RecordStore> store,
                                                        Target target) {
  std::unique_ptr<StoreThread> made(new StoreThread(reactor, std::move(store), target));
  if (Status started = start_thread(made->thread_, [own = made.get()] { own->run(); }); !started) {
    return fail(started.error());
  }
  return made;
}

StoreThread::~StoreThread() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void StoreThread::ask(StoreRequest request) {
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
  }
  wake_.notify_one();
}

void StoreThread::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return ends_ || !requests_.empty(); });
    if (requests_.empty()) {
      store_->resign();
      return;
    }
    StoreRequest request = std::move(requests_.front());
    requests_.pop_front();
    lock.unlock();
    if (is_large(request)) {
      trim_at_ = monotonic_now() + limits::store_trim_after;
    }
    StoreReply reply = serve(*store_, std::move(request));
    trim_if_due();
    lock.lock();
    replies_.push_back(std::move(reply));
    notifier_.notify();
  }
}

// What was taken for the moment goes back to the kernel once all of it is free. A request comes
// each second, while this coordinator leads.
void StoreThread::trim_if_due() {
  if (monotonic_now() >= trim_at_) {
    trim_at_ = instant_never;
    malloc_trim(0);
  }
}

void StoreThread::answer(io::Notifier&) {
  std::vector<StoreReply> replies;
  {
    const std::lock_guard lock(mutex_);
    replies.swap(replies_);
  }
  for (StoreReply& reply : replies) {
    target_(std::move(reply));
  }
}

}  // namespace murder::coordinator
