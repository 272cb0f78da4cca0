#include "coordinator/control_plane.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "coordinator/control_metrics.h"
#include "coordinator/json_response.h"
#include "coordinator/published_torrent.h"
#include "coordinator/wanted_copies.h"
#include "engine/base/ensure.h"

namespace murder::coordinator {
namespace {

constexpr std::string_view agent_protocol = "murder-agent/1";
// Of an order that comes in the second in which the coordinator begins to lead.
constexpr Duration order_wait = std::chrono::milliseconds(100);
constexpr Duration load_wait = std::chrono::milliseconds(5);

uint64_t clock_s() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(
      std::max<int64_t>(std::chrono::duration_cast<std::chrono::seconds>(since_1970).count(), 0));
}

// What is signed from then on was not given to a process that ended before. Tokens have seconds.
void wait_for_next_second() {
  const auto now = std::chrono::system_clock::now();
  std::this_thread::sleep_for(std::chrono::ceil<std::chrono::seconds>(now) - now);
}

}  // namespace

ControlPlane::ControlPlane(io::Reactor& reactor, http::Server& server, ControlPlaneOwner& owner,
                           const ControlPlaneOptions& options)
    : reactor_(reactor),
      server_(server),
      owner_(owner),
      orders_from_anywhere_(options.orders_from_anywhere),
      loop_(reactor, *this, options.own_address),
      desk_(reactor, server, *this, *this),
      copies_timer_(reactor.timers(), callback<&ControlPlane::check_copies>(this)),
      lease_timer_(reactor.timers(), callback<&ControlPlane::check_lease>(this)) {
  if (options.fleet_keys) {
    keys_.emplace(*options.fleet_keys);
    fleet_ = options.fleet_keys->fleet;
  }
  if (options.state_lasts) {
    order_tokens_.begin(clock_s());
  }
  desk_.set_waker(callback<&ControlPlane::wake>(this));
}

Result<std::unique_ptr<ControlPlane>> ControlPlane::create(
    io::Reactor& reactor, http::Server& server, std::unique_ptr<store::RecordStore> store,
    ControlPlaneOwner& owner, const ControlPlaneOptions& options) {
  if (options.fleet_keys && options.state_lasts) {
    wait_for_next_second();
  }
  std::unique_ptr<ControlPlane> made(new ControlPlane(reactor, server, owner, options));
  if (options.enrol.mode == trust::EnrolMode::known_hosts) {
    Result<HostKeys> keys = HostKeys::open(options.enrol.known_hosts_path);
    if (!keys) {
      return fail(keys.error());
    }
    made->host_keys_.emplace(std::move(*keys));
  }
  auto links = AgentLinks::create(
      reactor, *made,
      {.links_max = options.agents_max,
       .coordinator_name = options.own_address,
       .approvals = options.enrol.mode == trust::EnrolMode::approve ? &made->approvals_ : nullptr,
       .host_keys = made->host_keys_ ? &*made->host_keys_ : nullptr});
  if (!links) {
    return fail(links.error());
  }
  made->links_ = std::move(*links);
  auto thread = StoreThread::start(reactor, std::move(store),
                                   callback<&TurnLoop::store_replied>(&made->loop_));
  if (!thread) {
    return fail(thread.error());
  }
  made->store_ = std::move(*thread);
  made->torrents_.emplace(*made->store_, server);
  made->audit_.emplace(*made->store_, server);
  if (options.copies) {
    auto copies = ReleaseCopies::start(*options.copies);
    if (!copies) {
      return fail(copies.error());
    }
    made->copies_ = std::move(*copies);
    made->copies_timer_.arm(reactor.now() + limits::copies_checked_every);
  }
  if (options.deploy_lease > Duration::zero()) {
    made->lease_.emplace(options.deploy_lease, limits::deploy_ending_max, reactor.now());
    made->lease_timer_.arm(reactor.now() + limits::deploy_lease_checked_every);
  }
  made->loop_.begin(*made->store_);
  return made;
}

ControlPlane::~ControlPlane() {
  // Who waits for what is being written is still answered.
  static_cast<void>(reactor_.run_until([this] { return loop_.state() != TurnLoop::State::writing; },
                                       limits::last_write_max));
  loop_.end();
  copies_timer_.cancel();
  lease_timer_.cancel();
  copies_.reset();
  desk_.refuse_all(json_error(503, "the coordinator is stopping"));
  store_.reset();
  links_.reset();
}

