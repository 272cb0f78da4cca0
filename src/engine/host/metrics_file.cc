#include "engine/host/metrics_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "engine/base/small_file.h"
#include "engine/base/thread_start.h"

namespace murder::host {
namespace {

constexpr Duration write_interval = std::chrono::seconds(15);
constexpr auto disk_wait_max = std::chrono::seconds(5);
constexpr mode_t metrics_mode = 0644;

}  // namespace

Status write_metrics_file(const std::string& path, const std::string& text) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return fail(ErrorCode::conflict,
                fmt::format("{} is not a regular file: name another, or remove it", path));
  }
  // Of a host that loses power, the latest figures may be lost.
  return write_small_file(
      path, text, SmallFile{.mode = metrics_mode, .ignores_umask = true, .sync_to_disk = false});
}

struct MetricsWriter::Shared {
  std::string path;
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<std::string> next;
  bool is_ending = false;
  bool has_ended = false;
  bool has_failed = false;
  std::optional<Error> error;  // that nobody took yet
  std::atomic<int> holder_count{2};

  // The thread. Returns when it is to end and nothing is left to write.
  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return next.has_value() || is_ending; });
      if (!next) {
        break;
      }
      const std::string text = *std::exchange(next, std::nullopt);
      lock.unlock();
      Status written = write_metrics_file(path, text);
      lock.lock();
      if (!written && !std::exchange(has_failed, true)) {
        error = std::move(written.error());
      }
    }
    has_ended = true;
    changed.notify_all();
  }
};

void MetricsWriter::Release::operator()(Shared* shared) const {
  if (shared->holder_count.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    delete shared;
  }
}

Result<std::unique_ptr<MetricsWriter>> MetricsWriter::create(const std::string& path) {
  Held shared(new Shared);
  shared->path = path;
  // It holds the state as well: where a disk never answers, the process ends without it.
  Held of_thread(shared.get());
  std::unique_ptr<MetricsWriter> writer(new MetricsWriter(std::move(shared)));
  if (Status started =
          start_thread(writer->thread_, [held = std::move(of_thread)] { held->run(); });
      !started) {
    return fail(std::move(started.error()));
  }
  return writer;
}

MetricsWriter::~MetricsWriter() {
  end();
}

void MetricsWriter::put(std::string text) {
  const std::lock_guard lock(shared_->mutex);
  shared_->next = std::move(text);
  shared_->changed.notify_all();
}

void MetricsWriter::finish(std::string text) {
  put(std::move(text));
  end();
}

void MetricsWriter::end() {
  if (!thread_.joinable()) {
    return;
  }
  std::unique_lock lock(shared_->mutex);
  shared_->is_ending = true;
  shared_->changed.notify_all();
  const bool has_ended =
      shared_->changed.wait_for(lock, disk_wait_max, [this] { return shared_->has_ended; });
  if (!has_ended && !std::exchange(shared_->has_failed, true)) {
    shared_->error = Error{ErrorCode::timeout, fmt::format("{} was not written within {} s",
                                                           shared_->path, disk_wait_max.count())};
  }
  lock.unlock();
  if (has_ended) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

std::optional<Error> MetricsWriter::take_error() {
  const std::lock_guard lock(shared_->mutex);
  return std::exchange(shared_->error, std::nullopt);
}

MetricsKeeper::MetricsKeeper(io::Reactor& reactor, const std::string& path, TextSource text,
                             Parent& parent)
    : reactor_(reactor),
      text_(text),
      parent_(parent),
      timer_(reactor.timers(), callback<&MetricsKeeper::on_timer>(this)) {
  Result<std::unique_ptr<MetricsWriter>> writer = MetricsWriter::create(path);
  if (!writer) {
    parent_.warn("--metrics-file: " + writer.error().text);
    return;
  }
  writer_ = std::move(*writer);
  timer_.arm(reactor_.now());
}

void MetricsKeeper::write_now() {
  if (writer_ != nullptr) {
    writer_->put(text_());
  }
}

void MetricsKeeper::finish(std::string text) {
  if (writer_ != nullptr) {
    writer_->finish(std::move(text));
    say_errors();
  }
}

void MetricsKeeper::on_timer(io::Timer& timer) {
  say_errors();
  write_now();
  timer.arm(reactor_.now() + write_interval);
}

void MetricsKeeper::say_errors() {
  if (const std::optional<Error> error = writer_->take_error()) {
    parent_.warn("--metrics-file: " + error->text);
  }
}

}  // namespace murder::host
