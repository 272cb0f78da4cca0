# frozen_string_literal: true

Gem::Specification.new do |spec|
  spec.name = "capistrano-murder"
  spec.version = "0.1.0"
  spec.summary = "Capistrano 3 releases that reach every host over BitTorrent"
  spec.description = "An SCM plugin: `cap production deploy` puts the release on all hosts through murder, " \
                     "in about the time one copy takes. Tasks murder:* under the names of Twitter's Murder."
  spec.authors = ["The murder authors"]
  spec.license = "Apache-2.0"
  spec.files = Dir.chdir(__dir__) { Dir["lib/**/*.{rb,rake}", "README.md"] }
  spec.required_ruby_version = ">= 2.7"
  spec.add_dependency "capistrano", "~> 3.11"
  spec.metadata["rubygems_mfa_required"] = "true"
end
