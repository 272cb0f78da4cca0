# frozen_string_literal: true

# What each task of `murder fleet` takes, under Murder's own names: `cap production murder:peer tag=v42`.
module Capistrano::SCM::Murder::TaskArguments
  BY_TASK = {
    distribute_files: [],
    start_tracker: [],
    stop_tracker: [],
    create_torrent: %w[tag files_path temp_path path_is_file do_not_download_torrent],
    download_torrent: %w[tag temp_path path_is_file],
    start_seeding: %w[tag temp_path path_is_file],
    stop_seeding: %w[tag],
    stop_all_seeding: [],
    peer: %w[tag destination_path temp_path no_tag_directory unsafe_please_delete path_is_file],
    stop_peering: %w[tag],
    stop_all_peering: [],
    clean_temp_files: %w[tag temp_path path_is_file],
    status: %w[tag]
  }.freeze

  DESCRIPTIONS = {
    distribute_files: "Put the program on every host, into remote_murder_path",
    start_tracker: "Start the tracker",
    stop_tracker: "Stop the tracker; an error if it does not run",
    create_torrent: "Pack files_path on the seeder and make the torrent: tag= files_path=",
    download_torrent: "Fetch the torrent from the seeder again: tag=",
    start_seeding: "Serve the release from the seeder: tag=",
    stop_seeding: "Stop serving it; an error if it is not served: tag=",
    stop_all_seeding: "Stop serving all releases",
    peer: "Fetch the release on all peers: tag= destination_path=",
    stop_peering: "End what fetches or passes on the release: tag=",
    stop_all_peering: "End what fetches or passes on any release",
    clean_temp_files: "Remove archive and torrent from all hosts: tag=",
    status: "What runs on the hosts"
  }.freeze

  def self.of(task, environment)
    BY_TASK.fetch(task).filter_map do |name|
      value = environment[name]
      "#{name}=#{value}" unless value.nil?
    end
  end
end
