#include "engine/http/client.h"

#include <utility>

#include "engine/base/ensure.h"
#include "engine/http/transfer.h"

namespace murder::http {

Client::Client(io::Reactor& reactor, ClientObserver& observer)
    : reactor_(reactor), observer_(observer) {}

Client::~Client() {
  cancel();
}

void Client::request(std::string_view url, RequestOptions options) {
  ENSURE(!busy());
  transfer_ = new Transfer(reactor_, callback<&Client::finish>(this), url, std::move(options));
}

void Client::cancel() {
  if (busy()) {
    std::exchange(transfer_, nullptr)->abandon();
  }
}

void Client::finish(Result<Reply> reply) {
  transfer_ = nullptr;
  observer_.on_http_reply(*this, std::move(reply));
}

}  // namespace murder::http
