#include "engine/http/lookup.h"

#include <netdb.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "engine/http/bounds.h"
#include "engine/io/sockets.h"

namespace murder::http {
namespace {

std::atomic<uint32_t> lookups_running{0};

}  // namespace

Result<std::vector<IpAddress>> look_up_blocking(const std::string& host) {
  if (const std::optional<IpAddress> numeric = IpAddress::parse(host)) {
    return std::vector<IpAddress>{*numeric};
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  // No AI_ADDRCONFIG: a host with IPv6 alone may know itself by 127.0.1.1 (Debian's /etc/hosts),
  // and an address that cannot be reached costs nothing.
  addrinfo* list = nullptr;
  const int result = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (result != 0) {
    return fail(ErrorCode::network,
                "cannot find the address of host " + host + ": " +
                    (result == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(result)));
  }
  std::vector<IpAddress> addresses;
  for (const addrinfo* item = list; item != nullptr; item = item->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, item->ai_addr, std::min<size_t>(item->ai_addrlen, sizeof storage));
    const std::optional<Endpoint> endpoint = io::endpoint_of(storage);
    if (endpoint &&
        std::find(addresses.begin(), addresses.end(), endpoint->address) == addresses.end()) {
      addresses.push_back(endpoint->address);
    }
  }
  freeaddrinfo(list);
  if (addresses.empty()) {
    return fail(ErrorCode::network, "host " + host + " has no IP address");
  }
  return addresses;
}

Result<Lookup*> Lookup::start(const std::string& host) {
  if (lookups_running.fetch_add(1) >= limits::lookups_max) {
    lookups_running.fetch_sub(1);
    return fail(ErrorCode::limit, "cannot look up host " + host + ": " +
                                      std::to_string(limits::lookups_max) +
                                      " names already wait for the name server");
  }
  const int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event_fd < 0) {
    lookups_running.fetch_sub(1);
    return fail_errno(errno, "cannot look up host " + host);
  }
  auto* lookup = new Lookup(host, event_fd);
  // Signals belong to the threads of the program.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread{};
  const int result = pthread_create(&thread, nullptr, run, lookup);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (result != 0) {
    lookup->release();
    lookup->release();
    return fail_errno(result, "cannot start a thread to look up host " + host);
  }
  pthread_detach(thread);
  return lookup;
}

Lookup::Lookup(std::string host, int event_fd)
    : host_(std::move(host)),
      event_fd_(event_fd),
      result_(fail(ErrorCode::interrupted, "not looked up yet")) {}

Lookup::~Lookup() {
  close(event_fd_);
  lookups_running.fetch_sub(1);
}

void* Lookup::run(void* lookup) {
  auto* self = static_cast<Lookup*>(lookup);
  self->result_ = look_up_blocking(self->host_);
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t size = write(self->event_fd_, &one, sizeof one);
  self->release();
  return nullptr;
}

void Lookup::release() {
  if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    delete this;
  }
}

}  // namespace murder::http
