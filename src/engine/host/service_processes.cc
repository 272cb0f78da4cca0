#include "engine/host/service_processes.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "engine/host/bounds.h"

namespace murder::host {
namespace {

constexpr std::string_view tracker_name = "murder-tracker";
constexpr std::string_view seeders_name = "murder-seed";
constexpr const char* run_default = "/run";

struct ServiceDirectory {
  std::string path;
  std::string unit;
};

// RuntimeDirectory= of the units: /run/murder-tracker and /run/murder-seed/INSTANCE.
std::vector<ServiceDirectory> service_directories(const std::string& run) {
  std::vector<ServiceDirectory> found = {
      {fmt::format("{}/{}", run, tracker_name), fmt::format("{}.service", tracker_name)}};
  std::error_code error;
  std::filesystem::directory_iterator entry(fmt::format("{}/{}", run, seeders_name), error);
  for (; !error && entry != std::filesystem::directory_iterator() &&
         found.size() < limits::services_listed_max;
       entry.increment(error)) {
    const std::string instance = entry->path().filename().string();
    found.push_back({entry->path().string(), fmt::format("{}@{}.service", seeders_name, instance)});
  }
  std::ranges::sort(found, {}, &ServiceDirectory::unit);
  return found;
}

}  // namespace

std::vector<ServiceProcess> list_services(const std::string& run) {
  std::vector<ServiceProcess> services;
  for (const ServiceDirectory& place : service_directories(run)) {
    const Result<RunDirectory> directory = RunDirectory::open_of_others(place.path);
    if (!directory) {
      continue;  // it does not run, or is not for this user to see
    }
    for (RunningProcess& process : list_processes(*directory)) {
      if (services.size() < limits::services_listed_max) {
        services.push_back({.unit = place.unit, .process = std::move(process)});
      }
    }
  }
  return services;
}

std::vector<ServiceProcess> list_services_beside(const std::string& run_directory_option) {
  return is_default_run_directory(run_directory_option) ? list_services(run_default)
                                                        : std::vector<ServiceProcess>();
}

bool has_hidden_services_beside(const std::string& run_directory_option) {
  const std::vector<ServiceDirectory> places = service_directories(run_default);
  return is_default_run_directory(run_directory_option) &&
         std::ranges::any_of(places, [](const ServiceDirectory& place) {
           return access(place.path.c_str(), F_OK) == 0 &&
                  access(place.path.c_str(), R_OK | X_OK) != 0;
         });
}

}  // namespace murder::host
