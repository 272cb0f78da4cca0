#include "engine/base/result.h"

#include <cerrno>
#include <cstring>

namespace murder {
namespace {

// Which limit it is that a name of an errno does not tell.
const char* limit_behind(int error_number) {
  switch (error_number) {
    case EMFILE:
      return " (the limit of file descriptors: raise it with `ulimit -n`)";
    case EFBIG:
      return " (the file size limit, ulimit -f, or that of the file system)";
    case ECANCELED:
      // Of a request to the ring: what we cancel ourselves is not an error that anybody reads.
      return " (the kernel can start no thread for it: the number of processes is limited, "
             "pids.max of a control group or ulimit -u)";
    default:
      return "";
  }
}

}  // namespace

ErrorCode error_code_of_errno(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::not_found;
    case EEXIST:
    case ENOTEMPTY:
      return ErrorCode::exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::permission;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::no_space;
    case ETIMEDOUT:
      return ErrorCode::timeout;
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPIPE:
    case EADDRNOTAVAIL:
      return ErrorCode::network;
    case EADDRINUSE:
    case EBUSY:
    case ETXTBSY:
      return ErrorCode::conflict;
    case EOPNOTSUPP:
    case ENOSYS:
    case ENOLCK:
      return ErrorCode::unsupported;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EFBIG:
      return ErrorCode::limit;
    case EINTR:
    case ECANCELED:
      return ErrorCode::interrupted;
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
      return ErrorCode::invalid_input;
    default:
      return ErrorCode::io;
  }
}

tl::unexpected<Error> fail_errno(int error_number, const std::string& what) {
  return fail(error_code_of_errno(error_number),
              what + ": " + std::strerror(error_number) + limit_behind(error_number));
}

}  // namespace murder
