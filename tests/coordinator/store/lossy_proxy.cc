#include "lossy_proxy.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "engine/http/blocking_client.h"

namespace murder::store {

LossyProxy::LossyProxy(std::string target_url) : target_(std::move(target_url)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(listener_, 64) == 0);
  REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

LossyProxy::~LossyProxy() {
  is_over_ = true;
  thread_.join();
  ::close(listener_);
}

std::string LossyProxy::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

void LossyProxy::set(Mode mode, std::string path_end) {
  // The client waits for its answers, so nothing is under way now.
  path_end_ = std::move(path_end);
  mode_ = mode;
}

void LossyProxy::serve() {
  while (!is_over_) {
    pollfd item{.fd = listener_, .events = POLLIN, .revents = 0};
    if (::poll(&item, 1, 20) > 0) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      answer(fd);
      ::close(fd);
    }
  }
}

std::string LossyProxy::forward(const std::string& path, const std::string& body) const {
  const Result<http::Reply> reply =
      http::blocking_request(target_ + path, {.method = "POST",
                                              .body = body,
                                              .timeout = std::chrono::seconds(10),
                                              .body_bytes_max = 64 << 20});
  return reply ? fmt::format("HTTP/1.1 {} OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                             reply->status, reply->body.size(), reply->body)
               : std::string();
}

void LossyProxy::answer(int fd) {
  std::string request;
  size_t head = std::string::npos;
  size_t length = 0;
  while (head == std::string::npos || request.size() < head + 4 + length) {
    char part[65536];
    const ssize_t got = ::recv(fd, part, sizeof(part), 0);
    if (got <= 0) {
      return;
    }
    request.append(part, static_cast<size_t>(got));
    head = request.find("\r\n\r\n");
    const size_t field = request.find("Content-Length: ");
    length = field < head ? std::strtoul(request.c_str() + field + 16, nullptr, 10) : 0;
  }
  const size_t blank = request.find(' ');
  const std::string path = request.substr(blank + 1, request.find(' ', blank + 1) - blank - 1);
  const std::string body = request.substr(head + 4);
  const Mode mode = path.ends_with(path_end_) ? mode_.load() : Mode::pass;
  touched_ += mode != Mode::pass ? 1 : 0;
  if (mode == Mode::hold || mode == Mode::hold_and_fail) {
    held_.emplace_back(path, body);
    if (mode == Mode::hold_and_fail) {
      const std::string_view failed = "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n";
      static_cast<void>(::send(fd, failed.data(), failed.size(), MSG_NOSIGNAL));
    }
    return;
  }
  if (mode == Mode::refuse) {
    return;
  }
  const std::string reply = forward(path, body);
  if (mode != Mode::lose_answer) {
    static_cast<void>(::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL));
  }
}

void LossyProxy::let_go() {
  mode_ = Mode::pass;
  for (const auto& [path, body] : held_) {
    forward(path, body);
  }
  held_.clear();
}

}  // namespace murder::store
