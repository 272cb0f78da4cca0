#include "coordinator/agent_links.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/random_word.h"

namespace murder::coordinator {
namespace {

constexpr Duration links_checked_every = std::chrono::seconds(1);
constexpr uint32_t checks_per_walk = 5;
constexpr size_t receive_buffer_bytes = 16 * 1024;
constexpr Duration evict_pause = std::chrono::milliseconds(10);
constexpr size_t evicted_at_once = 16;

bool is_far_more(uint32_t count, uint32_t other) {
  return count > 2 * (other + 1);
}

uint64_t token_of(AgentLinkHandle handle) {
  return uint64_t{handle.generation} << 32U | handle.slot;
}

AgentLinkHandle handle_of(uint64_t token) {
  return {.slot = static_cast<uint32_t>(token), .generation = static_cast<uint32_t>(token >> 32U)};
}

Result<std::string> new_nonce() {
  std::array<uint8_t, 32> bytes{};
  if (Status filled = fill_random(bytes); !filled) {
    return fail(filled.error());
  }
  std::string nonce;
  for (const uint8_t byte : bytes) {
    nonce += fmt::format("{:02x}", byte);
  }
  return nonce;
}

}  // namespace

AgentLinks::AgentLinks(io::Reactor& reactor, AgentLinksOwner& owner,
                       const AgentLinksOptions& options)
    : reactor_(reactor),
      owner_(owner),
      coordinator_name_(options.coordinator_name),
      receive_buffer_(receive_buffer_bytes),
      links_max_(options.links_max),
      shared_{.reactor = reactor,
              .receive_buffer = receive_buffer_,
              .owner = *this,
              .coordinator_name = coordinator_name_,
              .approvals = options.approvals,
              .host_keys = options.host_keys,
              .held_bytes = held_bytes_,
              .sources = sources_},
      links_(options.links_max + limits::agent_links_closing_max),
      check_timer_(reactor.timers(), callback<&AgentLinks::on_check>(this)) {
  check_timer_.arm(reactor.now() + links_checked_every);
}

Result<std::unique_ptr<AgentLinks>> AgentLinks::create(io::Reactor& reactor, AgentLinksOwner& owner,
                                                       const AgentLinksOptions& options) {
  std::unique_ptr<AgentLinks> links(new AgentLinks(reactor, owner, options));
  auto readable = io::ReadableSet::create(reactor, callback<&AgentLinks::gather_time>(links.get()),
                                          callback<&AgentLinks::on_readable>(links.get()));
  if (!readable) {
    return fail(readable.error());
  }
  links->readable_ = std::move(*readable);
  return links;
}

AgentLinks::~AgentLinks() {
  close_all();
  reactor_.run_until([this] { return links_.size() == 0; });
}

Status AgentLinks::adopt(http::TakenSocket socket, const Endpoint& remote,
                         std::span<const uint8_t> early, const std::optional<Proven>& proven) {
  ENSURE(has_room());
  Result<std::string> nonce = new_nonce();
  if (!nonce) {
    return fail(nonce.error());
  }
  ++counters_.connections;
  const AgentLinkHandle handle = links_.make(shared_, std::move(socket), remote, std::move(*nonce));
  AgentLink& link = *links_.get(handle);
  ++open_count_;
  sources_.add(link.source());
  unproven_.add(link, reactor_.now());
  if (proven) {
    link.prove(proven->key, proven->hello);
  }
  link.begin(handle, early);
  if (!readable_->add(link.fd(), token_of(handle))) {
    link.close();
  }
  return {};
}

// While nothing happens but heartbeats, some of them are waited for: waking up for each takes more
// than they do. In a small fleet there is nothing to be gained.
Duration AgentLinks::gather_time() {
  const Duration gather =
      std::min(links_.size() * limits::agent_gather_each, limits::agent_gather_max);
  const bool is_worth_it = gather >= limits::agent_gather_min && reactor_.now() >= lively_until_;
  return is_worth_it ? gather : Duration::zero();
}

void AgentLinks::on_readable(const io::ReadableSet::Found& found) {
  AgentLink* link = links_.get(handle_of(found.token));
  if (link != nullptr && !link->is_closing()) {
    link->readable(found.is_ended);
  }
}

bool AgentLinks::make_room(const IpAddress& address) {
  if (has_room()) {
    return true;
  }
  const http::SourceCounts::Bucket comes = sources_.bucket_of(address);
  if (AgentLink* chosen = unproven_to_go(comes)) {
    ++counters_.evicted;
    chosen->close();
  } else if (!links_.full()) {
    evict_proven(comes);
  }
  return has_room();
}

// Behind one address many honest hosts may be: what comes from there takes the place of another
// link of it only when that has had time to report, and hosts that have reported keep theirs.
AgentLink* AgentLinks::unproven_to_go(http::SourceCounts::Bucket comes) const {
  const Instant now = reactor_.now();
  auto* chosen = static_cast<AgentLink*>(unproven_.first_to_go(sources_, now));
  const bool may_go =
      chosen != nullptr && (now - chosen->listed_at() >= limits::agent_evict_after ||
                            is_far_more(sources_.count(chosen->source()), sources_.count(comes)));
  return may_go ? chosen : nullptr;
}

// All places are taken by agents that have reported: an address that has many of them gives some to
// those that have few, its latest ones, since hosts that were there first are the likelier ones to
// be real. All links are looked at for it, so it is not done for each that comes.
void AgentLinks::evict_proven(http::SourceCounts::Bucket comes) {
  const Instant now = reactor_.now();
  const http::SourceCounts::Bucket most = sources_.most();
  if (!is_far_more(sources_.count(most), sources_.count(comes)) || now < evict_not_before_) {
    return;
  }
  evict_not_before_ = now + evict_pause;
  std::vector<AgentLink*> links;
  links_.each([&](AgentLinkHandle, AgentLink& link) {
    if (!link.is_closing() && link.source() == most) {
      links.push_back(&link);
    }
  });
  const size_t count = std::min<size_t>(evicted_at_once, links.size() / 4 + 1);
  std::partial_sort(links.begin(), links.begin() + static_cast<std::ptrdiff_t>(count), links.end(),
                    [](const AgentLink* left, const AgentLink* right) {
                      return left->begun_at() > right->begun_at();
                    });
  for (AgentLink* link : std::span(links).first(count)) {
    ++counters_.evicted;
    link->close();
  }
}

Inputs AgentLinks::put_in(control::Coordinator& machine, control::Moment moment) {
  Inputs inputs;
  // A hello costs some hundred times what a report does.
  const Instant end = monotonic_now() + limits::hearing_time_max;
  while (!ready_.empty()) {
    AgentLink* link = links_.get(ready_.front());
    ready_.pop_front();
    if (link != nullptr && !link->is_closing()) {
      const AgentLink::HeardCounts heard = link->hear(machine, moment);
      inputs.came = inputs.came || heard.reports > 0;
      counters_.reports += heard.reports + heard.again;
    }
    if (monotonic_now() >= end) {
      break;
    }
  }
  if (inputs.came) {
    lively_until_ = moment.now + limits::agents_lively_for;
  }
  inputs.more_wait = !ready_.empty();
  make_room_for_held();
  return inputs;
}

void AgentLinks::tell(const control::Coordinator& machine, control::AgentIndex agent) {
  if (agent.raw >= link_of_agent_.size()) {
    return;
  }
  if (AgentLink* link = links_.get(link_of_agent_[agent.raw])) {
    ++counters_.told;
    link->tell(machine.wanted_for(agent),
               control::orders_due(machine.state(), agent, link->told_orders()));
  }
}

const control::Facts* AgentLinks::facts_of(control::AgentIndex agent) const {
  const AgentLink* link =
      agent.raw < link_of_agent_.size() ? links_.get(link_of_agent_[agent.raw]) : nullptr;
  return link == nullptr ? nullptr : &link->facts();
}

void AgentLinks::machine_changed() {
  link_of_agent_.clear();
  links_.each([](AgentLinkHandle, AgentLink& link) { link.forget_agent(); });
}

void AgentLinks::refuse_known(std::string_view why) {
  links_.each([&](AgentLinkHandle, AgentLink& link) {
    if (link.agent()) {
      link.refuse(why);
    }
  });
}

void AgentLinks::refuse_all(std::string_view why) {
  links_.each([&](AgentLinkHandle, AgentLink& link) { link.refuse(why); });
}

void AgentLinks::close_all() {
  links_.each([](AgentLinkHandle, AgentLink& link) { link.close(); });
}

void AgentLinks::end_once(control::Ended ended) {
  ended_ = std::move(ended);
  links_.each([&](AgentLinkHandle, AgentLink& link) { link.end(*ended_); });
}

uint32_t AgentLinks::once_count() {
  uint32_t count = 0;
  links_.each([&](AgentLinkHandle, AgentLink& link) { count += link.is_once() ? 1 : 0; });
  return count;
}

// The one that holds the most goes first.
void AgentLinks::make_room_for_held() {
  while (held_bytes_ > limits::agent_held_bytes_max) {
    AgentLink* most = nullptr;
    links_.each([&](AgentLinkHandle, AgentLink& link) {
      const bool is_more = most == nullptr || link.held_bytes() > most->held_bytes();
      most = is_more && !link.is_closing() ? &link : most;
    });
    if (most == nullptr || most->held_bytes() == 0) {
      return;  // all that is held is of links that are closing
    }
    ++counters_.crowded;
    most->close();
  }
}

void AgentLinks::on_check(io::Timer& timer) {
  const Instant now = reactor_.now();
  for (const AgentLinkHandle handle : std::exchange(resting_, {})) {
    if (AgentLink* link = links_.get(handle); link != nullptr && !link->is_closing()) {
      link->wake();
    }
  }
  // All of them are some megabytes of memory to walk over.
  if (++check_count_ % checks_per_walk == 0) {
    links_.each([&](AgentLinkHandle, AgentLink& link) { link.check(now); });
  }
  make_room_for_held();
  timer.arm(now + links_checked_every);
}

void AgentLinks::became_ready(AgentLink& link) {
  ready_.push_back(link.handle());
  owner_.reports_wait();
}

void AgentLinks::named(AgentLink& link) {
  ENSURE(link.agent() && !link.is_closing());
  http::ConnectionList::leave(link);
  const control::AgentIndex agent = *link.agent();
  if (agent.raw >= link_of_agent_.size()) {
    link_of_agent_.resize(agent.raw + 1);
  }
  AgentLink* before = links_.get(std::exchange(link_of_agent_[agent.raw], link.handle()));
  if (before != nullptr && before != &link) {
    before->close();
  }
  if (ended_) {
    link.end(*ended_);
  }
}

void AgentLinks::closing(AgentLink& link) {
  ENSURE(open_count_ > 0);
  --open_count_;
  sources_.remove(link.source());
  http::ConnectionList::leave(link);
}

void AgentLinks::wants_telling(AgentLink& link) {
  if (const std::optional<control::AgentIndex> agent = link.agent()) {
    owner_.wants_telling(*agent);
  }
}

void AgentLinks::ended(AgentLink& link) {
  ENSURE(link.is_closing());
  links_.free(link.handle());
  owner_.link_ended();
}

}  // namespace murder::coordinator
