# frozen_string_literal: true

require "shellwords"

# Capistrano speaks SSH by itself, murder uses the system's ssh. Both read the same ssh_config, so most need
# nothing here; what was set only for Capistrano is handed on.
module Capistrano::SCM::Murder::Ssh
  # The command for `murder --ssh`, or nil when plain `ssh` does.
  def self.command(options)
    options ||= {}
    words = []
    configuration = options[:config]
    words.push("-F", configuration) if configuration.is_a?(String)
    words.push("-F", "none") if configuration == false
    Array(options[:keys]).each { |key| words.push("-i", File.expand_path(key)) }
    words.push("-o", "IdentitiesOnly=yes") if options[:keys_only]
    words.push("-A") if options[:forward_agent]
    known = Array(options[:user_known_hosts_file])
    words.push("-o", "UserKnownHostsFile=#{known.join(' ')}") unless known.empty?
    words.empty? ? nil : Shellwords.join(["ssh", *words])
  end
end
