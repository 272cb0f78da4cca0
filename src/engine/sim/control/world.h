// One run of the control plane: the real Coordinator and AgentMachines under a virtual clock, a
// network that loses, doubles and delays messages, processes and hosts that die and come back,
// operators, and the checks. The same options give the same run.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/prng.h"
#include "engine/control/coordinator.h"
#include "engine/sim/control/checks.h"
#include "engine/sim/control/events.h"
#include "engine/sim/control/host.h"
#include "engine/sim/control/options.h"
#include "engine/sim/control/releases.h"
#include "engine/sim/control/run.h"

namespace murder::control_sim {

class World final : public HostWorld {
 public:
  World(const Options& options, bool keeps_history);

  void run();
  [[nodiscard]] Outcome outcome() const;

  void schedule(Event event, Duration after) override;
  void send_report(Host& host, control::Report report) override;
  void activation_begins(Host& host, uint32_t app, const InfoHash& release, bool by_command,
                         bool again) override;
  bool dies_here(Host& host) override;
  [[nodiscard]] Instant now() const override { return now_; }
  const TrueReleases& releases() const override { return releases_; }

 private:
  [[nodiscard]] std::string standing() const;
  void make_hosts();
  void plan_trouble();
  void plan_often(EventKind kind, double times);
  void take(Event event);
  void take_report(const Event& event);
  void take_trouble(const Event& event);
  void power_off(Host& host, uint32_t index);
  void calm_down();
  [[nodiscard]] bool is_troubled() const { return now_ < calm_at_; }

  void start_coordinator();
  void take_turn();
  bool write(const std::vector<control::Record>& records);
  void follow(const control::Record& record);
  void tell(control::AgentIndex agent);
  void keep_what_ran(const control::Told& told);
  void deliver(Event event);
  void check_replay(const control::State& state);

  void command();
  Status publish(uint32_t app);
  Status publish_other_bytes();
  Status start(uint32_t app);
  Status revoke();
  Status forget();
  Status change(uint32_t app);
  [[nodiscard]] control::Plan random_plan();

  void check_end();
  void check_end_of(const control::App& app, uint32_t index);
  void check_host(const control::App& app, const control::Target& target, const Host& host,
                  uint32_t index, const std::string* why);

  [[nodiscard]] control::Moment moment() const;
  [[nodiscard]] static std::string app_name(uint32_t app);
  [[nodiscard]] static std::string identity_of(uint32_t host);
  [[nodiscard]] Host* find_host(const std::string& name);
  [[nodiscard]] Duration between(Prng& prng, double least_s, double most_s);
  void note(std::string text);  // into the history

  Options options_;
  bool keeps_history_;
  Prng prng_;           // of trouble and delays
  Prng operator_prng_;  // of commands, so that trouble does not change them
  Instant now_;
  Instant calm_at_;
  Instant end_at_;
  int64_t wall_offset_s_ = 1'700'000'000;  // jumps when a coordinator starts
  Events events_;
  TrueReleases releases_;
  std::vector<std::unique_ptr<Host>> hosts_;
  Checks checks_;

  std::optional<control::Coordinator> coordinator_;
  uint64_t coordinator_process_ = 0;
  bool is_turn_due_ = false;
  bool dies_in_turn_ = false;
  std::vector<control::Record> log_;      // all records
  std::vector<control::Record> compact_;  // a snapshot, and what followed it
  Instant last_record_at_{};

  std::vector<std::string> history_;
  uint64_t rollout_count_ = 0;
  uint64_t activation_count_ = 0;
  uint64_t restart_count_ = 0;
};

}  // namespace murder::control_sim
