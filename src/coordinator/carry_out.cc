#include "coordinator/carry_out.h"

#include <fmt/format.h>

#include <algorithm>

#include "coordinator/bounds.h"
#include "coordinator/json_response.h"
#include "coordinator/signed_orders.h"
#include "engine/base/ensure.h"
#include "engine/base/json_writer.h"
#include "engine/host/release_directory.h"
#include "engine/trust/statement.h"

namespace murder::coordinator {
namespace {

using control::Coordinator;
using control::Moment;

// The highest of an app is followed by the next one.
uint64_t next_serial(const control::App* app) {
  uint64_t highest = 0;
  if (app != nullptr) {
    for (const control::Release& release : app->releases) {
      highest = std::max(highest, release.serial);
    }
  }
  return highest + 1;
}

http::Response publish(Coordinator& machine, const WaitingRequest& waiting,
                       const CopySource& copies, Moment moment) {
  const OperatorRequest& request = waiting.request;
  const control::App* app = machine.state().find_app(request.app);
  const control::Release* same = app == nullptr ? nullptr : find_release(*app, waiting.info_hash);
  const bool is_again = same != nullptr && same->tag == request.tag;
  const uint64_t serial = request.serial.value_or(is_again ? same->serial : next_serial(app));
  if (serial > trust::serial_max) {
    return json_error(400, fmt::format("a serial is a number from 0 to {}", trust::serial_max));
  }
  if (request.tag == host::current_link_default) {
    return json_error(400, fmt::format("{} is the name of the link to what is active on a host: "
                                       "choose another tag",
                                       request.tag));
  }
  const Status done =
      machine.publish(request.app, request.tag, waiting.info_hash, serial, waiting.by, moment);
  if (!done) {
    return json_error(done.error());
  }
  app = machine.state().find_app(request.app);
  const control::Release* release = find_release(*app, std::string_view(request.tag));
  ENSURE(release != nullptr);
  return json_answer(show_release(machine, copies, *app, *release));
}

// A release that hosts run and that nobody fetches: they may have to return to it.
http::Response note_release(Coordinator& machine, const WaitingRequest& waiting,
                            const CopySource& copies, Moment moment) {
  const OperatorRequest& request = waiting.request;
  const Status done =
      machine.publish(request.app, request.tag, request.info_hash, 0, waiting.by, moment);
  if (!done) {
    return json_error(done.error());
  }
  const control::App* app = machine.state().find_app(request.app);
  const control::Release* release = find_release(*app, std::string_view(request.tag));
  ENSURE(release != nullptr);
  return json_answer(show_release(machine, copies, *app, *release));
}

http::Response show_one_release(const Coordinator& machine, const OperatorRequest& request,
                                const CopySource& copies) {
  const control::App* app = machine.state().find_app(request.app);
  const control::Release* release =
      app == nullptr ? nullptr : find_release(*app, std::string_view(request.tag));
  if (release == nullptr) {
    return json_error(404,
                      fmt::format("no release {} of {} is published", request.tag, request.app));
  }
  return json_answer(show_release(machine, copies, *app, *release));
}

http::Response forgotten(const std::string& host) {
  JsonWriter json;
  json.begin_object();
  json.member("host", host);
  json.member("forgotten", true);
  json.end_object();
  return json_answer(json.take());
}

http::Response approve(Coordinator& machine, const WaitingRequest& waiting, Moment moment) {
  const OperatorRequest& request = waiting.request;
  ENSURE(waiting.approvals != nullptr);
  const Result<std::string> identity = waiting.approvals->approve(request.host, request.identity);
  if (!identity) {
    return json_error(identity.error());
  }
  const Status noted = machine.note_approval(request.host, *identity, waiting.by, moment);
  return noted ? json_answer(show_approved(request.host, *identity)) : json_error(noted.error());
}

// Paused before anything is decided: no host is told in between.
Status start(Coordinator& machine, const WaitingRequest& waiting, Moment moment) {
  const OperatorRequest& request = waiting.request;
  Status started = machine.start(request.app, request.tag, request.plan, waiting.by, moment);
  return started && request.is_paused ? machine.pause(request.app, waiting.by, moment) : started;
}

Status ask_machine(Coordinator& machine, const WaitingRequest& waiting, Moment moment) {
  const OperatorRequest& request = waiting.request;
  switch (request.action) {
    case Action::revoke:
      return machine.revoke(request.app, request.tag, waiting.by, moment, request.why);
    case Action::start:
      return start(machine, waiting, moment);
    case Action::pause:
      return machine.pause(request.app, waiting.by, moment);
    case Action::resume:
      return machine.resume(request.app, waiting.by, moment);
    case Action::abort:
      return machine.abort(request.app, waiting.by, moment);
    default:
      ENSURE(request.action == Action::undo);
      return machine.undo(request.app, waiting.by, moment);
  }
}

// With the orders that go with it: hosts are told of both at once.
Status change(Coordinator& machine, const WaitingRequest& waiting, Moment moment) {
  const Result<std::vector<SignedOrder>> orders =
      read_signed_orders(machine.state(), waiting.request);
  if (!orders) {
    return fail(orders.error());
  }
  if (Status done = ask_machine(machine, waiting, moment); !done) {
    return done;
  }
  return give_orders(machine, waiting.request.app, *orders, waiting.by, moment);
}

}  // namespace

http::Response carry_out(Coordinator& machine, const WaitingRequest& waiting,
                         const CopySource& copies, const FactsSource& facts, Moment moment) {
  const OperatorRequest& request = waiting.request;
  switch (request.action) {
    case Action::publish:
      return publish(machine, waiting, copies, moment);
    case Action::note_release:
      return note_release(machine, waiting, copies, moment);
    case Action::revoke: {
      const Status done = change(machine, waiting, moment);
      return done ? show_one_release(machine, request, copies) : json_error(done.error());
    }
    case Action::start:
    case Action::pause:
    case Action::resume:
    case Action::abort:
    case Action::undo: {
      const Status done = change(machine, waiting, moment);
      return done ? json_answer(show_rollouts(machine, request.app, moment.now, moment.wall_s))
                  : json_error(done.error());
    }
    case Action::forget: {
      const Status done = machine.forget(request.host, waiting.by, moment);
      return done ? forgotten(request.host) : json_error(done.error());
    }
    case Action::show_release:
      return show_one_release(machine, request, copies);
    case Action::show_releases:
      return json_answer(show_releases(machine, copies, request.app));
    case Action::show_rollouts:
      return json_answer(show_rollouts(machine, request.app, moment.now, moment.wall_s));
    case Action::show_agents:
      return json_answer(show_agents(
          machine, facts, {.group = request.group, .app = request.app, .not_at = request.not_at},
          moment.now));
    case Action::approve:
      return approve(machine, waiting, moment);
    case Action::end_deploy:
    case Action::show_right:
    case Action::show_waiting:
    case Action::show_history:
    case Action::show_audit:
    case Action::fetch_torrent:
    case Action::connect_agent:
      break;
  }
  return json_error(400, "not a request for the machine");
}

}  // namespace murder::coordinator
