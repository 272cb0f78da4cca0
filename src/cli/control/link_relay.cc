#include "cli/control/link_relay.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "cli/control/bounds.h"
#include "engine/base/fd.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/small_file.h"
#include "engine/base/types.h"
#include "engine/codec/http_head.h"
#include "engine/control/bounds.h"
#include "engine/control/frame.h"
#include "engine/control/relay_messages.h"
#include "engine/http/blocking_client.h"
#include "engine/trust/base64.h"
#include "engine/trust/hmac.h"

namespace murder::cli {
namespace {

constexpr uint16_t status_switched = 101;
constexpr uint16_t status_forbidden = 403;
constexpr size_t head_bytes_max = 16 * 1024;

struct AddressesDeleter {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};

Result<Fd> connect_to(const HostPort& place) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(place.host.c_str(), std::to_string(place.port).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, AddressesDeleter> addresses(found);
  if (error != 0) {
    return fail(ErrorCode::network, fmt::format("{}: {}", place.text(), gai_strerror(error)));
  }
  int last_error = EADDRNOTAVAIL;
  for (const addrinfo* each = addresses.get(); each != nullptr; each = each->ai_next) {
    Fd fd(socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    constexpr timeval wait{.tv_sec = limits::relay_connect_max_s, .tv_usec = 0};
    if (fd.is_open()) {
      setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
      setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
      if (connect(fd.get(), each->ai_addr, each->ai_addrlen) == 0) {
        return fd;
      }
    }
    last_error = errno;
  }
  return fail_errno(last_error, "cannot connect to " + place.text());
}

Status send_whole(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size <= 0) {
      return fail_errno(errno, "the coordinator does not take what is sent");
    }
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return {};
}

// A connection that passes frames, and what came behind the answer's head.
struct OpenLink {
  Fd socket;
  std::string early;
};

// Or why there is none.
struct Opened {
  std::optional<OpenLink> link;
  control::RelayUnlinked why;
};

struct Answer {
  uint16_t status = 0;
  std::string rest;  // behind the head
};

Result<Answer> read_answer(int socket) {
  std::string bytes;
  while (bytes.size() < head_bytes_max) {
    std::array<char, 4096> part{};
    const ssize_t size = recv(socket, part.data(), part.size(), 0);
    if (size < 0 && errno == EINTR) {
      continue;
    }
    bytes.append(part.data(), size > 0 ? static_cast<size_t>(size) : 0);
    const auto head = codec::parse_response_head(as_bytes_of(bytes));
    if (!head) {
      return fail(head.error());
    }
    const bool is_whole =
        *head && ((*head)->status == status_switched ||
                  bytes.size() >= (*head)->head_bytes + (*head)->body_bytes || size <= 0);
    if (is_whole) {
      return Answer{.status = (*head)->status, .rest = bytes.substr((*head)->head_bytes)};
    }
    if (size <= 0) {
      break;
    }
  }
  return fail(ErrorCode::network, "no answer of a coordinator");
}

class Relay {
 public:
  explicit Relay(const LinkRelay& relay)
      : relay_(relay),
        from_agent_(limits::control_agent_message_bytes_max + trust::mac_bytes),
        from_coordinator_(coordinator_frames()),
        first_until_(monotonic_now() + relay.first_max) {}

  Status run() {
    bool was_linked = false;
    while (true) {
      const Result<std::optional<std::string>> target = wait_for_target();
      if (!target || !*target) {
        return target ? Status() : fail(target.error());
      }
      Result<Opened> opened = open_link(**target);
      if (!opened && !was_linked && monotonic_now() >= first_until_) {
        static_cast<void>(tell_unlinked({.status = 0, .body = opened.error().text}));
        return fail(opened.error());
      }
      control::RelayUnlinked why{.status = 0, .body = "the connection was closed"};
      if (opened && opened->link) {
        was_linked = true;
        from_coordinator_ = coordinator_frames();
        const Result<bool> lives = pass(*opened->link);
        if (!lives || !*lives) {
          return lives ? Status() : fail(lives.error());
        }
      } else {
        why =
            opened ? opened->why : control::RelayUnlinked{.status = 0, .body = opened.error().text};
        std::this_thread::sleep_for(why.status == status_forbidden ? Duration::zero()
                                                                   : limits::relay_retry);
      }
      if (Status told = tell_unlinked(std::move(why)); !told) {
        return told;
      }
    }
  }

 private:
  static control::FrameReader coordinator_frames() {
    return control::FrameReader(limits::control_coordinator_message_bytes_max + trust::mac_bytes);
  }

  Status tell_unlinked(control::RelayUnlinked unlinked) {
    unlinked.body.resize(
        std::min<size_t>(unlinked.body.size(), limits::control_relay_body_bytes_max));
    std::ranges::replace_if(
        unlinked.body, [](char byte) { return (byte < ' ' && byte != '\n') || byte > '~'; }, '?');
    std::string frame;
    control::append_frame(frame, control::text_of(unlinked));
    return write_whole(relay_.output, frame, "the agent");
  }

