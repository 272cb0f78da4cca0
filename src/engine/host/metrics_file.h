// --metrics-file: the metrics of a process in a file, as the textfile collector of node-exporter
// reads it. docs/monitoring.md lists them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "engine/base/result.h"
#include "engine/host/parent.h"
#include "engine/host/text_source.h"
#include "engine/io/reactor.h"

namespace murder::host {

// Replaces the file in one step, readable by everybody whatever the umask. Something else than a
// regular file in its place (a device, a link) stays, and is an Error.
[[nodiscard]] Status write_metrics_file(const std::string& path, const std::string& text);

// Writes a file again and again on a separate thread, since a disk may take its time. Holds one
// text that waits to be written; a newer one replaces it. Ends with finish() or its destructor,
// which wait for the disk, but not for long.
class MetricsWriter {
 public:
  [[nodiscard]] static Result<std::unique_ptr<MetricsWriter>> create(const std::string& path);
  MetricsWriter(const MetricsWriter&) = delete;
  MetricsWriter& operator=(const MetricsWriter&) = delete;
  ~MetricsWriter();

  void put(std::string text);
  // The last text; nothing comes after it.
  void finish(std::string text);
  // What went wrong first, once.
  [[nodiscard]] std::optional<Error> take_error();

 private:
  // Of this object and of its thread: the last of them frees it.
  struct Shared;
  struct Release {
    void operator()(Shared* shared) const;
  };
  using Held = std::unique_ptr<Shared, Release>;

  explicit MetricsWriter(Held shared) : shared_(std::move(shared)) {}
  void end();

  Held shared_;
  std::thread thread_;
};

// Gives the writer what `text` reads, every 15 s and when asked, and tells its parent once when
// that fails: the process goes on. On the thread of the reactor, which outlives it.
class MetricsKeeper {
 public:
  MetricsKeeper(io::Reactor& reactor, const std::string& path, TextSource text, Parent& parent);

  void write_now();
  // The reactor has ended: this may block.
  void finish(std::string text);

 private:
  void on_timer(io::Timer& timer);
  void say_errors();

  io::Reactor& reactor_;
  TextSource text_;
  Parent& parent_;
  std::unique_ptr<MetricsWriter> writer_;  // nullptr: it could not be started
  io::Timer timer_;
};

}  // namespace murder::host
