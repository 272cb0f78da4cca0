# frozen_string_literal: true

# Inside `on` blocks self is SSHKit's.
plugin = self

namespace :murder do
  Capistrano::SCM::Murder::TaskArguments::DESCRIPTIONS.each do |name, description|
    desc description
    task(name) { plugin.run_task(name) }
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

namespace :deploy do
  # Of Capistrano 2, where Murder's README hooks `murder:distribute_files` behind it.
  unless Rake::Task.task_defined?("deploy:setup")
    desc "Make the directories on all hosts, as deploy:check"
    task(:setup) { invoke "deploy:check" }
  end
end
