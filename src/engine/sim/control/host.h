// A simulated host: the real AgentMachine, and around it what a process and a machine would do: a
// disk that outlives the process, steps that take time, apps that are up or down.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/prng.h"
#include "engine/control/agent.h"
#include "engine/sim/control/events.h"
#include "engine/sim/control/releases.h"

namespace murder::control_sim {

// An app at a host, as it really is.
struct TrueApp {
  std::optional<InfoHash> current;
  bool is_switched = false;                   // the last activation has ended
  bool is_flapped = false;                    // unhealthy at the moment, by itself
  bool is_down_by_us = false;                 // since an activation began, until it was healthy
  uint64_t down_in_rollout = 0;               // the rollout under way when it went down
  std::optional<InfoHash> before_first_told;  // in the rollout under way
};

enum class Lie : uint8_t { none, claims_health, claims_failure, claims_name, claims_nonsense };

class Host;

// What a host needs of the world.
class HostWorld {
 public:
  virtual void schedule(Event event, Duration after) = 0;
  virtual void send_report(Host& host, control::Report report) = 0;
  // `by_command`: the coordinator asked for it; `again`: it was cut off before.
  virtual void activation_begins(Host& host, uint32_t app, const InfoHash& release, bool by_command,
                                 bool again) = 0;
  [[nodiscard]] virtual Instant now() const = 0;
  virtual const TrueReleases& releases() const = 0;
  // Whether the process is killed here, between what it saved and what it does next.
  virtual bool dies_here(Host& host) = 0;

 protected:
  ~HostWorld() = default;
};

class Host {
 public:
  Host(HostWorld& world, uint32_t index, control::AgentConfig config, Lie lie, uint64_t seed);

  // Before anything else happens: this release runs there.
  void install(uint32_t app, const TrueRelease& release);

  void start_process();
  void end_process();             // killed: what was not saved is gone
  void take(const Event& event);  // report and coordinator's events excepted
  void wipe();

  [[nodiscard]] bool runs() const { return machine_.has_value(); }
  [[nodiscard]] bool is_honest() const { return lie_ == Lie::none; }
  [[nodiscard]] const std::string& name() const { return config_.host; }
  [[nodiscard]] const std::string& rack() const { return config_.rack; }
  [[nodiscard]] uint64_t process() const { return process_; }
  [[nodiscard]] uint32_t index() const { return index_; }
  [[nodiscard]] const control::AgentConfig& config() const { return config_; }
  [[nodiscard]] bool is_well(uint32_t app) const;
  [[nodiscard]] bool has_heard_revoked(uint32_t app, const InfoHash& release) const;
  [[nodiscard]] bool has(uint32_t app, const InfoHash& release) const;
  [[nodiscard]] const control::KeptAgent& kept() const { return kept_; }

  std::vector<TrueApp> apps;
  bool is_powered = true;
  bool is_gone = false;  // for good
  bool is_cut = false;
  Instant wiped_at{};
  Instant delivered_at{};  // when the latest of its reports that reached the coordinator was sent

 private:
  void drain(bool is_start = false);
  void carry_out(const control::Step& step, bool again);
  void end_step(uint32_t app, uint64_t number);
  void look_at_health(uint32_t app);
  void send();
  void lie(control::Report& report);
  void schedule(EventKind kind, uint32_t app, Duration after, uint64_t number = 0);
  [[nodiscard]] uint32_t app_index(const std::string& name) const;
  [[nodiscard]] Duration between(double least_s, double most_s);

  HostWorld& world_;
  uint32_t index_;
  control::AgentConfig config_;
  Lie lie_;
  Prng prng_;
  control::KeptAgent kept_;  // on the disk
  std::optional<control::AgentMachine> machine_;
  uint64_t process_ = 0;
  std::vector<std::pair<uint64_t, control::Step>> steps_;
  Instant wake_at_ = instant_never;
  std::vector<control::WantedApp> heard_;  // for liars
};

}  // namespace murder::control_sim