  // By which the agent asks for its link; nothing: its end is closed. What it says besides is of a
  // connection that is gone.
  Result<std::optional<std::string>> wait_for_target() {
    while (true) {
      std::string text;
      const Result<bool> next = from_agent_.next(text);
      if (!next) {
        return fail(next.error());
      }
      if (*next) {
        const Result<std::optional<control::RelayLink>> link = control::parse_relay_link(text);
        if (!link) {
          return fail(link.error());
        }
        if (*link) {
          return (*link)->target;
        }
        if (Status answered = answer_if_get(text); !answered) {
          return fail(answered.error());
        }
        continue;
      }
      std::array<char, 16 * 1024> part{};
      const ssize_t size = read(relay_.input, part.data(), part.size());
      if (size < 0 && errno == EINTR) {
        continue;
      }
      if (size <= 0) {
        return std::nullopt;
      }
      from_agent_.put(std::as_bytes(std::span(part).first(static_cast<size_t>(size))));
    }
  }

  // Error also: it is one, and not whole.
  Status answer_if_get(std::string_view text) {
    const Result<std::optional<control::RelayGet>> get = control::parse_relay_get(text);
    if (!get) {
      return fail(get.error());
    }
    return *get ? answer_get(**get) : Status();
  }

  Result<Opened> open_link(const std::string& target) {
    Result<Fd> socket = connect_to(relay_.coordinator);
    if (!socket) {
      return fail(socket.error());
    }
    const std::string head = fmt::format(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: murder-agent/1\r\n\r\n",
        target, relay_.coordinator.text());
    if (Status sent = send_whole(socket->get(), head); !sent) {
      return fail(sent.error());
    }
    Result<Answer> answer = read_answer(socket->get());
    if (!answer) {
      return fail(answer.error());
    }
    Opened opened;
    if (answer->status == status_switched) {
      opened.link.emplace(OpenLink{.socket = std::move(*socket), .early = std::move(answer->rest)});
    } else {
      opened.why = {.status = answer->status, .body = std::move(answer->rest)};
    }
    return opened;
  }

  // False: the agent's end is closed. True: the coordinator's.
  Result<bool> pass(OpenLink& link) {
    if (Status taken = take_from_coordinator(link.early); !taken) {
      return fail(taken.error());
    }
    while (true) {
      std::array<pollfd, 2> ends{pollfd{.fd = relay_.input, .events = POLLIN, .revents = 0},
                                 pollfd{.fd = link.socket.get(), .events = POLLIN, .revents = 0}};
      if (poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) {
        return fail_errno(errno, "waiting for frames");
      }
      std::array<char, 16 * 1024> part{};
      if (ends[0].revents != 0) {
        const ssize_t size = read(relay_.input, part.data(), part.size());
        if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN)) {
          return false;
        }
        const Result<bool> sent =
            take_from_agent({part.data(), static_cast<size_t>(std::max<ssize_t>(size, 0))}, link);
        if (!sent || !*sent) {
          return sent ? Result<bool>(true) : sent;
        }
      }
      if (ends[1].revents != 0) {
        const ssize_t size = recv(link.socket.get(), part.data(), part.size(), MSG_DONTWAIT);
        if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN)) {
          return true;
        }
        if (Status taken = take_from_coordinator(
                {part.data(), static_cast<size_t>(std::max<ssize_t>(size, 0))});
            !taken) {
          return false;
        }
      }
    }
  }

  // False: the coordinator took no more.
  Result<bool> take_from_agent(std::string_view bytes, const OpenLink& link) {
    from_agent_.put(std::as_bytes(std::span(bytes)));
    std::string text;
    while (true) {
      const Result<bool> next = from_agent_.next(text);
      if (!next || !*next) {
        return next ? Result<bool>(true) : next;
      }
      const Result<std::optional<control::RelayGet>> get = control::parse_relay_get(text);
      if (!get) {
        return fail(get.error());
      }
      if (*get) {
        if (Status answered = answer_get(**get); !answered) {
          return fail(answered.error());
        }
        continue;
      }
      std::string frame;
      control::append_frame(frame, text);
      if (!send_whole(link.socket.get(), frame)) {
        return false;
      }
    }
  }

  // Whole frames: answers of answer_get() stand between them.
  Status take_from_coordinator(std::string_view bytes) {
    from_coordinator_.put(std::as_bytes(std::span(bytes)));
    std::string text;
    while (true) {
      const Result<bool> next = from_coordinator_.next(text);
      if (!next || !*next) {
        return next ? Status() : fail(next.error());
      }
      std::string frame;
      control::append_frame(frame, text);
      if (Status written = write_whole(relay_.output, frame, "the agent"); !written) {
        return written;
      }
    }
  }

  Status answer_get(const control::RelayGet& get) {
    const Result<http::Reply> reply = http::blocking_request(
        fmt::format("http://{}{}", relay_.coordinator.text(), get.target),
        {.timeout = limits::relay_get_max, .body_bytes_max = limits::coordinator_answer_bytes_max});
    const std::string body = reply ? reply->body : reply.error().text;
    size_t done = 0;
    do {
      const std::string_view part =
          std::string_view(body).substr(done, limits::control_relay_part_bytes);
      done += part.size();
      std::string frame;
      control::append_frame(frame, control::text_of(control::RelayGot{
                                       .id = get.id,
                                       .status = reply ? static_cast<uint64_t>(reply->status) : 0,
                                       .body = trust::encode_base64(part),
                                       .more = done < body.size()}));
      if (Status written = write_whole(relay_.output, frame, "the agent"); !written) {
        return written;
      }
    } while (done < body.size());
    return {};
  }

  const LinkRelay relay_;
  control::FrameReader from_agent_;
  control::FrameReader from_coordinator_;
  const Instant first_until_;
};

}  // namespace

Status relay_link(const LinkRelay& relay) {
  return Relay(relay).run();
}

}  // namespace murder::cli
