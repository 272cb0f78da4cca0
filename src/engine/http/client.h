// An HTTP/1.1 client on a reactor: one request at a time, for announces.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/http/bounds.h"
#include "engine/http/reply.h"
#include "engine/io/reactor.h"

namespace murder::http {

class Client;
class Transfer;

class ClientObserver {
 public:
  // Once per request. The client is idle again: a new request may start here. An HTTP status that
  // is not 2xx is a Reply, not an Error.
  virtual void on_http_reply(Client& client, Result<Reply> reply) = 0;

 protected:
  ~ClientObserver() = default;
};

// Lives on the thread of its reactor, embedded in its owner. Each request is one connection. It may
// be destroyed at any time, also in its own observer: what the kernel still holds is freed by the
// reactor when it comes back. Names are resolved on a helper thread (at most
// limits::lookups_max at once in a process); numeric addresses are not.
class Client {
 public:
  Client(io::Reactor& reactor, ClientObserver& observer);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // The client is not busy. `url` is http://... or https://...; what is wrong with it comes as the
  // reply (in a later turn, never from within get()).
  void request(std::string_view url, RequestOptions options);
  // The observer is not called any more for the request.
  void cancel();
  [[nodiscard]] bool busy() const { return transfer_ != nullptr; }

 private:
  void finish(Result<Reply> reply);

  io::Reactor& reactor_;
  ClientObserver& observer_;
  Transfer* transfer_ = nullptr;  // frees itself
};

}  // namespace murder::http
