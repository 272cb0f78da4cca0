// OpenSSL's object of one connection, between bytes of a socket and what they say. For the sources
// of this layer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

struct ssl_st;
struct ssl_ctx_st;

namespace murder::tls {

class SslPipe {
 public:
  // nullopt: there is not enough memory.
  [[nodiscard]] static std::optional<SslPipe> create(ssl_ctx_st* context);

  [[nodiscard]] ssl_st* get() const { return ssl_.get(); }
  // Bytes from the socket; false: there is not enough memory.
  [[nodiscard]] bool feed(std::span<const uint8_t> bytes);
  // What they say is appended to `plain`. `failed`: OpenSSL has the reason.
  enum class Read : uint8_t { needs_more, ended, failed };
  [[nodiscard]] Read read(std::vector<uint8_t>& plain);
  // For the socket.
  [[nodiscard]] size_t output_bytes() const;
  [[nodiscard]] std::string take_output();

 private:
  struct Release {
    void operator()(ssl_st* ssl) const;
  };
  explicit SslPipe(std::unique_ptr<ssl_st, Release> ssl) : ssl_(std::move(ssl)) {}

  std::unique_ptr<ssl_st, Release> ssl_;
};

}  // namespace murder::tls
