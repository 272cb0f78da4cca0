#include "engine/io/ring_setup.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace murder::io {
namespace {

constexpr uint32_t fewer_entries[] = {64, 16};  // 12 and 8 KiB with their completions

// The kernel frees the rings of a process some time after its end (Linux 5.10 to 6.18: by a
// workqueue), and counts their memory until then: who starts again at once may have to wait.
constexpr int attempts_max = 41;
constexpr timespec wait_between_attempts{.tv_sec = 0, .tv_nsec = 50'000'000};

std::string read_io_uring_sysctl() {
  std::FILE* file = std::fopen("/proc/sys/kernel/io_uring_disabled", "re");
  if (file == nullptr) {
    return {};
  }
  char text[16] = {};
  const size_t size = std::fread(text, 1, sizeof text - 1, file);
  std::fclose(file);
  const std::string value(text, size);
  return value.substr(0, value.find('\n'));
}

void read_kernel_version(KernelFeatures& features) {
  utsname name{};
  if (uname(&name) == 0) {
    unsigned major = 0;
    unsigned minor = 0;
    if (std::sscanf(name.release, "%u.%u", &major, &minor) == 2) {
      features.kernel_major = major;
      features.kernel_minor = minor;
    }
  }
}

bool can_register_buffer_ring(io_uring& ring) {
  alignas(4096) static thread_local unsigned char page[4096];
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uintptr_t>(page);
  registration.ring_entries = 1;
  registration.bgid = UINT16_MAX;
  if (io_uring_register_buf_ring(&ring, &registration, 0) != 0) {
    return false;
  }
  io_uring_unregister_buf_ring(&ring, UINT16_MAX);
  return true;
}

void look_at(io_uring& ring, uint32_t setup_flags, KernelFeatures& features) {
  features.single_issuer = (setup_flags & IORING_SETUP_SINGLE_ISSUER) != 0;
  features.defer_taskrun = (setup_flags & IORING_SETUP_DEFER_TASKRUN) != 0;
  features.coop_taskrun = (setup_flags & IORING_SETUP_COOP_TASKRUN) != 0;
  features.cqe_skip = (ring.features & IORING_FEAT_CQE_SKIP) != 0;
  features.wait_timeout = (ring.features & IORING_FEAT_EXT_ARG) != 0;
  features.recvsend_bundle = (ring.features & feature_recvsend_bundle) != 0;
  features.min_timeout = (ring.features & feature_min_timeout) != 0;
  features.buffer_ring = can_register_buffer_ring(ring);
  // There is no way to ask for it; it came in the same release as buffer rings.
  features.accept_multishot = features.buffer_ring;
  io_uring_probe* probe = io_uring_get_probe_ring(&ring);
  if (probe != nullptr) {
    features.splice = io_uring_opcode_supported(probe, IORING_OP_SPLICE) != 0;
    features.sendmsg_zero_copy = io_uring_opcode_supported(probe, IORING_OP_SENDMSG_ZC) != 0;
    // Before Linux 6.3 a message to a ring with DEFER_TASKRUN could leave its thread asleep.
    features.message_ring =
        io_uring_opcode_supported(probe, IORING_OP_MSG_RING) != 0 && features.kernel_at_least(6, 3);
    io_uring_free_probe(probe);
  }
}

}  // namespace

Error ring_setup_error(int error_number, const std::string& sysctl_value) {
  const std::string what = "cannot set up io_uring: ";
  if (error_number == EPERM && (sysctl_value == "1" || sysctl_value == "2")) {
    return {ErrorCode::permission,
            what + "it is switched off on this host (kernel.io_uring_disabled = " + sysctl_value +
                "); run `sysctl kernel.io_uring_disabled=0` as root"};
  }
  switch (error_number) {
    case EPERM:
    case EACCES:
      return {ErrorCode::permission,
              what +
                  "not allowed here, most likely by the seccomp filter of a container; allow "
                  "io_uring_setup, io_uring_enter and io_uring_register, or run outside of it"};
    case ENOSYS:
      return {ErrorCode::unsupported,
              what +
                  "this kernel (or the seccomp filter of a container) does not offer it; Linux " +
                  std::to_string(kernel_major_min) + "." + std::to_string(kernel_minor_min) +
                  " or newer is needed"};
    case EINVAL:
      return {ErrorCode::unsupported, what + "this kernel is too old; Linux " +
                                          std::to_string(kernel_major_min) + "." +
                                          std::to_string(kernel_minor_min) + " or newer is needed"};
    case ENOMEM:
      return {ErrorCode::limit,
              what + "out of memory, or of memory that may be locked; raise it with `ulimit -l`"};
    case EMFILE:
    case ENFILE:
      return {ErrorCode::limit, what + "no file descriptor is left; raise it with `ulimit -n`"};
    default:
      return {error_code_of_errno(error_number), what + std::strerror(error_number)};
  }
}

namespace {

// One ring with as much as this kernel can do of what is wished for; 0, or a negated errno.
int try_set_up(io_uring& ring, uint32_t entries, uint32_t completions, KernelFeatures& features) {
  const uint32_t common = IORING_SETUP_R_DISABLED | IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE;
  const uint32_t attempts[] = {
      common | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
      common | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
      common | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN,
      common | IORING_SETUP_SUBMIT_ALL,
  };
  int result = -EINVAL;
  for (const uint32_t flags : attempts) {
    io_uring_params params{};
    params.flags = flags;
    params.cq_entries = completions;
    result = io_uring_queue_init_params(entries, &ring, &params);
    if (result == 0) {
      look_at(ring, flags, features);
      break;
    }
    if (result != -EINVAL) {
      break;
    }
  }
  return result;
}

// Its memory counts as locked in many kernels, and 64 KiB are a common limit for all the rings of a
// user. A smaller ring only enters the kernel more often.
int try_sizes(io_uring& ring, uint32_t entries, uint32_t completions, KernelFeatures& features) {
  int result = try_set_up(ring, entries, completions, features);
  for (const uint32_t fewer : fewer_entries) {
    if (result == -ENOMEM && fewer < entries) {
      result = try_set_up(ring, fewer, 4 * fewer, features);
    }
  }
  return result;
}

}  // namespace

Result<KernelFeatures> set_up_ring(io_uring& ring, uint32_t entries, uint32_t completions) {
  KernelFeatures features;
  read_kernel_version(features);
  int result = try_sizes(ring, entries, completions, features);
  for (int attempt = 1; result == -ENOMEM && attempt < attempts_max; ++attempt) {
    nanosleep(&wait_between_attempts, nullptr);
    result = try_sizes(ring, entries, completions, features);
  }
  if (result != 0) {
    return fail(ring_setup_error(-result, read_io_uring_sysctl()));
  }
  if (!features.wait_timeout) {
    io_uring_queue_exit(&ring);
    return fail(ring_setup_error(EINVAL, {}));
  }
  return features;
}

Result<KernelFeatures> probe_kernel_features() {
  io_uring ring{};
  Result<KernelFeatures> features = set_up_ring(ring, 8, 16);
  if (features) {
    io_uring_queue_exit(&ring);
  }
  return features;
}

}  // namespace murder::io
