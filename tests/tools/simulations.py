"""The simulations that ./dev same runs: fleets of many sizes, racks, faults, the classic policy, and random scenarios."""

import dataclasses

SCENARIO_COUNT = 50


@dataclasses.dataclass(frozen=True)
class Simulation:
    group: str
    words: str  # of `murder simulate`, without --json
    is_quick: bool = False  # also in the quick list
    # Run by as many threads as there are cores, instead of one; its processor time is not compared.
    uses_all_cores: bool = False


SIZES = [
    Simulation("sizes", "--hosts 1 --size 16MiB --rate 1gbit", is_quick=True),
    Simulation("sizes", "--hosts 2 --size 1 --rate 1gbit", is_quick=True),
    Simulation("sizes", "--hosts 3 --size 1000001 --piece-size 16KiB --rate 100mbit", is_quick=True),
    Simulation("sizes", "--hosts 40 --size 20000 --rate 1gbit --seed 2", is_quick=True),
    Simulation("sizes", "--hosts 20 --size 64MiB --rate 1gbit --check-every 7", is_quick=True),
    Simulation("sizes", "--hosts 100 --size 100000001 --rate 1gbit", is_quick=True),
    Simulation("sizes", "--hosts 100 --size 128MiB"),
    Simulation("sizes", "--hosts 60 --size 32MiB --piece-size 16KiB --rate 1gbit"),
    Simulation("sizes", "--hosts 60 --size 128MiB --piece-size 16MiB --block-size 16KiB"),
    Simulation("sizes", "--hosts 200 --size 64MiB --latency 20ms --rate 200mbit"),
    Simulation("sizes", "--hosts 150 --size 64MiB --seed-rate 1gbit --seed 3"),
    Simulation("sizes", "--hosts 150 --size 64MiB --rate 1gbit --seed-rate 10gbit"),
    Simulation("sizes", "--hosts 200 --size 64MiB --hash-rate 200MB --disk-rate 100MB --rate 1gbit"),
    Simulation("sizes", "--hosts 1000 --size 16MiB", is_quick=True),
    Simulation("sizes", "--hosts 600 --size 32MiB --seed 4"),
    Simulation("sizes", "--hosts 2000 --size 8MiB --seed 5"),
    Simulation("sizes", "--hosts 1200 --size 8MiB --seed 6", uses_all_cores=True),
]

RACKS = [
    Simulation("racks", "--hosts 40 --size 64MiB --rate 1gbit --rack-size 10 --check-every 5", is_quick=True),
    Simulation("racks", "--hosts 48 --size 32MiB --rate 1gbit --rack-size 8 --rack-uplink 1gbit", is_quick=True),
    Simulation("racks", "--hosts 200 --size 64MiB --rack-size 40 --rack-uplink 40gbit"),
    Simulation("racks", "--hosts 300 --size 32MiB --rack-size 40 --rack-uplink 100gbit --seed 2"),
    Simulation("racks", "--hosts 300 --size 32MiB --rack-size 60 --rack-uplink 20gbit --latency 1ms"),
    Simulation("racks", "--hosts 60 --size 32MiB --rack-size 1"),
    Simulation("racks", "--hosts 800 --size 16MiB --rack-size 40 --rack-uplink 40gbit --seed 3"),
]

FAULTS = [
    Simulation("faults", "--hosts 60 --size 32MiB --rate 1gbit --die 10% --seed 2", is_quick=True),
    Simulation("faults", "--hosts 60 --size 32MiB --rate 1gbit --slow 10%:0.1 --check-every 3", is_quick=True),
    Simulation("faults", "--hosts 30 --size 4MiB --rate 1gbit --seeder-leaves 0.5", is_quick=True),
    Simulation("faults", "--hosts 200 --size 64MiB --seeder-leaves 1.05 --join-over 20%"),
    Simulation("faults", "--hosts 200 --size 32MiB --die 5% --slow 2%:0.05 --join-over 50%"),
    Simulation("faults", "--hosts 100 --size 32MiB --rate 1gbit --join-over 10s --seed 3"),
    Simulation("faults", "--hosts 300 --size 16MiB --die 30% --seed 4"),
    Simulation("faults", "--hosts 240 --size 64MiB --rack-size 40 --rack-uplink 40gbit --die 5% --slow 1%:0.1"),
    Simulation("faults", "--hosts 700 --size 16MiB --slow 1%:0.1 --die 1% --join-over 20% --seed 5"),
]

CLASSIC = [
    Simulation("classic", "--policy classic --hosts 20 --size 32MiB --rate 1gbit --check-every 7", is_quick=True),
    Simulation("classic", "--policy classic --hosts 100 --size 64MiB"),
    Simulation("classic", "--policy classic --hosts 120 --size 64MiB --rack-size 40 --rack-uplink 40gbit"),
    Simulation("classic", "--policy classic --hosts 100 --size 32MiB --die 10% --slow 5%:0.1 --join-over 20%"),
    Simulation("classic", "--policy classic --hosts 600 --size 16MiB --seed 2"),
]

SCENARIOS = [Simulation("scenarios", f"--scenario {number}", is_quick=number <= 25)
             for number in range(1, SCENARIO_COUNT + 1)]

SIMULATIONS = SIZES + RACKS + FAULTS + CLASSIC + SCENARIOS
