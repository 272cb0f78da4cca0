#include "engine/host/helper_side.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <optional>

#include "engine/archive/landlock.h"
#include "engine/base/own_file.h"
#include "engine/host/background_peer.h"
#include "engine/host/helper_link.h"
#include "engine/host/peer_outcome.h"
#include "engine/host/run_directory.h"

namespace murder::host {
namespace {

constexpr int progress_interval_ms = 200;

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// The nearest directory at or above that is there.
io::Fd open_nearest(const std::string& path) {
  std::error_code error;
  std::filesystem::path at = std::filesystem::weakly_canonical(path, error);
  while (!error && !std::filesystem::is_directory(at, error) && at.has_relative_path()) {
    at = at.parent_path();
    error.clear();
  }
  return io::Fd(::open(at.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

class Helper {
 public:
  Helper(io::Fd socket, const RootHelperOptions& options)
      : link_(std::move(socket)), options_(options), ended_(eventfd(0, EFD_CLOEXEC)) {}
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  // Until the peer is gone, or sends what none of ours does.
  void serve() {
    bool is_going = ended_.is_open();
    while (is_going) {
      pollfd sources[] = {{.fd = link_.fd(), .events = POLLIN, .revents = 0},
                          {.fd = ended_.get(), .events = POLLIN, .revents = 0}};
      const int ready = poll(sources, 2, delivery_ ? progress_interval_ms : -1);
      if (sources[1].revents != 0) {
        is_going = tell_end();
      } else if (ready == 0) {
        is_going = tell_progress();
      }
      if (is_going && sources[0].revents != 0) {
        Result<HelperLink::Received> received = link_.receive();
        is_going = received && take(*received);
      }
    }
  }

  // The peer is gone: nothing of it stays.
  void clean_up() {
    delivery_.reset();  // cancels
    const Result<RunDirectory> directory = RunDirectory::open_existing(options_.run_directory);
    if (!directory) {
      return;
    }
    if (!options_.control_socket.empty()) {
      unlinkat(directory->fd(), options_.control_socket.c_str(), 0);
    }
    const std::string log = peer_log_name(options_.tag) + ".log";
    struct stat status {};
    if (ended_well_ && fstatat(directory->fd(), log.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        status.st_size == 0) {
      unlinkat(directory->fd(), log.c_str(), 0);
    }
  }

 private:
  bool take(HelperLink::Received& received) {
    const Json& message = received.message;
    const std::string kind = text_member(message, "kind");
    if (kind == "start") {
      return start(std::move(received.fd));
    }
    if (kind == "front") {
      return advance(count_member(message, "bytes"));
    }
    if (kind == "cancel") {
      if (delivery_) {
        delivery_->cancel();
      }
      return true;
    }
    if (kind == "outcome") {
      if (!may_be_written(message["outcome"])) {
        return false;
      }
      const Status written = write_outcome(options_.run_directory, options_.tag, message["outcome"],
                                           options_.sync_to_disk);
      return answer(written ? Json::object() : Json{{"error", json_of_failure(written.error())}});
    }
    if (kind == "is_outcome_gone") {
      return answer({{"is", is_cleaned_up(options_.run_directory, options_.tag) ||
                                has_other_peer(options_.run_directory, options_.tag, getppid())}});
    }
    if (kind == "end") {
      ended_well_ = true;
      return answer(Json::object());
    }
    if (kind == "forget_placing") {
      forget_placing(options_.run_directory, options_.tag);
      return answer(Json::object());
    }
    return false;
  }

  // Whoever has taken over the peer does not say for us that the release is there.
  [[nodiscard]] bool may_be_written(const Json& outcome) const {
    return is_placed_ || options_.delivery.keeps_archive ||
           text_member(outcome, "state") != outcome_done;
  }

  bool answer(const Json& message) { return link_.send(message).has_value(); }

  bool start(io::Fd archive) {
    if (delivery_ || was_started_ || !archive.is_open()) {
      return false;
    }
    was_started_ = true;
    archive_ = std::move(archive);
    opened_path_ = fmt::format("/proc/self/fd/{}", archive_.get());
    confine();
    DeliveryOptions delivery = options_.delivery;
    delivery.opened_path = opened_path_;
    delivery_.emplace(delivery, *options_.metainfo, callback<&Helper::delivery_ended>(this));
    return true;
  }

  // On the thread of the delivery.
  void delivery_ended() {
    const uint64_t one = 1;
    static_cast<void>(!write(ended_.get(), &one, sizeof(one)));
  }

  // Where a kernel has no Landlock, the thread that unpacks has a filter all the same.
  void confine() {
    const DeliveryOptions& delivery = options_.delivery;
    const std::string target = target_of(delivery);
    const Result<RunDirectory> directory = RunDirectory::open(options_.run_directory);
    const Result<std::string> behind = follow_own_links(target);
    std::vector<io::Fd> places;
    for (const std::string& path :
         {target, std::filesystem::path(target).parent_path().string(), delivery.to,
          behind ? std::filesystem::path(*behind).parent_path().string() : target}) {
      places.push_back(open_nearest(path));
    }
    archive::LandlockRules rules;
    for (const io::Fd& place : places) {
      if (place.is_open()) {
        rules.changed_fds.push_back(place.get());
      }
    }
    if (directory) {
      rules.changed_fds.push_back(directory->fd());
    }
    rules.read_fds.push_back(archive_.get());
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
      static_cast<void>(archive::restrict_to(rules));
    }
  }

  // What the peer says is checked: it may be anybody's by now.
  bool advance(uint64_t bytes) {
    if (bytes < front_bytes_ || bytes > options_.metainfo->geometry.total_bytes) {
      return false;
    }
    front_bytes_ = bytes;
    if (delivery_) {
      delivery_->advance(bytes);
    }
    return true;
  }

  bool tell_progress() {
    const Progress now = delivery_->progress();
    if (now == told_) {
      return true;
    }
    told_ = now;
    return answer({{"kind", "progress"}, {"done", now.done_bytes}, {"total", now.total_bytes}});
  }

  bool tell_end() {
    uint64_t count = 0;
    static_cast<void>(!read(ended_.get(), &count, sizeof(count)));
    delivery_->join();
    Json message = {{"kind", "done"}, {"warnings", Json(delivery_->warnings())}};
    if (delivery_->result()) {
      is_placed_ = true;
      message["path"] = *delivery_->result();
    } else {
      Error error = delivery_->result().error();
      error.text = replaced(error.text, opened_path_, options_.delivery.archive_path);
      message["error"] = json_of_failure(error);
      message["other_content"] = delivery_->found_other_content();
    }
    if (!delivery_->recorded()) {
      message["record_error"] = json_of_failure(delivery_->recorded().error());
    }
    delivery_.reset();
    return answer(message);
  }

  HelperLink link_;
  const RootHelperOptions& options_;
  io::Fd ended_;
  io::Fd archive_;
  std::string opened_path_;
  bool was_started_ = false;
  bool is_placed_ = false;
  bool ended_well_ = false;  // so nothing more comes to its log
  uint64_t front_bytes_ = 0;
  Progress told_;
  std::optional<Delivery> delivery_;
};

}  // namespace

void run_helper(io::Fd socket, const RootHelperOptions& options) {
  // A terminal's ^C is for the peer, with which this ends.
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    std::signal(signal_number, SIG_IGN);
  }
  // All others are the peer's: whoever is connected to it must see it end.
  constexpr int link_place = STDERR_FILENO + 1;
  io::Fd link(link_place);
  if (socket.get() == link_place) {
    static_cast<void>(socket.release());
  } else {
    dup3(socket.get(), link_place, O_CLOEXEC);
  }
  close_range(link_place + 1, ~0U, 0);
  static_cast<void>(socket.release());
  prctl(PR_SET_NAME, "murder-root");
  Helper helper(std::move(link), options);
  helper.serve();
  helper.clean_up();
  _exit(0);
}

}  // namespace murder::host
