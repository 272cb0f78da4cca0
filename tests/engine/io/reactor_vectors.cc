// Scattered and gathered transfers, and sends without a copy.
#include <sys/uio.h>

#include <array>
#include <string>

#include "engine/base/types.h"
#include "engine/io/reactor.h"
#include "support.h"

using namespace murder;
using namespace murder::io;

namespace {

iovec vector_of(std::string& text) {
  return {.iov_base = text.data(), .iov_len = text.size()};
}

msghdr message_of(std::span<iovec> vectors) {
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = vectors.size();
  return message;
}

struct TcpPair {
  Fd client;
  Fd server;
};

TcpPair make_tcp_pair() {
  Result<Fd> listener = listen_tcp(loopback(), {});
  REQUIRE(listener);
  const Endpoint endpoint = *local_endpoint(listener->get());
  Result<Fd> client = open_tcp(endpoint, std::nullopt);
  REQUIRE(client);
  const SocketAddress address = SocketAddress::from(endpoint);
  REQUIRE(connect(client->get(), address.get(), address.size_bytes) == 0);
  return {std::move(*client), Fd(accept(listener->get(), nullptr, nullptr))};
}

}  // namespace

TEST_CASE("a message is gathered from its parts and scattered into its parts") {
  const auto reactor = make_reactor();
  const TcpPair pair = make_tcp_pair();
  std::string head = "head|";
  std::string body = "body of it";
  std::array<iovec, 2> out = {vector_of(head), vector_of(body)};
  const msghdr sent_message = message_of(out);
  Recorder sent;
  reactor->sendmsg(sent.operation, pair.client.get(), &sent_message);
  REQUIRE(wait_for(*reactor, sent) == 15);
  std::string head_in(5, '?');
  std::string body_in(10, '?');
  std::array<iovec, 2> in = {vector_of(head_in), vector_of(body_in)};
  msghdr received_message = message_of(in);
  Recorder received;
  reactor->recvmsg(received.operation, pair.server.get(), &received_message, MSG_WAITALL);
  REQUIRE(wait_for(*reactor, received) == 15);
  CHECK(head_in == head);
  CHECK(body_in == body);
}

TEST_CASE("a send without a copy stays in flight until its pages are free") {
  const auto reactor = make_reactor();
  if (!reactor->features().sendmsg_zero_copy) {
    MESSAGE("this kernel has no SENDMSG_ZC");
    return;
  }
  const TcpPair pair = make_tcp_pair();
  std::string text(20'000, 'z');
  std::array<iovec, 1> out = {vector_of(text)};
  const msghdr message = message_of(out);
  Recorder sent;
  reactor->sendmsg_zero_copy(sent.operation, pair.client.get(), &message);
  std::string in(text.size(), '?');
  Recorder received;
  reactor->recv(received.operation, pair.server.get(),
                std::span(reinterpret_cast<uint8_t*>(in.data()), in.size()), MSG_WAITALL);
  wait_for(*reactor, received);
  wait_for(*reactor, sent);
  CHECK(in == text);
  REQUIRE(sent.completions.size() == 2);
  CHECK(sent.completions[0].result == 20'000);
  CHECK((sent.completions[0].flags & cqe_more) != 0);
  CHECK((sent.completions[1].flags & cqe_notification) != 0);
}