void ControlPlane::set_keys(const trust::FleetKeys& keys) {
  if (!keys_) {
    return;
  }
  const bool is_one_removed = std::ranges::any_of(fleet_.all(), [&](const trust::Secret& secret) {
    return std::ranges::find(keys.fleet.all(), secret) == keys.fleet.all().end();
  });
  keys_.emplace(keys);
  fleet_ = keys.fleet;
  if (is_one_removed) {
    // Which key a link was proven by is not known any more, and it may be the one that was stolen.
    links_->refuse_all("the fleet's key was changed: connect again");
  }
}

// --- Requests ------------------------------------------------------------------------------------

Permission ControlPlane::permission(const http::Request& request, Access access) const {
  return permission_of(
      request, access,
      {.keys = keys_ ? &*keys_ : nullptr, .orders_from_anywhere = orders_from_anywhere_},
      clock_s());
}

http::LargeBody ControlPlane::admit_large_body(const http::Request& head) {
  const Route* route = find_route(head.method, head.path);
  if (route == nullptr || route->action != Action::publish) {
    return {};
  }
  return {.bytes_max = limits::published_torrent_bytes_max,
          .refusal = permission(head, route->access).refusal};
}

http::Response ControlPlane::handle(const http::Request& request, Instant) {
  const Route* route = find_route(request.method, request.path);
  const Permission permitted = permission(request, route == nullptr ? Access::read : route->access);
  if (permitted.refusal) {
    return *permitted.refusal;
  }
  if (lease_ && route != nullptr && route->access != Access::agent && comes_from_here(request)) {
    lease_->renew(reactor_.now());
  }
  if (route == nullptr) {
    return is_known_path(request.path)
               ? json_error(405, "this path is not asked for by this method")
               : json_error(404, "the coordinator has no such path");
  }
  if (loop_.follows()) {
    return json_leads_elsewhere(loop_.leader());
  }
  if (route->action == Action::publish && !loop_.leads() && loop_.failure().empty()) {
    return {.wait = load_wait};  // nothing is written before what was written is read
  }
  Result<OperatorRequest> parsed =
      parse_operator_request(*route, request.query, as_text_of(request.body));
  if (!parsed) {
    return json_error(parsed.error());
  }
  if (keys_ && route->access == Access::order) {
    if (order_tokens_.must_wait(clock_s()) || (has_followed_ && !loop_.leads())) {
      return {.wait = order_wait};
    }
    if (order_tokens_.is_untimely(request, clock_s())) {
      return {.status = 403,
              .body = keys_->clock_reply(request.path, request.query, clock_s()),
              .close = true};
    }
    if (std::optional<http::Response> refusal = order_tokens_.refuse(request, clock_s())) {
      return std::move(*refusal);
    }
  }
  switch (route->action) {
    case Action::connect_agent:
      return connect_agent(request);
    case Action::show_right:
      return show_right(request);
    case Action::show_waiting:
      return json_answer(show_waiting(approvals_));
    case Action::end_deploy:
      return end_deploy(*parsed);
    case Action::fetch_torrent:
      return torrents_->answer(parsed->info_hash, request.ticket);
    default:
      return take_request(request, std::move(*parsed), permitted.proof,
                          route->access == Access::order);
  }
}

// For who is going to give an order that takes much work before.
http::Response ControlPlane::show_right(const http::Request& request) const {
  const Permission permitted = permission(request, Access::order);
  return permitted.refusal ? *permitted.refusal : json_answer(R"({"order":true})");
}

http::Response ControlPlane::connect_agent(const http::Request& request) {
  if (request.upgrade != agent_protocol) {
    http::Response response = json_error(
        426, fmt::format("agents connect here, with the header Upgrade: {}", agent_protocol));
    response.fields.push_back({"Upgrade", std::string(agent_protocol)});
    return response;
  }
  if (!links_->make_room(request.remote.address)) {
    return json_error(503, "as many agents are connected as this coordinator takes");
  }
  // Never without: somebody on the path could have left it out.
  if (keys_ && !trust::maker_of_link(fleet_, parameter_of(request.query, "link"))) {
    return json_error(403,
                      "an agent of a closed fleet proves the fleet's key on its link: this one "
                      "is of an older version");
  }
  return {.takes_over = true};
}

void ControlPlane::take_over(http::TakenSocket socket, const http::Request& request,
                             std::span<const uint8_t> early) {
  std::optional<AgentLinks::Proven> proven;
  if (keys_) {
    const std::string_view hello = parameter_of(request.query, "link");
    const std::optional<trust::Secret> key = trust::maker_of_link(fleet_, hello);
    ENSURE(key);  // connect_agent() has looked
    proven = {.key = *key, .hello = hello};
  }
  if (Status adopted = links_->adopt(std::move(socket), request.remote, early, proven); !adopted) {
    owner_.warn(fmt::format("an agent could not be connected: {}", adopted.error().text));
    server_.give_place_back();
  }
}

