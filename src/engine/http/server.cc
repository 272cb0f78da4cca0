#include "engine/http/server.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/slab.h"
#include "engine/http/bounds.h"
#include "engine/http/connection.h"
#include "engine/http/listener.h"
#include "engine/io/buffer_ring.h"
#include "engine/io/timers.h"

namespace murder::http {
namespace {

// Receives that complete in one turn need one each; when they run out, some wait for the next turn.
constexpr uint32_t buffers_min = 8;
constexpr uint32_t buffers_max = 256;
constexpr uint32_t evictions_at_once = 8;

// All that a server lists are connections.
Connection* connection_of(ListedConnection* listed) {
  return static_cast<Connection*>(listed);
}

}  // namespace

class Server::Core final : public ConnectionOwner, public ListenerOwner {
 public:
  Core(io::Reactor& reactor, Handler& handler, const ServerOptions& options,
       std::unique_ptr<io::BufferRing> buffers)
      : reactor_(reactor),
        options_(options),
        buffers_(std::move(buffers)),
        shared_{reactor, *buffers_, handler, options_, counters_, held_, sources_, certificate_},
        // Each listener may have accepted one more before it learns that there is no room.
        connections_(options.connections_max + limits::http_listeners_max),
        room_timer_(reactor.timers(), callback<&Core::room_due>(this)) {}

  void serve(int listening_fd) {
    ENSURE(!stopped_ && listeners_.size() < limits::http_listeners_max);
    listeners_.push_back(std::make_unique<Listener>(reactor_, *this, listening_fd));
  }

  void serve_instead(int listening_fd) {
    std::erase_if(listeners_, [](const auto& listener) { return listener->is_quiet(); });
    for (const auto& listener : listeners_) {
      listener->stop();
    }
    serve(listening_fd);
  }

  void use_certificate(tls::ServerContext certificate) { certificate_ = std::move(certificate); }

  void stop() {
    stopped_ = true;
    room_timer_.cancel();
    for (const auto& listener : listeners_) {
      listener->stop();
    }
    connections_.each([](auto, Connection& connection) { connection.close(); });
  }

  [[nodiscard]] bool is_quiet() const {
    for (const auto& listener : listeners_) {
      if (!listener->is_quiet()) {
        return false;
      }
    }
    return stopped_ && connections_.size() == 0;
  }

  void answer(uint64_t ticket, const Response& response) {
    if (Connection* connection = connections_.get(Connection::handle_of(ticket))) {
      connection->answer_late(response);
    }
  }

  [[nodiscard]] bool awaits(uint64_t ticket) const {
    const Connection* connection = connections_.get(Connection::handle_of(ticket));
    return connection != nullptr && connection->awaits_answer();
  }

  void gave_place_away() override { ++places_away_; }

  void give_place_back() {
    ENSURE(places_away_ > 0);
    --places_away_;
    tell_of_room();
  }

  [[nodiscard]] io::Reactor& reactor() { return reactor_; }
  [[nodiscard]] uint32_t connection_count() const { return connections_.size(); }
  [[nodiscard]] const ServerCounters& counters() const { return counters_; }

  void idle_began(Connection& connection) override {
    idle_.add(connection, reactor_.now());
    if (room_wanted_) {
      make_room();
    }
  }

  void busy_began(Connection& connection) override { busy_.add(connection, reactor_.now()); }

  void closing(Connection& connection) override { ConnectionList::leave(connection); }

  // The one that holds something longest goes first, unless it is alone.
  void held_changed() override {
    while (held_.all - held_.going > options_.held_bytes_max / 2 && busy_.has_several()) {
      ++counters_.crowded;
      connection_of(busy_.oldest())->close();
    }
  }

  void ended(Connection& connection) override {
    connections_.free(connection.handle());
    tell_of_room();
  }

  [[nodiscard]] bool has_room() const override {
    return connections_.size() + places_away_ < options_.connections_max;
  }

