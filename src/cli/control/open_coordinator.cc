#include "cli/control/open_coordinator.h"

#include <fmt/format.h>

#include "cli/control/run_there.h"
#include "engine/base/tag.h"
#include "engine/control/names.h"

namespace murder::cli {

Result<CoordinatorClient> open_coordinator(const CoordinatorOptions& options,
                                           CommandContext& context) {
  const Result<CoordinatorPlaces> places = coordinators_of(options, context);
  if (!places) {
    return fail(places.error());
  }
  if (places->ssh) {
    return fail(run_there(*places->ssh, places->ssh_command));
  }
  return CoordinatorClient::open(options, *places);
}

Status check_app(const std::string& app, CommandContext& context) {
  const Status valid = control::validate_name(app, "app");
  return valid ? Status() : context.wrong_usage(app.empty() ? "name the app" : valid.error().text);
}

Status check_tag(const std::string& tag, CommandContext& context) {
  const Status valid = validate_tag(tag);
  return valid ? Status() : context.wrong_usage(tag.empty() ? "name the tag" : valid.error().text);
}

}  // namespace murder::cli