http::Response ControlPlane::take_request(const http::Request& request, OperatorRequest parsed,
                                          const std::string& proof, bool is_order) {
  if (parsed.action == Action::show_audit) {
    return audit_->read_lines(parsed.from.value_or(0), parsed.max.value_or(limits::audit_lines_max),
                              request.ticket, request.remote.address);
  }
  if (parsed.action == Action::show_history) {
    return audit_->read_history(parsed.app, parsed.max.value_or(limits::history_max),
                                loop_.last_number(), request.ticket, request.remote.address);
  }
  WaitingRequest waiting{.ticket = request.ticket,
                         .request = std::move(parsed),
                         .is_order = is_order,
                         .address = request.remote.address,
                         .approvals = &approvals_};
  if (!desk_.has_room(waiting) || publishing_.size() >= limits::torrent_requests_max) {
    return json_error(503, "too many requests wait: try again in a moment");
  }
  if (is_order) {
    Result<std::string> by = name_of_asker(proof, waiting.request.by);
    if (!by) {
      return json_error(by.error());
    }
    waiting.by = std::move(*by);
  }
  if (waiting.request.action == Action::publish) {
    return publish(request, std::move(waiting));
  }
  desk_.add(std::move(waiting));
  loop_.wake();
  return {.later = true};
}

// Nothing of it is in the log: it holds as long as this process.
http::Response ControlPlane::end_deploy(const OperatorRequest& request) {
  has_ended_ = lease_.has_value();
  links_->end_once({.text = request.text.empty() ? "the deploy is over" : request.text,
                    .keep_partial = request.keep_partial});
  return json_answer(show_ending(links_->once_count()));
}

void ControlPlane::check_lease(io::Timer& timer) {
  ENSURE(lease_.has_value());
  const Instant now = reactor_.now();
  switch (lease_->look(now, links_->once_count())) {
    case DeployLease::State::held:
      break;
    case DeployLease::State::ending:
      links_->end_once({.text = "nobody follows the deploy any more"});
      break;
    case DeployLease::State::over:
      owner_.lease_ended();
      return;
  }
  timer.arm(now + limits::deploy_lease_checked_every);
}

// The torrent is stored first: what is published can be fetched.
http::Response ControlPlane::publish(const http::Request& request, WaitingRequest waiting) {
  const std::string_view bytes = as_text_of(request.body);
  const Result<PublishedTorrent> torrent =
      read_published_torrent(bytes, waiting.request.app, waiting.request.tag);
  if (!torrent) {
    return json_error(torrent.error());
  }
  waiting.info_hash = torrent->info_hash;
  if (torrent->signed_serial) {
    waiting.request.serial = torrent->signed_serial;
  }
  note_size(torrent->info_hash, torrent->total_bytes);
  publishing_.push_back(std::move(waiting));
  store_->ask(PutTorrent{.info_hash = torrent->info_hash, .bytes = std::string(bytes)});
  return {.later = true};
}

void ControlPlane::torrent_stored(TorrentPut reply) {
  ENSURE(!publishing_.empty() && publishing_.front().info_hash == reply.info_hash);
  WaitingRequest waiting = std::move(publishing_.front());
  publishing_.pop_front();
  if (!reply.done) {
    server_.answer(waiting.ticket, json_error(reply.done.error()));
    return;
  }
  torrents_->put(reply.info_hash, std::move(reply.bytes));
  ask_for_copy(reply.info_hash);
  if (!desk_.has_room(waiting)) {
    server_.answer(waiting.ticket, json_error(503, "too many requests wait"));
    return;
  }
  desk_.add(std::move(waiting));
  loop_.wake();
}

// --- The turns -----------------------------------------------------------------------------------

Inputs ControlPlane::put_in(control::Coordinator& machine, control::Moment moment) {
  const Inputs reports = links_->put_in(machine, moment);
  if (host_keys_) {
    if (const std::string warning = host_keys_->take_warning(); !warning.empty()) {
      owner_.warn(warning);
    }
  }
  const Inputs orders = desk_.put_in(machine, moment);
  return {.came = reports.came || orders.came,
          .is_urgent = orders.is_urgent,
          .more_wait = reports.more_wait};
}

void ControlPlane::settled(const control::Coordinator& machine,
                           std::span<const control::Record> records) {
  for (const control::Record& record : records) {
    owner_.recorded(machine, record);
  }
  stage_times_.note(records, reactor_.now());
  const bool changes_copies =
      std::any_of(records.begin(), records.end(), [](const control::Record& record) {
        return std::holds_alternative<control::ReleasePublished>(record.what) ||
               std::holds_alternative<control::ReleaseRevoked>(record.what) ||
               std::holds_alternative<control::RolloutStarted>(record.what);
      });
  if (std::exchange(must_choose_copies_, false) || changes_copies) {
    choose_copies(machine.state());
  }
  desk_.settled();
}

