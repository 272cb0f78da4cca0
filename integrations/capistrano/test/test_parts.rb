# frozen_string_literal: true

# What needs no host: ruby -Ilib test/test_parts.rb
require "minitest/autorun"
require "sshkit"
require "capistrano/all"
require "capistrano/scm/murder"

class TestInventory < Minitest::Test
  Inventory = Capistrano::SCM::Murder::Inventory

  def server(name, **properties)
    Capistrano::Configuration::Server.new(name).with(properties)
  end

  def test_roles_and_properties_are_written_under_murders_names
    toml = Inventory.new(
      trackers: [server("t1")], seeders: [],
      peers: [server("deploy@w1:2222", ip: "10.0.0.7", rack: "r7"), server("w2")],
      variables: { remote_murder_path: "/opt/murder", tracker_port: 8998, default_tag: nil }
    ).to_toml
    assert_equal <<~TOML, toml
      [murder]
      remote_murder_path = "/opt/murder"
      tracker_port = 8998
      [roles]
      tracker = [{ host = "t1" }]
      peer = [{ host = "w1", port = 2222, user = "deploy", ip = "10.0.0.7", rack = "r7" }, { host = "w2" }]
    TOML
  end

  def test_quotes_do_not_end_a_string
    toml = Inventory.new(trackers: [], seeders: [], peers: [],
                         variables: { default_tag: "a\"\n[roles]\\\u007f" }).to_toml
    assert_includes toml, 'default_tag = "a\"\n[roles]\\\\\u007f"'
    assert_equal 3, toml.lines.size
  end

  def test_user_and_port_of_ssh_options_hold_when_the_server_has_none
    toml = Inventory.new(trackers: [], seeders: [],
                         peers: [server("w1", ssh_options: { user: "app", port: 2022 })]).to_toml
    assert_includes toml, 'peer = [{ host = "w1", port = 2022, user = "app" }]'
  end

  def test_what_is_set_for_all_servers_holds_when_a_server_says_nothing
    toml = Inventory.new(trackers: [], seeders: [], ssh_options: { user: "deploy", port: 2200, keys: %w[/k] },
                         peers: [server("w1"), server("app@w2", ssh_options: { port: 2022 })]).to_toml
    assert_includes toml, 'peer = [{ host = "w1", port = 2200, user = "deploy" }, ' \
                          '{ host = "w2", port = 2022, user = "app" }]'
  end

  def test_capistrano_still_sees_options_that_are_set_later
    w1 = server("w1")
    Inventory.new(trackers: [], seeders: [], peers: [w1]).to_toml
    w1.ssh_options = { keys: %w[/k], user: "deploy" }  # as its backend does for `set :ssh_options`
    assert_equal %w[/k], w1.netssh_options[:keys]
    assert_equal "deploy", w1.netssh_options[:user]
  end
end

class TestSsh < Minitest::Test
  Ssh = Capistrano::SCM::Murder::Ssh

  def test_nothing_set_leaves_plain_ssh
    assert_nil Ssh.command(nil)
    assert_nil Ssh.command({ auth_methods: %w[publickey] })
  end

  def test_what_was_set_for_capistrano_is_handed_on
    assert_equal "ssh -F /etc/my\\ config -i /keys/one -o IdentitiesOnly\\=yes -A",
                 Ssh.command(config: "/etc/my config", keys: ["/keys/one"], keys_only: true, forward_agent: true)
  end

  def test_keys_of_single_servers_are_tried_as_well
    assert_equal "ssh -i /keys/one -i /keys/two", Ssh.command({ keys: "/keys/one" }, %w[/keys/one /keys/two])
  end

  def test_host_keys_are_checked_as_net_ssh_was_told
    assert_equal "ssh -o StrictHostKeyChecking\\=no -o UserKnownHostsFile\\=/dev/null",
                 Ssh.command(verify_host_key: :never, user_known_hosts_file: "/dev/null")
    assert_equal "ssh -o StrictHostKeyChecking\\=accept-new", Ssh.command(verify_host_key: :accept_new)
  end

  def test_proxies_of_net_ssh_are_proxies_of_ssh
    require "net/ssh/proxy/jump"
    assert_equal "ssh -J a@gate:2222,b", Ssh.command(proxy: Net::SSH::Proxy::Jump.new("a@gate:2222,b"))
    assert_equal "ssh -o ProxyCommand\\=nc\\ \\%h\\ \\%p", Ssh.command(proxy: Net::SSH::Proxy::Command.new("nc %h %p"))
    assert_raises(Capistrano::SCM::Murder::Failed) { Ssh.command(proxy: Object.new) }
  end
end

class TestTaskArguments < Minitest::Test
  TaskArguments = Capistrano::SCM::Murder::TaskArguments

  def test_a_task_takes_its_own_variables_only
    environment = { "tag" => "v 42", "files_path" => "/f", "destination_path" => "/d", "HOME" => "/h" }
    assert_equal ["tag=v 42", "destination_path=/d"], TaskArguments.of(:peer, environment)
    assert_equal [], TaskArguments.of(:start_tracker, environment)
  end

  def test_every_task_has_a_description
    assert_equal TaskArguments::BY_TASK.keys, TaskArguments::DESCRIPTIONS.keys
  end
end

class TestSource < Minitest::Test
  Source = Capistrano::SCM::Murder::Source
  Failed = Capistrano::SCM::Murder::Failed

  def git(directory, *words)
    system("git", "-C", directory, "-c", "user.name=a", "-c", "user.email=a@b.invalid", *words, exception: true)
  end

  def test_a_branch_of_a_repository_is_fetched_with_its_revision
    Dir.mktmpdir do |repository|
      git(repository, "init", "--quiet", "--initial-branch", "main")
      Dir.mkdir(File.join(repository, "app"))
      File.write(File.join(repository, "app", "file"), "content")
      git(repository, "add", ".")
      git(repository, "commit", "--quiet", "-m", "one")
      seen = nil
      Source.new(path: nil, repository: repository, branch: "main", tree: "app").open do |directory, revision|
        seen = directory
        assert_equal "content", File.read(File.join(directory, "file"))
        assert_match(/\A\h{40}\z/, revision)
      end
      refute File.exist?(seen), "the checkout is removed"
    end
  end

  def test_nothing_to_deploy_is_said
    error = assert_raises(Failed) { Source.new(path: nil, repository: nil, branch: "main").check }
    assert_includes error.message, ":murder_source"
    error = assert_raises(Failed) { Source.new(path: "/is/not/there", repository: nil, branch: "main").check }
    assert_includes error.message, "/is/not/there"
  end
end
