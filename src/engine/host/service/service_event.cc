#include "engine/host/service/service_event.h"

namespace murder::host {
namespace {

constexpr bool are_in_order() {
  for (size_t index = 0; index < service_event_types.size(); ++index) {
    if (static_cast<size_t>(service_event_types[index].kind) != index) {
      return false;
    }
  }
  return true;
}
static_assert(are_in_order());

}  // namespace

JournalEntry journal_entry_of(const ServiceEvent& event) {
  const ServiceEventType& type = type_of(event.kind);
  JournalEntry entry;
  entry.add("MESSAGE", event.message)
      .add("PRIORITY", type.priority)
      .add("SYSLOG_IDENTIFIER", "murder")
      .add("MESSAGE_ID", type.message_id)
      .add("MURDER_EVENT", type.name)
      .add("MURDER_TAG", event.tag)
      .add("MURDER_HOST", event.host)
      .add("MURDER_INFO_HASH", event.info_hash)
      .add("MURDER_APP", event.app)
      .add("MURDER_BY", event.by);
  return entry;
}

}  // namespace murder::host
