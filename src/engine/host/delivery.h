// Puts a fetched release into its place, on a separate thread.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/archive/front_source.h"
#include "engine/archive/observer.h"
#include "engine/archive/tree_writer.h"
#include "engine/base/result.h"
#include "engine/codec/metainfo.h"
#include "engine/host/delivery_work.h"
#include "engine/host/placed_release.h"
#include "engine/host/serial_guard.h"
#include "engine/host/signed_release.h"

namespace murder::host {

struct PlacingNote {
  std::string run_directory;  // as RunDirectory::open() takes it
  std::string tag;
  std::string info_hash;
};

struct DeliveryRecord {
  ReleasePlace place;
  RecordOptions options;
};

struct DeliveryOptions {
  std::string archive_path;
  std::string opened_path;  // where it is opened; empty: there
  std::string to;           // absolute
  // Of a file: `to` is the directory it goes into, and never the file's own name.
  bool to_is_directory = false;
  bool makes_directory = false;  // it may be missing
  std::string tag;               // empty: DIR itself
  bool replace = false;
  uint64_t unpacked_bytes_max = 0;      // 0: no limit
  std::optional<archive::Owner> owner;  // none: whoever runs this
  bool keep_set_id = false;             // of what is unpacked
  bool keep_attributes = false;         // likewise: extended ones
  bool sync_to_disk = true;             // it outlasts a power cut before it is told to be there
  bool keeps_archive = false;           // nothing is put anywhere: the archive is what was wanted
  bool is_there = false;  // the tree, since a peer that was killed afterwards had placed it
  // On the delivery's thread: that a tree gets its name next is noted there (peer_outcome.h), or in
  // the record where that outlasts a power cut, until it got none after all.
  std::optional<PlacingNote> placing_note;
  // Likewise: when the release is in place, that is written down.
  std::optional<DeliveryRecord> record;
  // What this host demands a signature of; none: it demands none. Nothing gets its name before its
  // content was compared, and the serial was found right.
  std::optional<SignedPlacing> signed_placing;
};

// Where the tree of a release that is one goes.
[[nodiscard]] std::string target_of(const DeliveryOptions& options);

// What can be known before the first byte is fetched: whether the target may take the release.
[[nodiscard]] Status check_target(const DeliveryOptions& options, const codec::Metainfo& metainfo);

// Whether the release is an archive to be unpacked, which can begin before all of it is there.
[[nodiscard]] bool is_packed(const codec::Metainfo& metainfo);

// "unpacking", "copying" or "syncing".
[[nodiscard]] std::string_view phase_of(const DeliveryOptions& options,
                                        const codec::Metainfo& metainfo);

// Starts at once. What is packed is unpacked as far as advance() has told that it is verified, so
// that little is left to do when the last piece comes; anything else must be there already. `end`
// is told last of all; then join() and result().
class Delivery final : public DeliveryWork, private archive::Observer {
 public:
  Delivery(const DeliveryOptions& options, const codec::Metainfo& metainfo, DeliveryEnd end);
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;
  ~Delivery() override;

  void advance(uint64_t bytes) override { front_.advance(bytes); }
  void cancel() override {
    cancel_.set();
    front_.stop();
  }
  void join() override;
  [[nodiscard]] const Result<std::string>& result() const override { return result_; }
  [[nodiscard]] const std::vector<std::string>& warnings() const override { return warnings_; }
  [[nodiscard]] const Status& recorded() const override { return recorded_; }
  [[nodiscard]] bool found_other_content() const override {
    return !result_ && result_.error().code == ErrorCode::untrusted && !is_content_right_;
  }
  [[nodiscard]] Progress progress() const override;
  [[nodiscard]] std::string_view phase() const override { return phase_of(options_, metainfo_); }

 private:
  void progress(const archive::ByteProgress& progress) override;
  [[nodiscard]] Status may_place() override;
  void placing(int directory_fd) override;
  void warning(std::string_view text) override { warnings_.emplace_back(text); }
  void run();
  [[nodiscard]] bool has_its_name() const;
  [[nodiscard]] Result<std::string> deliver();
  [[nodiscard]] Result<std::string> deliver_archive();
  [[nodiscard]] Result<std::string> unpack();
  [[nodiscard]] std::optional<archive::ContentDigest> signed_content() const;

  DeliveryOptions options_;
  const codec::Metainfo& metainfo_;
  [[nodiscard]] const std::string& opened_path() const {
    return options_.opened_path.empty() ? options_.archive_path : options_.opened_path;
  }

  archive::CancelFlag cancel_;
  archive::VerifiedFront front_;
  std::atomic<uint64_t> bytes_done_{0};
  std::atomic<uint64_t> bytes_total_{0};
  Result<std::string> result_;
  std::vector<std::string> warnings_;  // of the delivery's thread, until it ends
  Status recorded_;
  bool is_content_right_ = false;     // of the delivery's thread, as the guard
  bool is_placing_recorded_ = false;  // likewise
  std::optional<SerialGuard> guard_;  // while something gets its name
  std::thread thread_;
};

}  // namespace murder::host
