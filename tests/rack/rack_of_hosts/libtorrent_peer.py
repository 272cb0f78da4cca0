#!/usr/bin/python3
"""A libtorrent session that fetches and serves one torrent, and says when it has all of it.

  libtorrent_peer.py TORRENT DIRECTORY SETTINGS

It waits at its gate (together.py) with the library loaded, and serves until it is ended."""

import json
import os
import sys

import libtorrent


def main():
    torrent, directory, settings = sys.argv[1:]
    print("at the gate", flush=True)
    os.read(3, 1)
    os.close(3)
    session = libtorrent.session({
        **json.loads(settings),
        "alert_mask": libtorrent.alert.category_t.error_notification
                      | libtorrent.alert.category_t.status_notification})
    parameters = libtorrent.add_torrent_params()
    parameters.ti = libtorrent.torrent_info(torrent)
    parameters.save_path = directory
    parameters.flags = libtorrent.torrent_flags.update_subscribe
    session.add_torrent(parameters)
    while True:
        session.wait_for_alert(1000)
        for alert in session.pop_alerts():
            if isinstance(alert, (libtorrent.torrent_finished_alert, libtorrent.torrent_error_alert)):
                print(alert.what(), alert.message(), flush=True)


if __name__ == "__main__":
    main()
