#include "cli/commands/doctor/certificate_checks.h"

#include <doctest/doctest.h>

using namespace murder;
using namespace murder::cli;

namespace {

constexpr int64_t certified_until_s = 1'800'000'000;

CertificateFacts certificate_at(int64_t now_s) {
  return {.config_path = "/etc/murder/tracker.toml",
          .path = "/etc/murder/tracker.pem",
          .shown = std::optional(ShownCertificate{certified_until_s, "SHA256:abc"}),
          .unix_seconds = now_s};
}

bool tells(const std::optional<Finding>& finding, Grade grade, const char* words) {
  return finding && finding->grade == grade && finding->text.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("the certificate of a tracker is told of, from 30 days before its end with a warning") {
  CHECK_FALSE(check_certificate({}));
  constexpr int64_t day_s = 86'400;
  CHECK(tells(check_certificate(certificate_at(certified_until_s - 31 * day_s)), Grade::ok,
              "its key is SHA256:abc"));
  CHECK(tells(check_certificate(certificate_at(certified_until_s - 29 * day_s)),
              Grade::could_be_better, "valid for 29 more days"));
  CHECK(tells(check_certificate(certificate_at(certified_until_s + 1)), Grade::could_be_better,
              "only clients that pin"));
  CertificateFacts broken = certificate_at(0);
  broken.shown = fail(ErrorCode::invalid_input, "the key has a passphrase");
  CHECK(tells(check_certificate(broken), Grade::broken, "passphrase; the tracker does not start"));
}
