// shalanes: SHA-1 of many messages at once, in the SIMD lanes of one core.
//
// A kernel advances one message in each of its lanes, all by the same number of blocks. choose()
// finds the kernels of this processor, Streams brings messages of any length and progress onto
// them. `Algorithm` is Sha1; another algorithm is one more struct like it, with kernels of its own.
//
// Threads: a Choice is constant data; a Streams belongs to one thread at a time.
// Errors: a family that is unknown or that this processor lacks is reported in Choice::wish, and
// the best is chosen instead. Without memory, what allocates throws std::bad_alloc: constructors,
// and functions that return a string. A wrong argument ends the process with a line on standard
// error.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shalanes {

inline constexpr uint32_t lanes_max = 16;  // of any kernel

struct Sha1 {  // FIPS 180-4
  static constexpr size_t block_bytes = 64;
  using State = std::array<uint32_t, 5>;  // h0 to h4
  using Digest = std::array<uint8_t, 20>;
  static constexpr State initial_state = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476,
                                          0xC3D2E1F0};
};

template <typename Algorithm>
struct Kernel {
  std::string_view family;  // kernels of the same instructions: "avx512", "openssl"
  uint32_t lanes = 0;       // how many messages it takes at once, always all of them
  // Advances states[i] by `block_count` blocks from inputs[i], at any address, i below lanes.
  void (*advance)(typename Algorithm::State* states, const uint8_t* const* inputs,
                  size_t block_count) = nullptr;
};

// Whether the family that was asked for is used.
enum class Wish : uint8_t { none, met, unavailable, unknown };

// The kernels to use, most lanes first. What is left over is hashed one by one.
template <typename Algorithm>
struct Choice {
  static constexpr size_t kernels_max = 4;

  std::string_view family;                                  // of the first kernel
  std::array<Kernel<Algorithm>, kernels_max> kernels = {};  // of two lanes or more
  size_t kernel_count = 0;
  Kernel<Algorithm> single;  // of one lane; OpenSSL's if the family has none
  Wish wish = Wish::none;

  // How many messages at once gain something, and how many gain the most. 1: none.
  [[nodiscard]] uint32_t lanes_min() const {
    return kernel_count > 0 ? kernels[kernel_count - 1].lanes : 1;
  }
  [[nodiscard]] uint32_t lanes_best() const { return kernel_count > 0 ? kernels[0].lanes : 1; }
};

// The best kernels of this processor, or the family named `wanted` alone ("": no wish). A kernel
// that disagrees with OpenSSL on a trial is left out.
template <typename Algorithm>
[[nodiscard]] Choice<Algorithm> choose(std::string_view wanted = {});
// `variable` names an environment variable that holds the wish.
template <typename Algorithm>
[[nodiscard]] Choice<Algorithm> choose_by_environment(const char* variable);

// All families, and those that this processor has: "avx512, sha-ni, avx2, openssl".
template <typename Algorithm>
[[nodiscard]] std::string known_families();
template <typename Algorithm>
[[nodiscard]] std::string available_families();
// "avx512 (16), sha-ni (4, 2, 1 at once)"
template <typename Algorithm>
[[nodiscard]] std::string describe(const Choice<Algorithm>& choice);

// One message that is whole in memory. Allocates nothing.
template <typename Algorithm>
[[nodiscard]] typename Algorithm::Digest hash(const Choice<Algorithm>& choice,
                                              std::span<const uint8_t> message);

// How much of a part is hashed by the call that gets it. What is not hashed comes again, at the
// beginning of the stream's next part.
enum class Extent : uint8_t {
  message_end,  // everything, and the message ends with it
  blocks,       // every whole block
  shared,       // as much as fills a kernel together with other parts, shared_bytes_min or more
};

struct Part {
  uint32_t stream = 0;
  std::span<const uint8_t> bytes;  // of the message, from hashed_bytes(stream) on
  Extent extent = Extent::message_end;
};

// Messages that come in parts, each at its own pace. Allocates when made, not when used.
template <typename Algorithm>
class Streams {
 public:
  static constexpr size_t shared_bytes_min = 64 << 10;

  Streams(uint32_t stream_count, const Choice<Algorithm>& choice);

  // The stream begins a new message, whatever became of the one before.
  void restart(uint32_t stream);
  [[nodiscard]] uint64_t hashed_bytes(uint32_t stream) const;
  // At most one part of each stream, in any order. Those with most left go side by side.
  void advance(std::span<const Part> parts);
  // Of a message whose end was hashed; the stream begins a new one.
  [[nodiscard]] typename Algorithm::Digest digest(uint32_t stream);

 private:
  struct Stream {
    typename Algorithm::State state = Algorithm::initial_state;
    uint64_t hashed_bytes = 0;
    bool is_ended = false;
    bool has_part = false;  // in the call that is under way
  };
  struct Job {
    uint32_t stream = 0;
    const uint8_t* next = nullptr;
    size_t blocks_left = 0;
    size_t blocks_min = 1;  // fewer are left to a later call
    size_t blocks_done = 0;
  };

  void run();
  void step(const Kernel<Algorithm>& kernel, std::span<Job> jobs);
  void end_messages(std::span<const Part> parts);

  Choice<Algorithm> choice_;
  std::vector<Stream> streams_;
  std::vector<Job> jobs_;  // of the call that is under way
};

extern template class Streams<Sha1>;

}  // namespace shalanes
