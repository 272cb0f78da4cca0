"""One module per bench: run(context) does it and returns a kit.Result."""
