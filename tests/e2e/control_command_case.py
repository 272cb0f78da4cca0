"""What the tests of the operators' commands share: a scripted coordinator, and the commands that ask it."""

import json

from scripted_coordinator import ScriptedCoordinator
from harness import MurderCase

STATUS = ("GET", "/control/rollouts")
START = ("POST", "/control/rollout")


class ControlCommand(MurderCase):
    def setUp(self):
        super().setUp()
        self.environment.pop("SSH_CONNECTION", None)
        self.environment.pop("MURDER_COORDINATOR", None)
        self.fake = ScriptedCoordinator(self)

    def ask(self, *arguments, code=0, **options):
        return self.murder(*arguments, "--coordinator", self.fake.place, code=code, cwd=self.directory, **options)

    def ask_json(self, *arguments, code=0):
        return json.loads(self.ask(*arguments, "--json", code=code).stdout)
