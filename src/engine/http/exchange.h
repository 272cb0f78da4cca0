// A request with its redirects, without any I/O: what both clients have in common. For the sources
// of this layer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/codec/url.h"
#include "engine/http/reply.h"
#include "engine/http/reply_reader.h"
#include "engine/tls/client_stream.h"

namespace murder::http {

class Exchange {
 public:
  // Errors: what is wrong with the URL.
  [[nodiscard]] static Result<Exchange> begin(std::string_view url, RequestOptions options);

  [[nodiscard]] const codec::Url& url() const { return url_; }
  [[nodiscard]] const RequestOptions& options() const { return options_; }
  [[nodiscard]] bool is_local() const { return !options_.unix_socket_path.empty(); }
  [[nodiscard]] bool is_encrypted() const { return url_.is_https && !is_local(); }
  // To the server of an https URL. Errors: nobody says whom to believe, or a pin is none.
  [[nodiscard]] Result<tls::ClientStream> make_stream() const;
  [[nodiscard]] std::string request_bytes() const;
  [[nodiscard]] ReplyReader& reader() { return reader_; }
  // What came from the socket; nothing: its end. Errors: the answer is none, or was cut.
  [[nodiscard]] Status feed(std::span<const uint8_t> bytes);
  // The same through TLS, where an end that was not said is a cut.
  [[nodiscard]] Status feed_from(tls::ClientStream& stream, std::span<const uint8_t> bytes);

  // When the reader is done. True: connect again, to url(); false: the reply is there. Errors:
  // redirects that lead nowhere, from https to http, or too many.
  [[nodiscard]] Result<bool> follow_redirect();
  [[nodiscard]] Reply take_reply(const Endpoint& local_address);

  // The same error with the URL (or socket) it is about in front.
  [[nodiscard]] Error in_context(const Error& error) const;
  [[nodiscard]] Error timed_out(std::string_view doing) const;
  [[nodiscard]] Error failed_with(int error_number, std::string_view doing) const;

 private:
  Exchange(codec::Url url, RequestOptions options);

  codec::Url url_;
  RequestOptions options_;
  ReplyReader reader_;
  uint32_t redirect_count_ = 0;
};

// Of the addresses a name has, those that can be reached from the address to bind to.
[[nodiscard]] Result<std::vector<IpAddress>> reachable_from(
    std::vector<IpAddress> addresses, const std::optional<IpAddress>& bind_address);

}  // namespace murder::http
