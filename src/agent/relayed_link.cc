// A link whose frames are passed on by whoever started the agent (control/relay_messages.h).
#include <fmt/format.h>

#include <utility>

#include "agent/bounds.h"
#include "agent/coordinator_link.h"
#include "engine/base/ensure.h"
#include "engine/control/bounds.h"
#include "engine/control/names.h"
#include "engine/control/relay_messages.h"

namespace murder::agent {
namespace {

constexpr uint64_t relayed_status_forbidden = 403;

}  // namespace

void CoordinatorLink::start_on(io::Fd connected) {
  ENSURE(is_closed() && !is_closing_ && !is_given_);
  is_given_ = true;
  socket_ = std::move(connected);
  frames_ =
      control::FrameReader(limits::control_coordinator_message_bytes_max + guard_.surplus_bytes());
  state_ = State::greeting;
  ask_relay();
  if (is_connected()) {
    reactor_.recv(receive_, socket_.get(), buffer_);
  }
}

// Whoever passes frames on opens the link by this request.
void CoordinatorLink::ask_relay() {
  asks_again_ = false;
  const Result<std::string> target = guard_.begin(agent_target);
  if (!target) {
    lose(target.error().code, target.error().text);
    return;
  }
  asked_target_ = signed_target(*target);
  control::append_frame(waiting_, control::text_of(control::RelayLink{asked_target_}));
  timer_.arm(reactor_.now() + limits::agent_relay_link_max);
  send_more();
}

// Not from the coordinator, which cannot say it: the text of its messages has another type.
bool CoordinatorLink::take_unlinked(std::string_view text) {
  const Result<std::optional<control::RelayUnlinked>> unlinked =
      control::parse_relay_unlinked(text);
  if (unlinked && !*unlinked) {
    return false;
  }
  if (!unlinked) {
    lose(unlinked.error().code, unlinked.error().text);
    return true;
  }
  state_ = State::greeting;
  const bool is_news =
      (*unlinked)->status == relayed_status_forbidden && take_clock((*unlinked)->body);
  owner_.link_lost({ErrorCode::network, fmt::format("the coordinator is not reached: {}",
                                                    control::bounded_text((*unlinked)->body))});
  asks_again_ = true;
  timer_.arm(reactor_.now() + (is_news ? Duration::zero() : limits::agent_relay_again_after));
  return true;
}

}  // namespace murder::agent
