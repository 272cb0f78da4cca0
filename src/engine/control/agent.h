// The part of a fleet's brain that is on each host: what is wanted goes in, steps come out. It
// reads no clock and touches nothing; the process around it carries out the steps, watches the
// health of what is active, and sends reports: when asked to, and each limits::control_heartbeat.
//
// Phases of an app, in advance():
//   idle -> fetching -> verifying -> idle      the release is there
//   idle -> activating -> checking -> idle     told to activate, and healthy
//   activating, checking -> returning          failed, too late, or revoked
//   idle, unconfirmed -> returning             nobody confirmed in time, or revoked
//   returning -> checking_return -> idle       what ran before is active again
//
// It activates only what it was told to by a message that is younger than a lease, once for each
// attempt, never what it heard is revoked, and nothing with a lower serial than what runs unless it
// is told that this is meant. It goes back without being told.
//
// Owned by one thread; bounded by the apps of its configuration and limits::control_*.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/control/agent_app.h"
#include "engine/control/messages.h"

namespace murder::control {

struct AgentConfig {
  std::string host;
  std::string rack;
  std::vector<std::string> groups;
  struct AppConfig {
    std::string app;
    bool has_health_check = false;  // without one a release is healthy once it is active
  };
  std::vector<AppConfig> apps;
  // What is kept is of one deploy: what it has switched from is reported.
  bool is_of_a_deploy = false;
};

class AgentMachine {
 public:
  // `kept` is what the process last saved (none: a new host); `session` a random number. What a
  // process that was killed had begun is begun again.
  AgentMachine(AgentConfig config, KeptAgent kept, uint64_t session, Instant now);

  void hear(const Wanted& wanted, Instant now);
  // A step of the app of this name has ended. `text` is why it failed.
  void end_step(const std::string& name, uint64_t number, bool done, std::string_view text,
                Instant now);
  // A health check of what is active has ended. `text` is why it failed.
  void see_health(const std::string& name, bool is_healthy, Instant now,
                  std::string_view text = {});
  // Somebody removed the release from the disk: it is fetched again when it is wanted. Before
  // end_step() of the step that found out.
  void see_missing(const std::string& name, const InfoHash& release);
  // The link leads to no release: the activation that fails switched nothing. Before end_step().
  void see_inactive(const std::string& name);
  // A check of what was active at the start, which decides nothing but how long is waited for it
  // when it is gone back to.
  void see_earlier_health(const std::string& name, bool is_healthy);
  void see_progress(const std::string& name, uint64_t bytes);
  void tick(Instant now);
  // The time of the next tick that may do something.
  [[nodiscard]] Instant next_at() const;

  [[nodiscard]] AgentWork take_work();
  [[nodiscard]] const KeptAgent& kept() const { return kept_; }
  // To be sent at once. Its number is a new one.
  [[nodiscard]] Report make_report(Instant now);

 private:
  // Of an app, until the process ends.
  struct Now {
    WantedApp wanted;
    HeldRelease fetched;  // in the phases fetching and verifying
    uint64_t progress = 0;
    uint64_t step = 0;                      // the one that is under way; 0: none
    Instant deadline = instant_never;       // of the phase
    Instant healthy_since = instant_never;  // in the phase checking
    Instant confirm_by = instant_never;
    bool has_health_check = false;
    bool is_inactive = false;  // see_inactive()
    std::string health_text;   // why the last health check failed
    // What was active and failed its check when nothing was done, as far as this process saw it.
    std::optional<InfoHash> unhealthy_before;
    bool is_return_unhealthy = false;  // what it goes back to fails its check, as it did before
  };

  void advance(size_t index, Instant now);
  bool advance_once(size_t index, Instant now);
  bool advance_idle(KeptApp& app, Now& present, Instant now);
  bool advance_activation(KeptApp& app, Now& present, Instant now);
  bool advance_return(KeptApp& app, Now& present, Instant now);
  void begin_activation(KeptApp& app, Now& present, Instant now);
  void accept_active(KeptApp& app, Now& present, Instant now);
  void begin_return(KeptApp& app, Now& present, Reason reason, std::string_view text, Instant now);
  void settle_healthy(KeptApp& app, Now& present, Instant now);
  static void note_health(const KeptApp& app, Now& present, bool is_healthy);
  void refuse(KeptApp& app, Reason reason, std::string_view text);
  void discard_others(KeptApp& app, const Now& present);
  void learn_greeting(const Greeting& greeting, Instant now);
  [[nodiscard]] bool is_newer_for_long(const Wanted& wanted, Instant now);
  void forget_impossible_attempt(KeptApp& app, const WantedApp& wanted, uint64_t revision);
  void forget_refusal(KeptApp& app, const WantedApp& wanted);
  void learn_revoked(KeptApp& app, const std::vector<InfoHash>& revoked);
  void enter(KeptApp& app, Phase phase);
  void ask(StepKind kind, const KeptApp& app, const InfoHash& release);
  void cancel(KeptApp& app, Now& present, const InfoHash& release);
  [[nodiscard]] bool has_lease(Instant now) const;
  [[nodiscard]] size_t find(const std::string& app) const;  // kept_.apps.size(): it takes no such
  void check() const;

  AgentConfig config_;
  KeptAgent kept_;
  std::vector<Now> now_;  // as kept_.apps
  uint64_t session_;
  Greeting greeting_;
  uint64_t report_count_ = 0;
  uint64_t believed_at_ = 0;  // reports that were made when the latest revision was heard
  Instant behind_since_ = instant_never;  // since when newer messages count lower
  uint64_t step_count_ = 0;
  // When the latest reports were sent, by their numbers: a coordinator that has heard one of them
  // spoke after that.
  static constexpr size_t sent_max = 8;
  std::array<Instant, sent_max> sent_at_{};
  Instant lease_from_ = Instant::min();
  AgentWork work_;
};

}  // namespace murder::control
