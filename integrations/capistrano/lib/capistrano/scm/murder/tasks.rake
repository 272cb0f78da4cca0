# frozen_string_literal: true

# Inside `on` blocks self is SSHKit's.
plugin = self

namespace :murder do
  Capistrano::SCM::Murder::TaskArguments::DESCRIPTIONS.each do |name, description|
    desc description
    task(name) { plugin.fleet(name) }
  end

  desc "Check that the program is on this machine, and that there is something to deploy"
  task(:check) { plugin.check }

  desc "Put the release into its place on all hosts"
  task :create_release do
    plugin.deploy_release
    # A release has the modification time of its source, but rollback takes releases in the order of theirs.
    on(release_roles(:all)) { execute :touch, release_path }
  end
end
