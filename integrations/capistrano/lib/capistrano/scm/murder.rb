# frozen_string_literal: true

require "capistrano/scm/plugin"
require "tempfile"

# Puts releases on the hosts through murder. In the Capfile:
#
#   require "capistrano/scm/murder"
#   install_plugin Capistrano::SCM::Murder
#
# Capistrano makes its directories, links and clean-up as always; only the step that brings the files into
# releases/TIMESTAMP is murder's. The program `murder` runs on this machine and reaches the hosts by itself,
# with the system's ssh; see Inventory for which hosts, and Ssh for how.
class Capistrano::SCM::Murder < Capistrano::SCM::Plugin
  Failed = Class.new(StandardError)

  VARIABLES = %i[default_tag default_seeder_files_path default_destination_path remote_murder_path
                 default_temp_path tracker_port peer_port].freeze

  # In the order in which Murder's deploy strategy ran them.
  STEPS_OF_DEPLOY = %i[create_torrent start_seeding peer stop_peering stop_seeding clean_temp_files].freeze
end

require "capistrano/scm/murder/inventory"
require "capistrano/scm/murder/source"
require "capistrano/scm/murder/ssh"
require "capistrano/scm/murder/task_arguments"

class Capistrano::SCM::Murder
  def set_defaults
    set_if_empty :murder_program, -> { ENV.fetch("MURDER_BIN", "murder") }
    set_if_empty :murder_distribute, true
    set_if_empty :murder_fleet_options, []
    set_if_empty :murder_deploy_options, []
    # Where Murder had it; elsewhere with `set :remote_murder_path`.
    set_if_empty :remote_murder_path, -> { shared_path.join("murder").to_s }
  end

  def register_hooks
    after "deploy:new_release_path", "murder:create_release"
    before "deploy:check", "murder:check"
  end

  def define_tasks
    eval_rakefile File.expand_path("murder/tasks.rake", __dir__)
  end

  # --- Running murder ---

  # A task under Murder's name. Within a deploy the steps are those of `murder deploy`, in the place of `peer`;
  # the others are there for what is hooked before and behind them, as the tracker's start and stop.
  def run_task(name)
    return fleet(name) unless @is_deploying && STEPS_OF_DEPLOY.include?(name)

    run_deploy if name == :peer
  end

  # One task of `murder fleet`, with what was written behind it on cap's command line (tag=v42).
  def fleet(task)
    # Hooked before the first step of a deploy: the program may not be there yet.
    fleet(:distribute_files) if @is_deploying && task == :start_tracker && fetch(:murder_distribute)
    with_fleet_options do |options|
      murder "fleet", task.to_s.tr("_", "-"), *options, *TaskArguments.of(task, ENV)
    end
  end

  def deploy_release
    @is_deploying = true
    STEPS_OF_DEPLOY.each { |name| Rake::Task["murder:#{name}"].invoke }
  ensure
    @is_deploying = false
  end

  def run_deploy
    source.open do |directory, revision|
      set :current_revision, revision || ENV["REVISION"] || fetch(:release_timestamp)
      with_fleet_options do |options|
        murder "deploy", directory, "--tag", fetch(:release_timestamp), "--to", releases_path.to_s,
               *options, *("--no-distribute" unless fetch(:murder_distribute)), *fetch(:murder_deploy_options)
      end
    end
  end

  def check
    source.check
    murder "--version"
  end

  private

  # In the foreground with our terminal, so that its live screen and ^C work.
  def murder(*words)
    command = [fetch(:murder_program), *words]
    puts command.join(" ") if dry_run? || fetch(:log_level) == :debug
    return if dry_run?

    $stdout.flush
    # The program as a list of two, so that no shell ever reads the words.
    is_done = system([command.first, command.first], *command.drop(1))
    raise Failed, "#{command.first}: it cannot be run; set :murder_program" if is_done.nil?
    raise Failed, "#{command.first(3).join(' ')}: #{ending(Process.last_status)}" unless is_done
  end

  def ending(status)
    status.signaled? ? "ended by signal #{status.termsig}" : "exit status #{status.exitstatus}"
  end

  def source
    @source ||= Source.new(
      path: fetch(:murder_source), repository: fetch(:repo_url), branch: fetch(:branch),
      tree: fetch(:repo_tree), is_dry_run: dry_run?
    )
  end

  # The hosts are told by a murder.toml of this one run.
  def with_fleet_options
    ssh = fetch(:murder_ssh) || Ssh.command(fetch(:ssh_options), keys_of_servers)
    Tempfile.create(["murder", ".toml"]) do |file|
      file.write(inventory.to_toml)
      file.close
      yield ["--config", file.path, *(["--ssh", ssh] if ssh), *fetch(:murder_fleet_options)]
    end
  end

  # As in Murder: whoever has no `no_release` is a peer, unless there is a role of that name; tracker and seeder
  # are the first peer, unless there are such roles.
  def inventory
    peers = roles(:peer)
    peers = release_roles(:all) if peers.empty?
    Inventory.new(
      trackers: roles(:tracker), seeders: roles(:seeder), peers: env.filter(peers),
      variables: VARIABLES.to_h { |name| [name, fetch(name)] }, ssh_options: fetch(:ssh_options)
    )
  end

  def keys_of_servers
    roles(:all).flat_map { |server| server.keys + Array(Inventory.ssh_options_of(server)[:keys]) }.uniq
  end
end
