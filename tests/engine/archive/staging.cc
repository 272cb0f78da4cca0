#include "engine/archive/staging.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>

#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

TEST_CASE("what has its name may be read at once, also while who made it syncs it") {
  const TemporaryDirectory temporary;
  const std::string path = temporary / "v1.tar";
  const auto locks = [&path](int kind) {
    const Fd reader(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return reader.is_open() && ::flock(reader.get(), kind | LOCK_NB) == 0;
  };
  for (const bool is_new : {true, false}) {
    Result<Staging> made = Staging::make(temporary / "", "v1.tar", Staging::Kind::file, 0600);
    REQUIRE(made);
    REQUIRE((is_new ? made->rename_to_new(path) : made->rename_to(path)));
    CHECK(locks(LOCK_SH));
    CHECK_FALSE(locks(LOCK_EX));  // nobody takes it for a leftover
  }
}
