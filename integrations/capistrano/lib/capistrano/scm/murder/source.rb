# frozen_string_literal: true

require "open3"
require "tmpdir"

# What is deployed: a directory of this machine (:murder_source), else a branch of :repo_url.
class Capistrano::SCM::Murder::Source
  Failed = Capistrano::SCM::Murder::Failed

  def initialize(path:, repository:, branch:, tree: nil, is_dry_run: false)
    @path = path&.to_s
    @repository = repository
    @branch = branch.to_s
    @tree = tree
    @is_dry_run = is_dry_run
  end

  def check
    if @path
      raise Failed, ":murder_source #{@path} is not a file or directory of this machine" unless File.exist?(@path)
    elsif @repository.to_s.empty?
      raise Failed, "nothing to deploy: set :murder_source, \"build\", or :repo_url and :branch"
    else
      git("ls-remote", "--exit-code", @repository, "HEAD")
    end
  end

  # Yields the path of what is to be deployed, and its revision if it is known.
  def open(&block)
    check
    return yield(@path, nil) if @path
    return yield("(#{@branch} of #{@repository})", nil) if @is_dry_run

    Dir.mktmpdir("capistrano-murder-") { |directory| fetch_into(directory, &block) }
  end

  private

  # The one commit; entries named .git* are left out by murder.
  def fetch_into(directory)
    git("init", "--quiet", directory)
    git("-C", directory, "fetch", "--quiet", "--depth", "1", @repository, @branch)
    git("-C", directory, "checkout", "--quiet", "--detach", "FETCH_HEAD")
    revision = git("-C", directory, "rev-parse", "HEAD").strip
    yield(@tree ? File.join(directory, @tree) : directory, revision)
  end

  def git(*words)
    output, error, status = Open3.capture3("git", *words)
    raise Failed, "git #{words.first(3).join(' ')}: #{error.strip}" unless status.success?

    output
  end
end