void ControlPlane::tell(const control::Coordinator& machine, control::AgentIndex agent) {
  links_->tell(machine, agent);
}

void ControlPlane::machine_began(const control::Coordinator& machine) {
  desk_.set_failure({});
  stage_times_.forget_begun();
  if (std::exchange(has_followed_, false)) {
    order_tokens_.begin(clock_s() + 1);
  }
  choose_copies(machine.state());
  links_->machine_changed();
}

// The state of a deploy goes with it; its tracker may be needed for longer.
void ControlPlane::warn(const std::string& text) {
  if (!has_ended_) {
    owner_.warn(text);
  }
}

// Nothing was said of what is lost. Who asked may ask again: orders do no harm twice.
void ControlPlane::machine_lost(const Error& why) {
  const std::string text =
      fmt::format("the coordinator's state could not be written or read: {}", why.text);
  warn(text);
  desk_.set_failure(text);
  desk_.refuse_all(json_error(503, text));
  links_->refuse_known("the coordinator begins again: connect again");
}

// Who came before that was known would wait for nothing.
void ControlPlane::follows(const std::string& leader) {
  has_followed_ = true;
  desk_.refuse_all(json_leads_elsewhere(leader));
  links_->refuse_all(leader.empty() ? "another coordinator leads: connect to that one"
                                    : fmt::format("another coordinator leads: {}", leader));
}

void ControlPlane::store_replied(StoreReply reply) {
  if (auto* put = std::get_if<TorrentPut>(&reply)) {
    torrent_stored(std::move(*put));
  } else if (auto* got = std::get_if<TorrentGot>(&reply)) {
    torrent_read(std::move(*got));
  } else if (auto* read = std::get_if<AuditRead>(&reply)) {
    audit_->store_replied(std::move(*read));
  }
}

std::string ControlPlane::metrics() {
  const control::Coordinator* machine = loop_.settled_machine();
  // Between two decisions the last ones hold: what is not on the disk is not shown.
  if (machine != nullptr || !loop_.leads() || metrics_.empty()) {
    metrics_ = render_control_metrics({.machine = machine,
                                       .record_count = loop_.last_number(),
                                       .store_failures = loop_.failure_count(),
                                       .link_count = links_->count(),
                                       .links = links_->counters(),
                                       .times = stage_times_},
                                      reactor_.now());
  }
  return metrics_;
}

// --- Copies --------------------------------------------------------------------------------------

void ControlPlane::note_size(const InfoHash& info_hash, uint64_t total_bytes) {
  if (total_bytes_.size() >= limits::sizes_known_max) {
    total_bytes_.clear();
  }
  total_bytes_[info_hash] = total_bytes;
}

void ControlPlane::choose_copies(const control::State& state) {
  if (copies_ == nullptr) {
    return;
  }
  const std::vector<InfoHash> asked_for(copies_asked_for_.begin(), copies_asked_for_.end());
  copies_->want(wanted_copies(state, limits::copies_max, asked_for));
  for (const InfoHash& info_hash : copies_->lacking_torrents()) {
    store_->ask(GetTorrent{.info_hash = info_hash});
  }
}

// Who publishes it waits for the copy, also where the same was published before.
void ControlPlane::ask_for_copy(const InfoHash& info_hash) {
  std::erase(copies_asked_for_, info_hash);
  copies_asked_for_.push_back(info_hash);
  if (copies_asked_for_.size() > limits::copies_asked_for_max) {
    copies_asked_for_.pop_front();
  }
  must_choose_copies_ = true;
}

void ControlPlane::torrent_read(TorrentGot reply) {
  if (copies_ != nullptr && reply.bytes) {
    copies_->give_torrent(reply.info_hash, *reply.bytes);
  }
  torrents_->store_replied(std::move(reply));
}

void ControlPlane::check_copies(io::Timer& timer) {
  for (const std::string& warning : copies_->take_warnings()) {
    owner_.warn(warning);
  }
  for (const InfoHash& info_hash : copies_->lacking_torrents()) {
    store_->ask(GetTorrent{.info_hash = info_hash});
  }
  timer.arm(reactor_.now() + limits::copies_checked_every);
}

CopyState ControlPlane::copy_of(const InfoHash& info_hash) const {
  CopyState copy = copies_ == nullptr ? CopyState{} : copies_->copy_of(info_hash);
  const auto known = total_bytes_.find(info_hash);
  if (known != total_bytes_.end()) {
    copy.total_bytes = known->second;
  }
  return copy;
}

}  // namespace murder::coordinator
