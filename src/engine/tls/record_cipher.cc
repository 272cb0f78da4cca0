#include "engine/tls/record_cipher.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <utility>

#include "engine/base/ensure.h"

namespace murder::tls {
namespace {

constexpr uint16_t wire_version = 0x0303;  // of each sealed record, whatever is spoken

const EVP_CIPHER* method_of(Suite suite) {
  return suite == Suite::aes_128_gcm ? EVP_aes_128_gcm() : EVP_chacha20_poly1305();
}

void write_head(size_t body_bytes, std::span<uint8_t> out) {
  out[0] = static_cast<uint8_t>(ContentType::application_data);
  out[1] = wire_version >> 8U;
  out[2] = wire_version & 0xff;
  out[3] = static_cast<uint8_t>(body_bytes >> 8U);
  out[4] = static_cast<uint8_t>(body_bytes);
}

// Where the content of an opened record ends: behind it is its type, then zeros. SIZE_MAX: there is
// no type.
size_t find_type(Segments opened, size_t size_bytes, uint8_t& type) {
  size_t found = SIZE_MAX;
  size_t position = 0;
  opened.each(size_bytes, [&](std::span<const uint8_t> part) {
    for (size_t index = part.size(); index > 0; --index) {
      if (part[index - 1] != 0) {
        found = position + index - 1;
        type = part[index - 1];
        break;
      }
    }
    position += part.size();
    return true;
  });
  return found;
}

}  // namespace

RecordHead decode_record_head(RecordHeadView wire) {
  return {.type = wire[0],
          .version = static_cast<uint16_t>(wire[1] << 8U | wire[2]),
          .body_bytes = static_cast<size_t>(wire[3]) << 8U | wire[4]};
}

bool is_sealed_head(const RecordHead& head) {
  return head.type == static_cast<uint8_t>(ContentType::application_data) &&
         head.version == wire_version && head.body_bytes > limits::tls_tag_bytes &&
         head.body_bytes <= limits::tls_record_bytes_max - limits::tls_record_head_bytes;
}

void RecordCipher::ContextDeleter::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

std::optional<RecordCipher> RecordCipher::create(Suite suite, Direction direction,
                                                 const TrafficSecret& secret) {
  RecordCipher made(suite, direction, secret, Context(EVP_CIPHER_CTX_new()));
  const bool is_ready = made.context_ != nullptr &&
                        EVP_CipherInit_ex(made.context_.get(), method_of(suite), nullptr, nullptr,
                                          nullptr, direction == Direction::seals ? 1 : 0) == 1 &&
                        made.use_key();
  ERR_clear_error();
  return is_ready ? std::optional(std::move(made)) : std::nullopt;
}

bool RecordCipher::use_key() {
  const RecordKey key = record_key_of(suite_, secret_);
  nonce_ = key.nonce;
  record_count_ = 0;
  sealed_bytes_ = 0;
  return EVP_CipherInit_ex(context_.get(), nullptr, nullptr, key.key.data(), nullptr, -1) == 1;
}

bool RecordCipher::take_next_key() {
  secret_ = next_secret(secret_);
  return use_key();
}

// The nonce is that of the key, with the record's number in its last eight bytes.
bool RecordCipher::begin_record(std::span<const uint8_t> head) {
  std::array<uint8_t, RecordKey::nonce_bytes> nonce = nonce_;
  for (size_t index = 0; index < sizeof(record_count_); ++index) {
    nonce[nonce.size() - 1 - index] ^= static_cast<uint8_t>(record_count_ >> (8 * index));
  }
  int unused = 0;
  return EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, nonce.data(), -1) == 1 &&
         EVP_CipherUpdate(context_.get(), nullptr, &unused, head.data(),
                          static_cast<int>(head.size())) == 1;
}

bool RecordCipher::update(std::span<const uint8_t> from, uint8_t* to) {
  int size = 0;
  return EVP_CipherUpdate(context_.get(), to, &size, from.data(), static_cast<int>(from.size())) ==
             1 &&
         static_cast<size_t>(size) == from.size();
}

size_t RecordCipher::seal(ContentType type, Segments& plain, size_t size_bytes,
                          std::span<uint8_t> out) {
  ENSURE(direction_ == Direction::seals);
  ENSURE(size_bytes <= limits::tls_plain_bytes_max);
  ENSURE(out.size() >= size_bytes + limits::tls_overhead_bytes);
  const std::span<uint8_t> head = out.first(limits::tls_record_head_bytes);
  write_head(size_bytes + 1 + limits::tls_tag_bytes, head);
  if (!begin_record(head)) {
    return 0;
  }
  uint8_t* to = out.data() + head.size();
  const bool is_sealed = plain.each(size_bytes, [&](std::span<const uint8_t> part) {
    to += part.size();
    return update(part, to - part.size());
  });
  const auto type_byte = static_cast<uint8_t>(type);
  int unused = 0;
  if (!is_sealed || !update({&type_byte, 1}, to) ||
      EVP_CipherFinal_ex(context_.get(), to + 1, &unused) != 1 ||
      EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, limits::tls_tag_bytes, to + 1) !=
          1) {
    return 0;
  }
  ++record_count_;
  sealed_bytes_ += size_bytes;
  return size_bytes + limits::tls_overhead_bytes;
}

// The last byte, which without padding is the type, is kept apart: it has no place among the data.
std::optional<RecordCipher::Opened> RecordCipher::open(std::span<const uint8_t> record,
                                                       Segments into) {
  ENSURE(direction_ == Direction::opens);
  ENSURE(record.size() >= limits::tls_overhead_bytes);
  const std::span<const uint8_t> head = record.first(limits::tls_record_head_bytes);
  const size_t room = room_for(record);
  const uint8_t* from = record.data() + head.size();
  const Segments begin = into;
  uint8_t type = 0;
  const bool is_read = begin_record(head) && into.each(room, [&](std::span<uint8_t> part) {
    from += part.size();
    return update({from - part.size(), part.size()}, part.data());
  }) && update({from, 1}, &type);
  std::array<uint8_t, limits::tls_tag_bytes> tag{};
  std::copy_n(from + 1, tag.size(), tag.begin());
  std::array<uint8_t, limits::tls_tag_bytes> rest{};
  int unused = 0;
  if (!is_read ||
      EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()),
                          tag.data()) != 1 ||
      EVP_CipherFinal_ex(context_.get(), rest.data(), &unused) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  ++record_count_;
  sealed_bytes_ += room;
  if (type != 0) {
    return Opened{type, room};
  }
  const size_t size = find_type(begin, room, type);
  return size == SIZE_MAX ? std::nullopt : std::optional(Opened{type, size});
}

}  // namespace murder::tls
