#include "engine/io/sockets.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>

#include "../../temporary_directory.h"
#include "support.h"

using namespace murder;
using namespace murder::io;

TEST_CASE("an endpoint survives the way into a socket address and back") {
  for (const char* text : {"192.0.2.7:6881", "[2001:db8::1]:80"}) {
    const Endpoint endpoint = *Endpoint::parse(text);
    CHECK(endpoint_of(SocketAddress::from(endpoint).storage) == endpoint);
    CHECK(endpoint_of(SocketAddress::from(endpoint, AF_INET6).storage) == endpoint);
  }
  CHECK(endpoint_of(SocketAddress::from_unix_path("/x")->storage) == std::nullopt);
}

TEST_CASE("listening on port 0 gets a port, which is then taken for others") {
  Result<Fd> first = listen_tcp(loopback(), {});
  REQUIRE(first);
  const Endpoint endpoint = *local_endpoint(first->get());
  CHECK(endpoint.port != 0);
  const Result<Fd> second = listen_tcp(endpoint, {.port_option = "--http-port"});
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::conflict);
  CHECK(second.error().text == "port " + std::to_string(endpoint.port) +
                                   " on 127.0.0.1 is taken by another process: choose another "
                                   "with --http-port");
}

TEST_CASE("a port that is taken is waited for, for a while") {
  Result<Fd> first = listen_tcp(loopback(), {});
  REQUIRE(first);
  const Endpoint endpoint = *local_endpoint(first->get());
  CHECK_FALSE(listen_tcp(endpoint, {.patience = std::chrono::milliseconds(60)}));
  std::thread holder([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    *first = Fd();
  });
  CHECK(listen_tcp(endpoint, {.patience = std::chrono::seconds(60)}));
  holder.join();
}

TEST_CASE("several sockets share a port when they ask for it") {
  Result<Fd> first = listen_tcp(loopback(), {.reuse_port = true});
  REQUIRE(first);
  CHECK(listen_tcp(*local_endpoint(first->get()), {.reuse_port = true}));
}

TEST_CASE("listening on an address of another host says so") {
  const Result<Fd> fd = listen_tcp(*Endpoint::parse("192.0.2.1:1"), {});
  REQUIRE_FALSE(fd);
  CHECK(fd.error().text == "192.0.2.1 is not an address of this host");
}

TEST_CASE("a dual-stack listener sees an IPv4 client under its IPv4 address") {
  Result<Fd> listener = listen_tcp({IpAddress::from_v6(std::array<uint8_t, 16>{}), 0}, {});
  if (!listener) {
    MESSAGE("no IPv6 here: " << listener.error().text);
    return;
  }
  const Endpoint destination = loopback(local_endpoint(listener->get())->port);
  Result<Fd> client = open_tcp(destination, Endpoint{*IpAddress::parse("127.0.0.5"), 0});
  REQUIRE(client);
  const SocketAddress address = SocketAddress::from(destination);
  REQUIRE(connect(client->get(), address.get(), address.size_bytes) == 0);
  const Fd server(accept(listener->get(), nullptr, nullptr));
  REQUIRE(server.is_open());
  CHECK(peer_endpoint(server.get())->address.text() == "127.0.0.5");
  CHECK(peer_endpoint(server.get()) == local_endpoint(client->get()));
}

TEST_CASE("connecting from an IPv6 address to an IPv4 one is an error in words") {
  const Result<Fd> fd = open_tcp(loopback(1), Endpoint{*IpAddress::parse("::1"), 0});
  REQUIRE_FALSE(fd);
  CHECK(fd.error().code == ErrorCode::invalid_input);
}

TEST_CASE("a socket path that the kernel cannot hold is an error") {
  CHECK_FALSE(SocketAddress::from_unix_path(std::string(108, 'x')));
  CHECK_FALSE(SocketAddress::from_unix_path(""));
}
