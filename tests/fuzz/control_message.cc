// Fuzzes what agents and coordinators send each other, and what an agent keeps: what is understood
// is written and understood again as the same, within its bounds; a machine takes what is wanted.

#include <string>
#include <string_view>

#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/control/agent.h"
#include "engine/control/bounds.h"
#include "engine/control/frame.h"
#include "engine/control/kept_text.h"
#include "engine/control/link_messages.h"
#include "engine/control/message_text.h"
#include "engine/control/relay_messages.h"
#include "engine/control/report_check.h"

using namespace murder;
using namespace murder::control;

namespace {

void check_kept(std::string_view text) {
  const Result<KeptAgent> kept = parse_kept(text);
  if (!kept) {
    ENSURE(!kept.error().text.empty());
    return;
  }
  const std::string again = text_of(*kept);
  const Result<KeptAgent> read = parse_kept(again);
  ENSURE(read && text_of(*read) == again);
  AgentConfig config{.host = "w1", .rack = {}, .groups = {}, .apps = {}};
  for (const KeptApp& app : kept->apps) {
    config.apps.push_back({.app = app.app, .has_health_check = true});
  }
  AgentMachine machine(config, *kept, 1, Instant(std::chrono::hours(1)));
  (void)machine.take_work();
  machine.tick(Instant(std::chrono::hours(2)));
  ENSURE(text_of(machine.make_report(Instant(std::chrono::hours(2)))).size() <=
         limits::control_agent_message_bytes_max);
}

void check_relayed(std::string_view text) {
  if (const auto get = parse_relay_get(text); get && *get) {
    const auto again = parse_relay_get(text_of(**get));
    ENSURE(again && *again == *get);
  }
  if (const auto link = parse_relay_link(text); link && *link) {
    const auto again = parse_relay_link(text_of(**link));
    ENSURE(again && *again == *link);
  }
  if (const auto unlinked = parse_relay_unlinked(text); unlinked && *unlinked) {
    const auto again = parse_relay_unlinked(text_of(**unlinked));
    ENSURE(again && *again == *unlinked);
  }
  if (const auto got = parse_relay_got(text); got && *got) {
    const auto again = parse_relay_got(text_of(**got));
    ENSURE(again && *again == *got);
  }
}

void check_messages(std::string_view text) {
  check_relayed(text);
  if (const Result<AgentMessage> message = parse_agent_message(text)) {
    if (const auto* report = std::get_if<Report>(&*message)) {
      ENSURE(check_report(*report).has_value());
      const std::string again = text_of(*report);
      const Result<Report> read = parse_report(again);
      ENSURE(read && text_of(*read) == again);
    } else if (const auto* hello = std::get_if<Hello>(&*message)) {
      ENSURE(parse_agent_message(text_of(*hello)).has_value());
    }
  }
  const Result<CoordinatorMessage> message = parse_coordinator_message(text);
  if (!message) {
    ENSURE(!message.error().text.empty());
    return;
  }
  const auto* wanted = std::get_if<Wanted>(&*message);
  if (wanted == nullptr) {
    return;
  }
  const std::string again = text_of(*wanted);
  const Result<Wanted> read = parse_wanted(again);
  ENSURE(read && text_of(*read) == again);
  AgentConfig config{.host = "w1", .rack = {}, .groups = {}, .apps = {}};
  for (const WantedApp& app : wanted->apps) {
    config.apps.push_back({.app = app.app, .has_health_check = false});
  }
  AgentMachine machine(config, {}, wanted->greeting.session, Instant(std::chrono::hours(1)));
  (void)machine.make_report(Instant(std::chrono::hours(1)));
  machine.hear(*wanted, Instant(std::chrono::hours(1)));
  for (const Step& step : machine.take_work().steps) {
    if (step.number != 0) {
      machine.end_step(step.app, step.number, true, "", Instant(std::chrono::hours(1)));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = as_text_of({data, size});
  check_kept(text);
  check_messages(text);
  FrameReader reader(limits::control_agent_message_bytes_max);
  reader.put(std::as_bytes(std::span(data, size)));
  std::string frame;
  while (reader.next(frame).value_or(false)) {
    ENSURE(!frame.empty() && frame.size() <= limits::control_agent_message_bytes_max);
    check_messages(frame);
  }
  return 0;
}
