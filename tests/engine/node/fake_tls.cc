#include "fake_tls.h"

#include <linux/tls.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "engine/base/ensure.h"

namespace murder::test {
namespace {

constexpr int level_tls = 282;
constexpr size_t head_bytes = 5;
constexpr size_t tag_bytes = 16;
constexpr size_t plain_bytes_max = 16384;

struct Deleter {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, Deleter>;

}  // namespace

FakeTls::FakeTls(const io::TlsKeys& keys) : nonce_(keys.nonce), record_number_(keys.record_number) {
  ENSURE(keys.cipher == io::TlsCipher::aes_128_gcm && keys.key.size() == key_.size());
  std::ranges::copy(keys.key, key_.begin());
}

std::array<uint8_t, 12> FakeTls::next_nonce() {
  std::array<uint8_t, 12> nonce = nonce_;
  for (size_t index = 0; index < 8; ++index) {
    nonce[4 + index] ^= static_cast<uint8_t>(record_number_ >> (8 * (7 - index)));
  }
  ++record_number_;
  return nonce;
}

void FakeTls::seal(uint8_t type, std::span<const uint8_t> plain, std::vector<uint8_t>& out) {
  while (!plain.empty()) {
    const size_t size = std::min(plain.size(), plain_bytes_max);
    seal_one(type, plain.first(size), out);
    plain = plain.subspan(size);
  }
}

void FakeTls::seal_one(uint8_t type, std::span<const uint8_t> plain, std::vector<uint8_t>& out) {
  const size_t body = plain.size() + 1 + tag_bytes;
  const std::array<uint8_t, head_bytes> head = {23, 3, 3, static_cast<uint8_t>(body >> 8U),
                                                static_cast<uint8_t>(body)};
  std::vector<uint8_t> inner(plain.begin(), plain.end());
  inner.push_back(type);
  std::vector<uint8_t> sealed(inner.size() + tag_bytes);
  const auto nonce = next_nonce();
  const Context context(EVP_CIPHER_CTX_new());
  int size = 0;
  ENSURE(EVP_EncryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, key_.data(), nonce.data()));
  ENSURE(EVP_EncryptUpdate(context.get(), nullptr, &size, head.data(), head.size()));
  ENSURE(EVP_EncryptUpdate(context.get(), sealed.data(), &size, inner.data(),
                           static_cast<int>(inner.size())));
  ENSURE(EVP_EncryptFinal_ex(context.get(), sealed.data() + size, &size));
  ENSURE(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, tag_bytes,
                             sealed.data() + inner.size()));
  out.insert(out.end(), head.begin(), head.end());
  out.insert(out.end(), sealed.begin(), sealed.end());
}

FakeTls::Record FakeTls::open_next(std::vector<uint8_t>& bytes) {
  if (bytes.size() < head_bytes) {
    return {};
  }
  const size_t body = static_cast<size_t>(bytes[3]) << 8U | bytes[4];
  if (bytes[0] != 23 || body <= tag_bytes || body > plain_bytes_max + 256) {
    return {.is_wrong = true};
  }
  if (bytes.size() < head_bytes + body) {
    return {};
  }
  std::vector<uint8_t> inner(body - tag_bytes);
  const auto nonce = next_nonce();
  const Context context(EVP_CIPHER_CTX_new());
  int size = 0;
  ENSURE(EVP_DecryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, key_.data(), nonce.data()));
  ENSURE(EVP_DecryptUpdate(context.get(), nullptr, &size, bytes.data(), head_bytes));
  ENSURE(EVP_DecryptUpdate(context.get(), inner.data(), &size, bytes.data() + head_bytes,
                           static_cast<int>(inner.size())));
  ENSURE(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, tag_bytes,
                             bytes.data() + head_bytes + inner.size()));
  if (EVP_DecryptFinal_ex(context.get(), inner.data() + size, &size) != 1) {
    return {.is_wrong = true};
  }
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(head_bytes + body));
  const uint8_t type = inner.back();
  inner.pop_back();
  return {.type = type, .content = inner};
}

bool FakeTls::say_type(msghdr& message, uint8_t type) {
  if (message.msg_control == nullptr || message.msg_controllen < CMSG_SPACE(1)) {
    return false;
  }
  auto* const header = static_cast<cmsghdr*>(message.msg_control);
  header->cmsg_level = level_tls;
  header->cmsg_type = TLS_GET_RECORD_TYPE;
  header->cmsg_len = CMSG_LEN(1);
  *CMSG_DATA(header) = type;
  message.msg_controllen = CMSG_SPACE(1);
  return true;
}

uint8_t FakeTls::said_type(const msghdr& message) {
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  return header != nullptr && header->cmsg_level == level_tls ? *CMSG_DATA(header) : data;
}

}  // namespace murder::test
