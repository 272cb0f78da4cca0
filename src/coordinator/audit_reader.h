// The audit log for operators: lines of it, and the rollouts that were. Both are read by the
// store's thread, a part at a time, so that records are written in between.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "coordinator/bounds.h"
#include "coordinator/store_thread.h"
#include "engine/base/endpoint.h"
#include "engine/http/server.h"

namespace murder::coordinator {

// A rollout as the log has it.
struct PastRollout {
  std::string tag;  // empty: it was published before what was read
  uint32_t release = 0;
  uint64_t number = 0;
  std::string by;
  int64_t started_s = 0;
  std::string state;
  std::string why;
  int64_t changed_s = 0;  // when it came into this state
  std::vector<int64_t> waves_began_s;
  uint32_t told_count = 0;
  uint32_t healthy_count = 0;
  uint32_t failed_count = 0;
};

// Made of the lines of a log, in their order. Pure.
class RolloutHistory {
 public:
  // The latest `max` rollouts of this app.
  RolloutHistory(std::string app, size_t max) : app_(std::move(app)), max_(max) {}

  void add(std::string_view line);
  [[nodiscard]] std::string json() const;

 private:
  std::string app_;
  size_t max_;
  std::map<uint32_t, std::string> tags_;  // by number
  std::deque<PastRollout> rollouts_;
};

// On the thread of the server. limits::audit_readers_max readers at a time, and some of one address
// at most. One of them is at the store at a time, so that records wait for one read alone.
class AuditReaders {
 public:
  AuditReaders(StoreThread& store, http::Server& server) : store_(store), server_(server) {}

  [[nodiscard]] http::Response read_lines(uint64_t from, size_t max, uint64_t ticket,
                                          const IpAddress& address);
  // `last`: the number of the log's last record, nearly.
  [[nodiscard]] http::Response read_history(const std::string& app, size_t max, uint64_t last,
                                            uint64_t ticket, const IpAddress& address);
  void store_replied(AuditRead reply);

 private:
  struct Reader {
    uint64_t ticket = 0;
    IpAddress address;
    std::unique_ptr<RolloutHistory> history;  // nullptr: the lines are wanted
  };
  struct Answer {
    uint64_t ticket = 0;
    http::Response response;
  };
  [[nodiscard]] std::optional<Answer> take(AuditRead reply);
  [[nodiscard]] http::Response begin(Reader reader, uint64_t from, size_t max);
  void ask_next();

  StoreThread& store_;
  http::Server& server_;
  std::unordered_map<uint64_t, Reader> readers_;
  std::deque<ReadAudit> next_;  // what is asked of the store, one after the other
  bool is_asking_ = false;
  uint64_t reader_count_ = 0;
};

}  // namespace murder::coordinator
