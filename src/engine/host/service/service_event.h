// What a service reports to the journal. Each kind has a message id that never changes, so that an
// operator finds all of a kind: `journalctl MESSAGE_ID=...` (docs/packaging.md lists them).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/host/service/journal_entry.h"

namespace murder::host {

enum class ServiceEventKind : uint8_t {
  started,
  stopping,
  reloaded,
  reload_refused,
  release_announced,
  host_done,
  host_lost,
  release_complete,
  announce_refused,
  coordinator_found,
  coordinator_lost,
  release_activated,
  release_failed,
  release_published,
  release_revoked,
  rollout_started,
  rollout_wave,
  rollout_changed,
  rollout_host_failed,
  agent_seen,
  agent_forgotten,
  coordinator_failed,
};

struct ServiceEventType {
  ServiceEventKind kind = ServiceEventKind::started;
  std::string_view name;        // MURDER_EVENT
  std::string_view message_id;  // MESSAGE_ID
  std::string_view priority;    // of syslog: 4 warning, 5 notice, 6 info
};

inline constexpr std::array service_event_types = {
    ServiceEventType{ServiceEventKind::started, "started", "75dde26aa0804e05b7f53615ac666585", "5"},
    ServiceEventType{ServiceEventKind::stopping, "stopping", "ef27b8e30e794f079f89fcd79b241e38",
                     "5"},
    ServiceEventType{ServiceEventKind::reloaded, "reloaded", "f97b2f5ebd3b42b7b507a930457722a3",
                     "5"},
    ServiceEventType{ServiceEventKind::reload_refused, "reload_refused",
                     "0d935252ea664538b14719d518161675", "4"},
    ServiceEventType{ServiceEventKind::release_announced, "release_announced",
                     "328ebfc11ec04a11bc8c894be5d6feac", "5"},
    ServiceEventType{ServiceEventKind::host_done, "host_done", "b830ad2742d54909a527cfec40c0eef1",
                     "6"},
    ServiceEventType{ServiceEventKind::host_lost, "host_lost", "6194bc439b1b4ee6b7b0824d04e77eaf",
                     "4"},
    ServiceEventType{ServiceEventKind::release_complete, "release_complete",
                     "56bb0b5110bf42e687f1cc6fce4bc097", "5"},
    ServiceEventType{ServiceEventKind::announce_refused, "announce_refused",
                     "db5e7a15d41148419c4531351502e015", "4"},
    ServiceEventType{ServiceEventKind::coordinator_found, "coordinator_found",
                     "987d0c9114440fa1e0328f0a673078e3", "6"},
    ServiceEventType{ServiceEventKind::coordinator_lost, "coordinator_lost",
                     "0ca78bbda7715e16c738dd7913300330", "4"},
    ServiceEventType{ServiceEventKind::release_activated, "release_activated",
                     "8675a3d8a90a2e572b9097cd71f24211", "5"},
    ServiceEventType{ServiceEventKind::release_failed, "release_failed",
                     "ea4a0897784b426d2d89d9f754c018f3", "4"},
    ServiceEventType{ServiceEventKind::release_published, "release_published",
                     "2a17635fc542425dad31008efe860acc", "5"},
    ServiceEventType{ServiceEventKind::release_revoked, "release_revoked",
                     "c8ef21485b3c46bdb5367b0aa6393331", "4"},
    ServiceEventType{ServiceEventKind::rollout_started, "rollout_started",
                     "8f12028e9840491d80b02d92655ffd7d", "5"},
    ServiceEventType{ServiceEventKind::rollout_wave, "rollout_wave",
                     "3fd12b6388b647b6bc972234422dee5d", "6"},
    ServiceEventType{ServiceEventKind::rollout_changed, "rollout_changed",
                     "b4975a71c8f340b2b49100f5c036284d", "5"},
    ServiceEventType{ServiceEventKind::rollout_host_failed, "rollout_host_failed",
                     "a3462461813a4d1b9ef4f169139abc05", "4"},
    ServiceEventType{ServiceEventKind::agent_seen, "agent_seen", "b0858bb839e447e8bb9c5ff2f14d9d65",
                     "6"},
    ServiceEventType{ServiceEventKind::agent_forgotten, "agent_forgotten",
                     "06c1ca740ac34bf5888f63b46031b627", "5"},
    ServiceEventType{ServiceEventKind::coordinator_failed, "coordinator_failed",
                     "a9860f40a412414882e092014b85399c", "4"},
};

[[nodiscard]] constexpr const ServiceEventType& type_of(ServiceEventKind kind) {
  return service_event_types[static_cast<size_t>(kind)];
}

struct ServiceEvent {
  ServiceEventKind kind = ServiceEventKind::started;
  std::string message;    // one line for people
  std::string tag;        // of the release; empty: none
  std::string host;       // likewise
  std::string info_hash;  // likewise, 40 hexadecimal digits
  std::string app;        // of a rollout; empty: none
  std::string by;         // who asked for it; likewise
};

[[nodiscard]] JournalEntry journal_entry_of(const ServiceEvent& event);

}  // namespace murder::host
