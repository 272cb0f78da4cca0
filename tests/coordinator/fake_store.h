// A store whose answers a test decides.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "coordinator/store/record_store.h"

namespace murder::coordinator {

// What a test and a store share; it outlives both the coordinator and its thread.
struct FakeDisk {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_held = false;  // appends wait
  bool is_full = false;  // appends fail
  bool leads = true;
  std::vector<std::string> lines;

  void hold(bool held) {
    const std::lock_guard lock(mutex);
    is_held = held;
    changed.notify_all();
  }
  void set_full(bool full) {
    const std::lock_guard lock(mutex);
    is_full = full;
  }
  void set_leads(bool value) {
    const std::lock_guard lock(mutex);
    leads = value;
  }
  size_t line_count() {
    const std::lock_guard lock(mutex);
    return lines.size();
  }
};

class FakeStore final : public store::RecordStore {
 public:
  explicit FakeStore(FakeDisk& disk) : disk_(disk) {}

  std::string name() const override { return "fake"; }
  std::string leader_address() override { return "other:8998"; }
  Result<std::vector<std::byte>> get_torrent(const InfoHash&) override {
    return fail(ErrorCode::not_found, "no torrent");
  }
  Result<std::vector<InfoHash>> list_torrents() override { return std::vector<InfoHash>(); }

 protected:
  Result<bool> take_lead(std::string_view) override {
    const std::lock_guard lock(disk_.mutex);
    return disk_.leads;
  }
  Result<bool> renew_lead() override {
    const std::lock_guard lock(disk_.mutex);
    return disk_.leads;
  }
  void give_lead_back() override {}
  Status replace_snapshot(std::span<const std::string>) override { return {}; }
  Result<std::vector<store::AuditLine>> read_records(uint64_t, size_t) override {
    return std::vector<store::AuditLine>();
  }
  Status write_torrent(const InfoHash&, std::span<const std::byte>) override { return {}; }
  Status erase_torrent(const InfoHash&) override { return {}; }
  Result<Loaded> read_all() override {
    const std::lock_guard lock(disk_.mutex);
    return Loaded{.lines = disk_.lines, .snapshot_lines = 0, .last_number = disk_.lines.size()};
  }
  Status write_records(std::span<const std::string> lines) override {
    std::unique_lock lock(disk_.mutex);
    disk_.changed.wait(lock, [this] { return !disk_.is_held; });
    if (disk_.is_full) {
      return fail(ErrorCode::no_space, "the disk is full");
    }
    disk_.lines.insert(disk_.lines.end(), lines.begin(), lines.end());
    return {};
  }

 private:
  FakeDisk& disk_;
};

}  // namespace murder::coordinator
