#include "agent/stdio_relay.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "agent/bounds.h"
#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/control/bounds.h"
#include "engine/trust/base64.h"
#include "engine/trust/hmac.h"

namespace murder::agent {
namespace {

constexpr uint32_t relay_connections_max = 64;
constexpr uint16_t relay_buffer_group = 0;         // of the agent's reactor, which has no other
constexpr uint64_t offset_current = ~uint64_t{0};  // where the file is, if it has such
constexpr int status_bad_gateway = 502;
constexpr int status_busy = 503;
constexpr int status_not_found = 404;

}  // namespace

StdioRelay::StdioRelay(io::Reactor& reactor, StdioEnds ends, Fd own, Fd link)
    : reactor_(reactor),
      ends_(std::move(ends)),
      own_(std::move(own)),
      link_(std::move(link)),
      inward_(limits::control_coordinator_message_bytes_max + trust::mac_bytes),
      outward_(limits::control_agent_message_bytes_max + trust::mac_bytes),
      input_(callback<&StdioRelay::input_read>(this)),
      output_(callback<&StdioRelay::output_written>(this)),
      link_in_(callback<&StdioRelay::link_read>(this)),
      link_out_(callback<&StdioRelay::link_written>(this)) {}

Result<std::unique_ptr<StdioRelay>> StdioRelay::create(io::Reactor& reactor, StdioEnds ends) {
  int pair[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return fail_errno(errno, "a socket pair cannot be made");
  }
  std::unique_ptr<StdioRelay> made(
      new StdioRelay(reactor, std::move(ends), Fd(pair[0]), Fd(pair[1])));
  auto server = http::Server::create(
      reactor, *made,
      {.connections_max = relay_connections_max, .buffer_group = relay_buffer_group});
  if (!server) {
    return fail(server.error());
  }
  made->server_ = std::move(*server);
  made->server_->serve(made->ends_.listening.release());
  made->read_more();
  return made;
}

StdioRelay::~StdioRelay() {
  close();
  reactor_.run_until([this] { return is_closed(); });
}

void StdioRelay::refuse() {
  if (!std::exchange(is_refusing_, true) && server_ != nullptr) {
    asked_.clear();
    server_->stop();
  }
}

bool StdioRelay::is_refusing() const {
  return is_refusing_ && (server_ == nullptr || server_->stopped());
}

void StdioRelay::close() {
  if (std::exchange(is_closing_, true)) {
    return;
  }
  refuse();
  for (io::Operation* operation : {&input_, &output_, &link_in_, &link_out_}) {
    reactor_.cancel(*operation);
  }
  shutdown(own_.get(), SHUT_RDWR);
}

bool StdioRelay::is_closed() const {
  return is_closing_ && !input_.in_flight() && !output_.in_flight() && !link_in_.in_flight() &&
         !link_out_.in_flight() && is_refusing();
}

// --- What the host asks for ---

http::Response StdioRelay::handle(const http::Request& request, Instant now) {
  std::string target(request.path);
  if (!request.query.empty()) {
    target += fmt::format("?{}", request.query);
  }
  if (request.method != "GET" || !control::may_be_relayed(target)) {
    return {.status = status_not_found, .body = "only announces and torrents are passed on\n"};
  }
  std::erase_if(asked_, [&](const auto& each) {
    return now - each.second.at >= limits::agent_relay_answer_max;
  });
  if (is_closing_ || asked_.size() >= limits::agent_relayed_max) {
    return {.status = status_busy, .body = "too many requests are passed on\n"};
  }
  const uint64_t id = ++asked_count_;
  asked_[id] = {.ticket = request.ticket, .at = now, .body = {}};
  control::append_frame(outward_.waiting,
                        control::text_of(control::RelayGet{.id = id, .target = target}));
  write_more();
  return {.later = true};
}

void StdioRelay::take_got(control::RelayGot got) {
  const auto asked = asked_.find(got.id);
  if (asked == asked_.end()) {
    return;
  }
  const std::optional<std::string> part = trust::decode_base64(got.body);
  const bool is_whole =
      part && asked->second.body.size() + part->size() <= limits::agent_torrent_bytes_max;
  http::Response response{.status = static_cast<int>(got.status), .body = {}};
  if (!is_whole || got.status < 200 || got.status > 599) {
    response.status = status_bad_gateway;
    response.body = is_whole ? *part : "the answer cannot be read\n";
  } else {
    asked->second.body += *part;
    if (got.more) {
      return;
    }
    response.body = std::move(asked->second.body);
  }
  const uint64_t ticket = asked->second.ticket;
  asked_.erase(asked);
  server_->answer(ticket, response);
}

// --- What passes ---

void StdioRelay::read_more() {
  if (is_closing_) {
    return;
  }
  if (!input_.in_flight() && inward_.waiting.size() < limits::agent_unsent_bytes_max) {
    reactor_.read(input_, ends_.input.get(), inward_.buffer, offset_current);
  }
  if (!link_in_.in_flight() && outward_.waiting.size() < limits::agent_unsent_bytes_max) {
    reactor_.recv(link_in_, own_.get(), outward_.buffer);
  }
}

void StdioRelay::write_more() {
  for (auto [way, operation] : {std::pair{&inward_, &link_out_}, {&outward_, &output_}}) {
    if (is_closing_ || operation->in_flight()) {
      continue;
    }
    if (way->sent_bytes == way->unsent.size()) {
      way->unsent = std::exchange(way->waiting, {});
      way->sent_bytes = 0;
    }
    if (way->unsent.empty()) {
      continue;
    }
    const auto rest = as_bytes_of(std::string_view(way->unsent).substr(way->sent_bytes));
    if (operation == &output_) {
      reactor_.write(output_, ends_.output.get(), rest, offset_current);
    } else {
      reactor_.send(link_out_, own_.get(), rest);
    }
  }
}

void StdioRelay::input_read(io::Operation&, int32_t result, uint32_t) {
  if (is_closing_) {
    return;
  }
  if (result <= 0) {
    close();
    return;
  }
  inward_.frames.put(std::as_bytes(std::span(inward_.buffer).first(static_cast<size_t>(result))));
  take_input();
  write_more();
  read_more();
}

void StdioRelay::take_input() {
  std::string text;
  while (!is_closing_) {
    const Result<bool> next = inward_.frames.next(text);
    Result<std::optional<control::RelayGot>> got =
        next && *next ? control::parse_relay_got(text) : std::nullopt;
    if (!next || !got) {
      close();
      return;
    }
    if (!*next) {
      return;
    }
    if (*got) {
      take_got(std::move(**got));
    } else {
      control::append_frame(inward_.waiting, text);
    }
  }
}

void StdioRelay::link_read(io::Operation&, int32_t result, uint32_t) {
  if (is_closing_) {
    return;
  }
  if (result <= 0) {
    close();
    return;
  }
  outward_.frames.put(std::as_bytes(std::span(outward_.buffer).first(static_cast<size_t>(result))));
  take_link_bytes();
  write_more();
  read_more();
}

// Whole frames: what the host asks for stands between them.
void StdioRelay::take_link_bytes() {
  std::string text;
  while (true) {
    const Result<bool> next = outward_.frames.next(text);
    ENSURE(next.has_value());  // of our own link
    if (!*next) {
      return;
    }
    control::append_frame(outward_.waiting, text);
  }
}

void StdioRelay::output_written(io::Operation&, int32_t result, uint32_t) {
  if (is_closing_) {
    return;
  }
  if (result <= 0) {
    close();
    return;
  }
  outward_.sent_bytes += static_cast<size_t>(result);
  write_more();
  read_more();
}

void StdioRelay::link_written(io::Operation&, int32_t result, uint32_t) {
  if (is_closing_) {
    return;
  }
  if (result <= 0) {
    close();
    return;
  }
  inward_.sent_bytes += static_cast<size_t>(result);
  write_more();
  read_more();
}

}  // namespace murder::agent