  void want_room() override {
    room_wanted_ = true;
    make_room();
  }

  void adopt(int fd, const Endpoint& remote, bool is_local_socket) override {
    ++counters_.connections;
    const auto handle = connections_.make(*this, shared_, fd, remote, is_local_socket);
    connections_.get(handle)->begin(handle);
  }

  void accept_failed() override {
    ++counters_.accept_failures;
    make_room();
  }

 private:
  void tell_of_room() {
    room_wanted_ = false;
    for (const auto& listener : listeners_) {
      listener->room_came();
    }
  }

  // Closes what gives its place to a new connection; several where many are slow, since then many
  // wait. When all are at their requests, and not for long, it tries again a moment later.
  void make_room() {
    const Instant now = reactor_.now();
    for (uint32_t count = 0; count < evictions_at_once; ++count) {
      Connection* const slow =
          connection_of(busy_.first_to_go(sources_, now - limits::http_evict_busy_after));
      Connection* const idle = connection_of(idle_.first_to_go(sources_, now));
      const bool is_slow =
          slow != nullptr &&
          (idle == nullptr || sources_.count(slow->bucket()) >= sources_.count(idle->bucket()));
      Connection* const chosen = is_slow ? slow : idle;
      if (chosen == nullptr || (!is_slow && count > 0)) {
        break;
      }
      room_wanted_ = false;
      ++counters_.evictions;
      chosen->close();
    }
    if (room_wanted_ && busy_.oldest() != nullptr) {
      room_timer_.arm(std::max(now, busy_.oldest()->listed_at() + limits::http_evict_busy_after));
    }
  }

  void room_due(io::Timer&) {
    if (room_wanted_) {
      make_room();
    }
  }

  io::Reactor& reactor_;
  ServerOptions options_;
  ServerCounters counters_;
  std::unique_ptr<io::BufferRing> buffers_;
  ConnectionShared shared_;
  std::optional<tls::ServerContext> certificate_;
  HeldBytes held_;
  SourceCounts sources_;
  ConnectionList idle_;
  ConnectionList busy_;
  Slab<Connection> connections_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  io::Timer room_timer_;
  uint32_t places_away_ = 0;  // of connections that the handler took over
  bool room_wanted_ = false;
  bool stopped_ = false;
};

Result<std::unique_ptr<Server>> Server::create(io::Reactor& reactor, Handler& handler,
                                               const ServerOptions& options) {
  ENSURE(options.connections_max > 0);
  const uint32_t buffer_count =
      std::bit_ceil(std::clamp(options.connections_max, buffers_min, buffers_max));
  auto buffers = io::BufferRing::create(
      reactor, {.group = options.buffer_group, .buffer_count = buffer_count});
  if (!buffers) {
    return fail(buffers.error());
  }
  return std::unique_ptr<Server>(
      new Server(std::make_unique<Core>(reactor, handler, options, std::move(*buffers))));
}

Server::Server(std::unique_ptr<Core> core) : core_(std::move(core)) {}

Server::~Server() {
  stop();
  core_->reactor().run_until([this] { return stopped(); });
}

void Server::serve(int listening_fd) {
  core_->serve(listening_fd);
}
void Server::serve_instead(int listening_fd) {
  core_->serve_instead(listening_fd);
}
void Server::use_certificate(tls::ServerContext certificate) {
  core_->use_certificate(std::move(certificate));
}
void Server::answer(uint64_t ticket, const Response& response) {
  core_->answer(ticket, response);
}
bool Server::awaits(uint64_t ticket) const {
  return core_->awaits(ticket);
}
void Server::give_place_back() {
  core_->give_place_back();
}
void Server::stop() {
  core_->stop();
}
bool Server::stopped() const {
  return core_->is_quiet();
}
uint32_t Server::connection_count() const {
  return core_->connection_count();
}
const ServerCounters& Server::counters() const {
  return core_->counters();
}

}  // namespace murder::http
