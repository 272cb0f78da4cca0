#include "cli/control/relay_channels.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "cli/control/bounds.h"
#include "cli/control/link_relay.h"
#include "cli/fleet/rollout/channel_pump.h"
#include "engine/base/open_files_limit.h"

namespace murder::cli {
namespace {

class ChannelThreads {
 public:
  explicit ChannelThreads(HostPort coordinator) : coordinator_(std::move(coordinator)) {}
  ChannelThreads(const ChannelThreads&) = delete;
  ChannelThreads& operator=(const ChannelThreads&) = delete;

  ~ChannelThreads() = default;

  // Until the pump is at its end, and with it what they read.
  void serve(fleet::ChannelPump& pump) {
    pump_ = &pump;
    pump.run();
    for (auto& [channel, thread] : threads_) {
      thread.join();
    }
  }

  Result<fleet::StreamEnds> start(uint32_t channel) {
    int pair[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
      return fail_errno(errno, "a socket pair cannot be made");
    }
    Fd own(pair[0]);
    Fd other(pair[1]);
    Fd copy(fcntl(own.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy.is_open()) {
      return fail_errno(errno, "a descriptor cannot be copied");
    }
    try {
      threads_.emplace(channel, std::thread([this, channel, end = std::move(other)]() mutable {
                         pass(channel, std::move(end));
                       }));
    } catch (const std::system_error& error) {
      return fail(ErrorCode::limit, error.what());
    }
    return fleet::StreamEnds{.input = std::move(own), .output = std::move(copy)};
  }

 private:
  void pass(uint32_t channel, Fd end) {
    const Status passed = relay_link({.coordinator = coordinator_,
                                      .input = end.get(),
                                      .output = end.get(),
                                      .first_max = limits::relay_first_max});
    if (!passed) {
      pump_->set_why(channel, passed.error().text);
    }
  }

  const HostPort coordinator_;
  fleet::ChannelPump* pump_ = nullptr;
  std::map<uint32_t, std::thread> threads_;
};

}  // namespace

Status relay_channels(ChannelRelay relay) {
  static_cast<void>(raise_open_files_limit());  // four for each channel
  ChannelThreads threads(std::move(relay.coordinator));
  Result<std::unique_ptr<fleet::ChannelPump>> pump = fleet::ChannelPump::create(
      {.side = control::ChannelMux::Side::takes_channels,
       .take_opened = [&threads](uint32_t channel) { return threads.start(channel); }},
      {.input = std::move(relay.input), .output = std::move(relay.output)});
  if (!pump) {
    return fail(pump.error());
  }
  threads.serve(**pump);
  return {};
}

}  // namespace murder::cli
