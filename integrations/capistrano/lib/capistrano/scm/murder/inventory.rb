# frozen_string_literal: true

require "json"

# The hosts and variables of a stage, written as a murder.toml.
class Capistrano::SCM::Murder::Inventory
  PROPERTIES = %i[ip rack].freeze

  # `ssh_options`: those of all servers, as `set :ssh_options` has them.
  def initialize(trackers:, seeders:, peers:, variables: {}, ssh_options: {})
    @roles = { tracker: trackers, seeder: seeders, peer: peers }
    @variables = variables
    @ssh_options = ssh_options || {}
  end

  def to_toml
    lines = ["[murder]"]
    @variables.each { |name, value| lines << "#{name} = #{written(value)}" unless value.nil? }
    lines << "[roles]"
    @roles.each do |role, servers|
      # A role of nobody is left to murder, which gives it to the first peer.
      lines << "#{role} = [#{servers.map { |server| entry(server) }.join(', ')}]" unless servers.empty?
    end
    "#{lines.join("\n")}\n"
  end

  # What was said of one server for SSH. Not its netssh_options: these keep what they were when they
  # were first asked for, so that Capistrano itself would go without `set :ssh_options` from then on.
  def self.ssh_options_of(server)
    (server.ssh_options || {}).merge(server.fetch(:ssh_options) || {})
  end

  private

  def entry(server)
    options = @ssh_options.merge(self.class.ssh_options_of(server))
    fields = { host: server.hostname, port: server.port || options[:port], user: server.user || options[:user] }
    PROPERTIES.each { |name| fields[name] = server.fetch(name)&.to_s }
    "{ #{fields.compact.map { |name, value| "#{name} = #{written(value)}" }.join(', ')} }"
  end

  # JSON's strings and numbers are TOML's as well, but for one character.
  def written(value)
    JSON.generate(value.is_a?(Integer) ? value : value.to_s).gsub("\u007f", '\u007f')
  end
end
