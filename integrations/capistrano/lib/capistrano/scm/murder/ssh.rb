# frozen_string_literal: true

require "shellwords"

# Capistrano speaks SSH by itself, murder uses the system's ssh. Both read the same ssh_config, so most need
# nothing here; what was set only for Capistrano is handed on.
module Capistrano::SCM::Murder::Ssh
  Failed = Capistrano::SCM::Murder::Failed

  # What Net::SSH calls how host keys are checked, in ssh's words; it checks them unless it is told otherwise.
  HOST_KEY_CHECKS = {
    never: "no", false => "no", accept_new: "accept-new", accept_new_or_local_tunnel: "accept-new",
    always: "yes", secure: "yes", true => "yes", very: "yes"
  }.freeze

  # The command for `murder --ssh`, or nil when plain `ssh` does. `server_keys`: of single servers, tried as well.
  def self.command(options, server_keys = [])
    options ||= {}
    words = [*configuration(options[:config]), *identities(options, server_keys), *checks(options), *proxy(options[:proxy])]
    words.push("-A") if options[:forward_agent]
    words.push("-C") if options[:compression]
    words.push("-b", options[:bind_address]) if options[:bind_address]
    words.push("-o", "ConnectTimeout=#{options[:timeout].to_i}") if options[:timeout]
    words.empty? ? nil : Shellwords.join(["ssh", *words])
  end

  class << self
    private

    def configuration(config)
      return ["-F", "none"] if config == false

      file = Array(config).grep(String).first
      file ? ["-F", File.expand_path(file)] : []
    end

    def identities(options, server_keys)
      files = (Array(options[:keys]) + server_keys).uniq.flat_map { |key| ["-i", File.expand_path(key)] }
      files + (options[:keys_only] ? ["-o", "IdentitiesOnly=yes"] : [])
    end

    def checks(options)
      words = []
      check = HOST_KEY_CHECKS[options.fetch(:verify_host_key, options[:paranoid])]
      words.push("-o", "StrictHostKeyChecking=#{check}") if check
      { user_known_hosts_file: "UserKnownHostsFile", global_known_hosts_file: "GlobalKnownHostsFile" }.each do |name, word|
        files = Array(options[name]).map { |file| File.expand_path(file) }
        words.push("-o", "#{word}=#{files.join(' ')}") unless files.empty?
      end
      words
    end

    # Net::SSH's own kinds of proxies, which are a command or hosts to jump over.
    def proxy(proxy)
      return [] if proxy.nil?
      return ["-J", proxy.jump_proxies] if proxy.respond_to?(:jump_proxies)
      return ["-o", "ProxyCommand=#{proxy.command_line_template}"] if proxy.respond_to?(:command_line_template)

      raise Failed, "ssh_options: murder knows no #{proxy.class}; use ProxyJump in an ssh_config, or set :murder_ssh"
    end
  end
end
