#include "cli/commands/tracker/copy_arguments.h"

#include <fmt/format.h>

#include <optional>

namespace murder::cli {
namespace {

// By its own key: a certificate need not have this address.
std::string announce_url(const TrackerSettings& settings, const std::string& own_address) {
  const std::optional<tls::ServerContext>& certificate = settings.tracker.tunables.certificate;
  return certificate ? fmt::format("https://{}/announce#pin={}", own_address,
                                   tls::pin_text(certificate->pin()))
                     : fmt::format("http://{}/announce", own_address);
}

}  // namespace

std::vector<std::string> copy_arguments(const TrackerSettings& settings,
                                        const std::string& own_address) {
  std::vector<std::string> arguments = {"--tracker", announce_url(settings, own_address),
                                        "--memory", "16MiB"};
  if (settings.orders_from_anywhere) {
    arguments.emplace_back("--open");
  } else if (!settings.fleet_key_path.empty()) {
    arguments.insert(arguments.end(), {"--fleet-key", settings.fleet_key_path});
  }
  if (!settings.transport.empty()) {
    arguments.insert(arguments.end(), {"--transport", settings.transport});
  }
  return arguments;
}

}  // namespace murder::cli
