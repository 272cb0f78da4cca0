#include "engine/http/exchange.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/base/units.h"

namespace murder::http {

Result<Exchange> Exchange::begin(std::string_view url, RequestOptions options) {
  Result<codec::Url> parsed = codec::Url::parse(url);
  if (!parsed) {
    return fail(parsed.error());
  }
  return Exchange(std::move(*parsed), std::move(options));
}

Exchange::Exchange(codec::Url url, RequestOptions options)
    : url_(std::move(url)), options_(std::move(options)), reader_(options_.body_bytes_max) {}

Result<tls::ClientStream> Exchange::make_stream() const {
  Result<std::vector<tls::KeyPin>> pins =
      tls::parse_pins(url_.pins.empty() ? options_.pins : url_.pins);
  if (!pins) {
    return fail(in_context(pins.error()));
  }
  Result<tls::ClientStream> stream = tls::ClientStream::create(url_.host, std::move(*pins));
  return stream ? std::move(stream) : fail(in_context(stream.error()));
}

std::string Exchange::request_bytes() const {
  std::string bytes;
  const std::string target = url_.target();
  const std::string host = url_.authority();
  const std::array<codec::HeaderField, 1> fields = {{{"User-Agent", "murder"}}};
  const bool has_body = options_.method != "GET";
  codec::append_request_head(
      bytes,
      {.method = options_.method,
       .target = target,
       .host = host,
       .content_bytes = has_body ? std::optional<uint64_t>(options_.body.size()) : std::nullopt,
       .keep_alive = false,
       .fields = fields});
  if (has_body) {
    bytes.append(options_.body);
  }
  return bytes;
}

Status Exchange::feed(std::span<const uint8_t> bytes) {
  return bytes.empty() ? reader_.feed_end() : reader_.feed(bytes);
}

Status Exchange::feed_from(tls::ClientStream& stream, std::span<const uint8_t> bytes) {
  using State = tls::ClientStream::State;
  if (bytes.empty()) {
    return fail(ErrorCode::network, "the connection was cut");
  }
  std::vector<uint8_t> plain;
  stream.take(bytes, plain);
  if (!plain.empty()) {
    if (Status fed = reader_.feed(plain); !fed || reader_.is_done()) {
      return fed;
    }
  }
  if (stream.state() == State::failed) {
    return fail(stream.error());
  }
  return stream.state() == State::ended ? reader_.feed_end() : Status{};
}

Result<bool> Exchange::follow_redirect() {
  const int status = reader_.status();
  const bool redirects =
      status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  if (!redirects || is_local() || !options_.follows_redirects) {
    return false;
  }
  if (reader_.location().empty()) {
    return fail(in_context({ErrorCode::invalid_input, "redirected to nowhere"}));
  }
  if (++redirect_count_ > redirects_max) {
    return fail(in_context(
        {ErrorCode::limit, "redirected more than " + std::to_string(redirects_max) + " times"}));
  }
  Result<codec::Url> next = codec::resolve_url(url_, reader_.location());
  if (!next) {
    return fail(in_context({next.error().code, "redirected: " + next.error().text}));
  }
  if (url_.is_https && !next->is_https) {
    return fail(in_context({ErrorCode::network,
                            "redirected from https to http, which anybody on the way can change"}));
  }
  // Whom else to believe is not for a server to say.
  next->pins = next->origin() == url_.origin() ? url_.pins : "";
  url_ = std::move(*next);
  if (status <= 303) {
    options_.method = "GET";
    options_.body.clear();
  }
  reader_ = ReplyReader(options_.body_bytes_max);
  return true;
}

Reply Exchange::take_reply(const Endpoint& local_address) {
  return {.status = reader_.status(),
          .body = reader_.take_body(),
          .content_type = reader_.content_type(),
          .local_address = local_address,
          .final_url = url_.text()};
}

Error Exchange::in_context(const Error& error) const {
  // The query of an announce is long and says nothing to a person.
  const std::string where = is_local() ? options_.unix_socket_path : url_.origin() + url_.path;
  return {error.code, where + ": " + error.text};
}

Error Exchange::timed_out(std::string_view doing) const {
  return in_context({ErrorCode::timeout, std::string(doing) + " took longer than " +
                                             format_duration(options_.timeout)});
}

Error Exchange::failed_with(int error_number, std::string_view doing) const {
  return in_context(
      {error_code_of_errno(error_number), std::string(doing) + ": " + std::strerror(error_number)});
}

Result<std::vector<IpAddress>> reachable_from(std::vector<IpAddress> addresses,
                                              const std::optional<IpAddress>& bind_address) {
  if (bind_address && !bind_address->is_unspecified()) {
    std::erase_if(addresses, [&](const IpAddress& address) {
      return address.is_v4() != bind_address->is_v4();
    });
    if (addresses.empty()) {
      return fail(ErrorCode::network,
                  "no address that can be reached from " + bind_address->text());
    }
  }
  return addresses;
}

}  // namespace murder::http
