#include "cli/commands/tune/ethtool.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace murder::cli::tune {
namespace {

// Returns 0 or an errno.
int ask(const std::string& interface, void* command) {
  ifreq request{};
  if (interface.empty() || interface.size() >= sizeof(request.ifr_name)) {
    return ENODEV;
  }
  std::memcpy(request.ifr_name, interface.data(), interface.size());
  request.ifr_data = static_cast<char*>(command);
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return errno;
  }
  const int error_number = ::ioctl(fd, SIOCETHTOOL, &request) == 0 ? 0 : errno;
  ::close(fd);
  return error_number;
}

Status outcome_of(int error_number, const char* what, const std::string& interface) {
  return error_number == 0 ? Status()
                           : Status(fail_errno(error_number, std::string("cannot set the ") + what +
                                                                 " of " + interface));
}

}  // namespace

std::optional<RingFacts> read_ring(const std::string& interface) {
  ethtool_ringparam ring{};
  ring.cmd = ETHTOOL_GRINGPARAM;
  if (ask(interface, &ring) != 0) {
    return std::nullopt;
  }
  return RingFacts{.receive = ring.rx_pending, .receive_max = ring.rx_max_pending};
}

std::optional<ChannelFacts> read_channels(const std::string& interface) {
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  if (ask(interface, &channels) != 0) {
    return std::nullopt;
  }
  return ChannelFacts{.combined = channels.combined_count, .combined_max = channels.max_combined};
}

Status set_receive_ring(const std::string& interface, uint32_t entries) {
  ethtool_ringparam ring{};
  ring.cmd = ETHTOOL_GRINGPARAM;
  int error_number = ask(interface, &ring);
  if (error_number == 0) {
    ring.cmd = ETHTOOL_SRINGPARAM;
    ring.rx_pending = entries;
    error_number = ask(interface, &ring);
  }
  return outcome_of(error_number, "receive ring", interface);
}

Status set_combined_channels(const std::string& interface, uint32_t count) {
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  int error_number = ask(interface, &channels);
  if (error_number == 0) {
    channels.cmd = ETHTOOL_SCHANNELS;
    channels.combined_count = count;
    error_number = ask(interface, &channels);
  }
  return outcome_of(error_number, "queues", interface);
}

}  // namespace murder::cli::tune
